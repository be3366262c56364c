//! Rules of the repository that no compiler checks: headers, rooms and their edges, unsafe, rows with evidence.

use poolcast_runtime::{builtins, catalog::RowKind, metric::Metric, rules::Rules};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// (path from the root, text) of every Rust file of the workspace.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for path in entries.filter_map(|e| Some(e.ok()?.path())) {
            if path.is_dir() && path.file_name().is_none_or(|n| n != "target") {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for dir in ["src", "grammar", "runtime", "tests", "benches", "examples", "fuzz", "bindings"] {
        walk(&root().join(dir), &mut files);
    }
    files.sort();
    let name = |p: &Path| p.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    files.iter().map(|p| (name(p), fs::read_to_string(p).unwrap())).collect()
}

/// Lines of code, comments left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, l)| (i + 1, l)).filter(|(_, l)| !l.trim_start().starts_with("//"))
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not open with `//!`");
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 800, "{name} has {lines} lines; split it");
    }
}

/// Who may use whom: room → rooms it may name. Rooms not listed as a key are not looked at.
const EDGES: &[(&str, &[&str])] = &[
    ("diag", &[]),
    // `bounds`: what only an analysis of the whole program can say. It sees the data types of `check::hir`, never `check`'s code.
    ("check", &["diag", "bounds"]),
    // The proofs: programs and single evaluations. A pool over time is a claim's business.
    (
        "bounds",
        &[
            "check",
            "diag",
            "formula",
            "interp",
            "ir",
            "outcome",
            "Engine",
            "Evaluator",
            "Formula",
            "Inputs",
            "Options",
            "Targets",
        ],
    ),
    ("claims", &["bounds", "check", "diag", "interp", "ir", "sim", "formula", "Formula"]),
    ("ir", &["check"]),
    // `check` means the data types of `check::hir`, which a program refers to.
    ("interp", &["ir", "check"]),
    ("outcome", &["ir", "check", "interp"]),
    // Two ways to run, one way to say how a run ended and what it decided.
    ("jit", &["ir", "interp", "outcome"]),
    ("inputs", &["error"]),
    ("error", &["diag", "outcome"]),
    ("formula", &["check", "diag", "error", "inputs", "interp", "ir", "jit", "outcome"]),
    ("feed", &["error", "formula", "inputs", "outcome"]),
    ("many", &["formula", "outcome"]),
    (
        "sim",
        &[
            "formula",
            "outcome",
            "inputs",
            "error",
            "Formula",
            "Inputs",
            "Outcome",
            "Error",
            "EvalError",
            "Target",
            "Targets",
            "Evaluator",
            "Options",
        ],
    ),
];

/// The first names of a path after `crate::`: `a::b` names `a`, `{a::b, c}` names `a` and `c`.
fn roots(path: &str) -> Vec<String> {
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut depth, mut out, mut fresh) = (0, Vec::new(), true);
    for (i, c) in list.char_indices() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && c.is_alphabetic() => {
                out.push(word(&list[i..]));
                fresh = false;
            }
            _ => {}
        }
    }
    out
}

#[test]
fn rooms_only_know_their_neighbours() {
    for (name, text) in sources() {
        let Some(path) = name.strip_prefix("src/") else { continue };
        let room = path.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = EDGES.iter().find(|(r, _)| *r == room) else { continue };
        // Unit tests may reach further: they compare rooms with each other.
        if path.ends_with("tests.rs") {
            continue;
        }
        let body = text.split("#[cfg(test)]").next().unwrap();
        let body: String = code(body).map(|(_, l)| format!("{l}\n")).collect();
        for used in body.split("crate::").skip(1) {
            for target in roots(used) {
                assert!(
                    target == room || allowed.contains(&target.as_str()),
                    "{name}: `{room}` may not use `{target}`"
                );
            }
        }
    }
}

#[test]
fn tools_stay_in_their_rooms() {
    let homes: &[(&str, &[&str])] = &[
        ("codespan_reporting", &["src/diag/render.rs"]),
        ("cranelift", &["src/jit/"]),
        ("lalrpop", &["grammar/"]),
        ("logos", &["grammar/"]),
        ("clap", &["src/cli/"]),
        ("reedline", &["src/repl/", "src/cli/"]),
    ];
    for (name, text) in sources() {
        if name == "tests/it/tidy.rs" {
            continue;
        }
        for (tool, places) in homes {
            let uses = |l: &str| l.contains(&format!("{tool}::")) || l.contains(&format!("use {tool}"));
            if let Some((line, _)) = code(&text).find(|(_, l)| uses(l)) {
                assert!(places.iter().any(|p| name.starts_with(p)), "{name}:{line}: `{tool}` has no place here");
            }
        }
        let derives =
            code(&text).find(|(_, l)| l.contains("derive(") && (l.contains("Serialize") || l.contains("Deserialize")));
        if let Some((line, _)) = derives {
            assert!(name.starts_with("src/wire/"), "{name}:{line}: serde derives live in `wire`");
        }
    }
}

/// Files that may contain `unsafe`, each block with its `// SAFETY:`.
const UNSAFE: &[&str] = &[
    "runtime/src/slot.rs",
    "runtime/src/arena.rs",
    "runtime/src/abi.rs",
    "src/jit/code.rs",
    "src/jit/memory.rs",
    "bindings/",
];

#[test]
fn unsafe_is_listed_and_justified() {
    for (name, text) in sources() {
        if name == "tests/it/tidy.rs" {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in code(&text) {
            let line = line.split("//").next().unwrap();
            let block = ["unsafe {", "unsafe impl", "unsafe fn", "unsafe extern"].iter().any(|w| line.contains(w));
            if !block {
                continue;
            }
            assert!(UNSAFE.iter().any(|p| name.starts_with(p)), "{name}:{number}: unsafe is not allowed here");
            if line.contains("unsafe {") || line.contains("unsafe impl") {
                let near = lines[number.saturating_sub(8)..number].iter().any(|l| l.contains("SAFETY:"));
                assert!(near, "{name}:{number}: no `// SAFETY:` above it");
            }
        }
    }
}

#[test]
fn every_row_has_words_and_evidence() {
    for row in builtins::ROWS {
        assert!(!row.doc.is_empty() && !row.since.is_empty(), "{}", row.name);
        if !matches!(row.kind, RowKind::Absent { .. }) {
            assert!(!row.overloads.is_empty(), "{} has no signature", row.name);
        }
    }
    for m in Metric::ALL {
        let row = m.row();
        assert!(!row.doc.is_empty() && !row.evidence.is_empty() && !row.unit.is_empty(), "{}", row.name);
    }
    for row in Rules::ROWS {
        assert!(row.doc.len() > 20, "{}", row.name);
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo!(", "unimplemented!(", concat!("TO", "DO"), concat!("FIX", "ME"), "dbg!("];
    for (name, text) in sources() {
        if name == "tests/it/tidy.rs" {
            continue;
        }
        for (i, line) in text.lines().enumerate() {
            assert!(!words.iter().any(|w| line.contains(w)), "{name}:{}: {}", i + 1, line.trim());
        }
    }
}
