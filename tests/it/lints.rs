//! Every code's page is a test: its failing formula yields the code, its repaired one does not and has no errors.
//! Then what lints must not say about sound formulas.

use poolcast::{
    check::author::{Findings, author, service},
    diag::{Severity, code, level::Levels},
};

/// The text of the block ```` ```name ````.
fn block<'p>(page: &'p str, name: &str) -> &'p str {
    let open = format!("```{name}\n");
    let start = page.find(&open).unwrap_or_else(|| panic!("no {name} block")) + open.len();
    let end = page[start..].find("\n```").expect("block ends") + start;
    &page[start..end]
}

/// Pages about sizes show a stand-in; this makes it as large as the page says.
fn grown(code: &str, text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match code {
        "E0120" => format!("{first}\n").repeat(1000) + rest,
        "U0414" => format!("{first}\n").repeat(820) + rest,
        "E0121" => format!("{first}\n{}", format!("{rest}\n").repeat(101)),
        _ => text.to_owned(),
    }
}

fn check(text: &str) -> Findings {
    author(text, &Levels::default())
}

fn codes(text: &str) -> Vec<&'static str> {
    check(text).diagnostics.iter().map(|d| d.code.0).collect()
}

#[test]
fn every_page_fails_and_passes_as_it_says() {
    let mut wrong = Vec::new();
    for row in code::ROWS {
        let bad = grown(row.code.0, block(row.page, "fails"));
        let found = codes(&bad);
        if !found.contains(&row.code.0) {
            wrong.push(format!("{}: the failing formula yields {found:?}", row.code.0));
        }
        let good = check(block(row.page, "passes"));
        let list: Vec<_> = good.diagnostics.iter().map(|d| (d.code.0, d.message.as_str())).collect();
        if good.diagnostics.has_errors() || list.iter().any(|(c, _)| *c == row.code.0) {
            wrong.push(format!("{}: the repaired formula yields {list:?}", row.code.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pages_show_only_what_they_are_about() {
    // A repaired formula teaches by example, so lints other than those about its brevity have no place in it.
    let brief = ["W0505", "W0509", "W0501"];
    for row in code::ROWS {
        let found = codes(block(row.page, "passes"));
        let others: Vec<_> = found.iter().filter(|c| !brief.contains(c)).collect();
        assert!(others.is_empty(), "{}: {others:?}", row.code.0);
    }
}

#[test]
fn severities_follow_the_family() {
    for row in code::ROWS {
        let bad = check(&grown(row.code.0, block(row.page, "fails")));
        for d in bad.diagnostics.iter().filter(|d| d.code == row.code) {
            assert_eq!(d.severity == Severity::Error, row.code.0.starts_with('E'), "{}", row.code.0);
        }
    }
}

#[test]
fn messages_keep_to_the_house_style() {
    for row in code::ROWS {
        for d in check(&grown(row.code.0, block(row.page, "fails"))).diagnostics.iter() {
            for text in [&d.message, &d.label].into_iter().chain(&d.notes).chain(&d.help).filter(|t| !t.is_empty()) {
                assert!(!text.ends_with('.') || text.ends_with("…"), "{}: full stop: {text}", row.code.0);
                let first = text.chars().next().unwrap();
                let named = first.is_uppercase()
                    && ["Monday", "GetSample", "GetSamplePercent"].iter().any(|n| text.starts_with(n));
                assert!(!first.is_uppercase() || named, "{}: capital: {text}", row.code.0);
            }
            assert!(!d.message.is_empty(), "{}", row.code.0);
        }
    }
}

#[test]
fn only_shape_is_refused_when_stored() {
    for row in code::ROWS {
        let refused = service(&grown(row.code.0, block(row.page, "fails"))).has_errors();
        assert_eq!(refused, row.code.0.starts_with("E01"), "{}", row.code.0);
    }
}
