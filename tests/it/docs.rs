//! Generated pages are current, and what the README says runs. `BLESS=1` rewrites the pages.

use poolcast::cli::doc;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn current(name: &str, text: String) {
    let path = root().join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let now = fs::read_to_string(&path).unwrap_or_default();
    assert!(now == text, "{name} is stale: run `BLESS=1 cargo test --test it docs` and commit it");
}

#[test]
fn reference_is_current() {
    current("docs/reference.md", doc::reference());
}

#[test]
fn diagnostics_are_current() {
    current("docs/diagnostics.md", doc::codes());
}

#[test]
fn compatibility_is_current() {
    current("docs/compatibility.md", doc::compatibility());
}

#[test]
fn readme_links_and_files_exist() {
    for page in ["README.md", "docs/architecture.md", "docs/traces.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let base = root().join(page).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|t| t.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                assert!(base.join(file).exists(), "{page} links to {file}");
            }
        }
        for word in text.split(|c: char| c.is_whitespace() || c == '`').filter(|w| w.starts_with("examples/")) {
            assert!(root().join(word).exists(), "{page} names {word}");
        }
    }
}

/// The fenced blocks of a page, with their language.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let fences: Vec<&str> = text.split("```").collect();
    let cut = |block: &&str| block.split_once('\n').map(|(a, b)| (a.to_string(), b.to_string())).unwrap();
    fences.iter().skip(1).step_by(2).map(cut).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs the lines of a block in a shell that knows `poolcast`, in a folder with the examples; what they print.
fn shell(folder: &Path, lines: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_poolcast")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let lines = lines.replace("cargo run -- ", "poolcast ");
    let out = Command::new("sh").args(["-e", "-c", &lines]).env("PATH", path).current_dir(folder).output().unwrap();
    assert!(out.status.success(), "{lines}\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Every line of a quotation is in what the commands above it printed, in that order.
fn quoted(quotation: &str, printed: &str) {
    let mut rest = printed.lines();
    for line in quotation.lines() {
        assert!(rest.any(|l| l.trim() == line.trim()), "`{line}` is not printed, or not there:\n{printed}");
    }
}

#[cfg(unix)]
#[test]
fn the_road_from_a_trace_to_a_cheaper_formula_can_be_walked() {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples"), &folder.path().join("examples"));
    let mut printed = String::new();
    for (language, text) in blocks("docs/traces.md") {
        match language.as_str() {
            "sh" => printed = shell(folder.path(), &text),
            _ => quoted(&text, &printed),
        }
    }
    assert!(fs::read_to_string(folder.path().join("cheaper.html")).unwrap().contains("<svg"));
}

#[cfg(unix)]
#[test]
fn the_first_command_of_the_readme_prints_what_it_quotes() {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples"), &folder.path().join("examples"));
    let all = blocks("README.md");
    assert!(all[0].1.starts_with("cargo run -- simulate"), "{:?}", all[0]);
    let printed = shell(folder.path(), &all[0].1);
    let (_, quotation) = all.iter().find(|(language, _)| language == "text").unwrap();
    quoted(quotation, &printed);
}

#[path = "../../examples/make_trace.rs"]
mod make_trace;

#[test]
fn the_shipped_trace_is_what_its_program_prints() {
    let shipped = fs::read_to_string(root().join("examples/traces/month.txt")).unwrap();
    assert!(make_trace::traces() == shipped, "run cargo run --example make_trace > examples/traces/month.txt");
}
