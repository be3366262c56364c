//! `poolcast explain`: one door to everything that has a row: codes, functions, methods, members, constants, metrics,
//! service variables, rules.
//!
//! In: a name. Out: its page; near names when there is none; the whole list without a name. Never: a fact of its own.

use super::{
    Complaint, Exit, Verb,
    doc::{evidence, kind_word},
    output::Term,
};
use crate::diag::code;
use poolcast_runtime::{
    builtins,
    catalog::{Builtin, RowKind},
    metric::{self, Metric},
    rules,
};
use std::fmt::Write as _;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A code (E0301), a lint's name, a function, a metric or a rule; all of them are listed without it.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Verb for Explain {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let Some(name) = &self.name else {
            term.print(&list());
            return Ok(Exit::Fine);
        };
        let pages = pages(name);
        if pages.is_empty() {
            let near = near(name);
            let hint = if near.is_empty() {
                "`poolcast explain` lists everything there is".to_owned()
            } else {
                format!("did you mean {}?", near.join(", "))
            };
            return Err(format!("nothing is called `{name}`\n{hint}").into());
        }
        term.print(&pages.join("\n"));
        Ok(Exit::Fine)
    }
}

/// Service variables a formula writes: (name, page).
pub const OUTPUTS: &[(&str, &str)] = &[
    (
        "$TargetDedicatedNodes",
        "How many dedicated nodes the pool should have. Read before it is assigned, it is the pool's present target; fractions are cut toward zero when the formula ends. Left alone, the target stays.",
    ),
    (
        "$TargetLowPriorityNodes",
        "How many Spot or low-priority nodes the pool should have. Otherwise like `$TargetDedicatedNodes`.",
    ),
    (
        "$TargetDedicated",
        "Old name of `$TargetDedicatedNodes`. When both are set, the full name wins whatever the order.",
    ),
    (
        "$TargetLowPriority",
        "Old name of `$TargetLowPriorityNodes`. When both are set, the full name wins whatever the order.",
    ),
    (
        "$NodeDeallocationOption",
        "What happens to tasks on nodes that leave: `requeue` (the default: killed and started over), `terminate` (killed for good), `taskcompletion` (the node waits for them) or `retaineddata` (and for their files to expire). It can only be written, and only these four words can be assigned. It does not carry over to the next evaluation.",
    ),
];

/// Everything that has this name, best first.
pub fn pages(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(row) = code::find(name) {
        out.push(plain(row.page));
    }
    let bare = name.trim_start_matches('.').trim_end_matches("()");
    let same = |a: &str, b: &str| a == b || a.eq_ignore_ascii_case(b);
    let named = || builtins::ROWS.iter().filter(|r| same(r.name.trim_start_matches('.'), bare));
    // What the language has under this name, else why it has nothing.
    let real: Vec<&Builtin> = named().filter(|r| !matches!(r.kind, RowKind::Absent { .. })).collect();
    let rows = if real.is_empty() { named().collect() } else { real };
    out.extend(rows.into_iter().map(builtin));
    let dollar = format!("${}", name.trim_start_matches('$'));
    let old = metric::ALIASES.iter().find(|(old, _)| same(old, &dollar)).map(|(_, m)| *m);
    if let Some(m) = Metric::ALL.iter().copied().find(|m| same(m.name(), &dollar)).or(old) {
        out.push(metric(m));
    }
    if let Some((name, doc)) = OUTPUTS.iter().find(|(n, _)| same(n, &dollar)) {
        out.push(format!("# {name}: service variable, written by the formula\n\n{doc}\n"));
    }
    let rule_name = name.replace('-', "_");
    if let Some(row) = rules::Rules::ROWS.iter().find(|r| same(r.name, &rule_name)) {
        out.push(rule(row));
    }
    out
}

/// A page for a terminal: formulas are indented instead of fenced.
fn plain(page: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let _ = writeln!(out, "    {line}");
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

fn builtin(row: &Builtin) -> String {
    let mut out = format!("# {}: {}\n\n", row.name, kind_word(row.kind));
    for o in row.overloads {
        let _ = writeln!(out, "    {}", o.signature);
    }
    if !row.overloads.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", row.doc);
    if let RowKind::Absent { say } = row.kind {
        if say != row.doc {
            let _ = writeln!(out, "\n{say}");
        }
        return out;
    }
    for e in row.examples {
        let given: Vec<String> = e.samples.iter().map(|(m, v)| format!("{m} = {v:?}")).collect();
        let given = if given.is_empty() { String::new() } else { format!("   with samples {}", given.join(", ")) };
        let _ = writeln!(out, "\n    {}   gives {}{given}", e.formula, e.prints);
    }
    let _ = writeln!(out, "\nSince: {}. Evidence: {}.", row.since, evidence(row.evidence));
    out
}

fn metric(m: Metric) -> String {
    let row = m.row();
    let status = format!("{:?}", row.status).to_lowercase();
    format!(
        "# {}: service metric ({status})\n\n{}\n\nUnit: {}. Since: {}. Evidence: {}.\n\
         Methods: GetSample, GetSamplePercent, GetSamplePeriod, Count, HistoryBeginTime.\n{}",
        row.name,
        row.doc,
        row.unit,
        row.since,
        row.evidence,
        if row.plain { "Also a plain number: its present value.\n" } else { "" },
    )
}

fn rule(row: &rules::Row) -> String {
    format!(
        "# {}: rule\n\n{}\n\nDefault: `{}`. Takes {}. Evidence: {}.\n",
        row.name,
        row.doc,
        (row.default)(),
        (row.allowed)(),
        evidence(row.evidence),
    )
}

/// Every name there is, with a word about its kind.
fn names() -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<(&'static str, &'static str)> = Vec::new();
    all.extend(builtins::ROWS.iter().map(|r| (r.name, kind_word(r.kind))));
    all.extend(OUTPUTS.iter().map(|(n, _)| (*n, "service variable")));
    all.extend(Metric::ALL.iter().map(|m| (m.name(), "metric")));
    all.extend(rules::Rules::ROWS.iter().map(|r| (r.name, "rule")));
    all
}

pub(crate) fn near(name: &str) -> Vec<String> {
    let wanted = name.trim_start_matches(['$', '.']).to_lowercase();
    let mut all: Vec<(usize, String)> = names()
        .into_iter()
        .map(|(n, _)| n)
        .chain(code::ROWS.iter().map(|r| r.name))
        .map(|n| (strsim::osa_distance(&wanted, &n.trim_start_matches(['$', '.']).to_lowercase()), format!("`{n}`")))
        .filter(|(d, _)| *d * 3 <= wanted.len().max(3))
        .collect();
    all.sort();
    all.dedup();
    all.into_iter().take(4).map(|(_, n)| n).collect()
}

fn list() -> String {
    let mut out = String::from("Codes\n");
    for row in code::ROWS {
        let _ = writeln!(out, "  {}  {:<24} {}", row.code.0, row.name, row.title);
    }
    let all = names();
    let mut kinds: Vec<&str> = all.iter().map(|(_, k)| *k).collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let list: Vec<&str> = all.iter().filter(|(_, k)| *k == kind).map(|(n, _)| *n).collect();
        let _ = writeln!(out, "\n{}{}s\n  {}", kind[..1].to_uppercase(), &kind[1..], wrap(&list));
    }
    out
}

fn wrap(words: &[&str]) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for w in words {
        if width + w.len() > 90 {
            out.push_str("\n  ");
            width = 0;
        }
        out.push_str(w);
        out.push(' ');
        width += w.len() + 1;
    }
    out
}
