//! Every code's page is a test: its failing formula yields the code, its repaired one does not and has no errors.
//! Then what lints must not say about sound formulas.

use poolcast::{
    check::author::{Findings, author, service},
    diag::{Severity, code, fix, level::Levels},
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

#[test]
fn every_repair_repairs_and_breaks_nothing() {
    for row in code::ROWS {
        let bad = grown(row.code.0, block(row.page, "fails"));
        let before = check(&bad).diagnostics;
        let count = |list: &poolcast::diag::Diagnostics| list.iter().filter(|d| d.code == row.code).count();
        let errors = |list: &poolcast::diag::Diagnostics| list.iter().filter(|d| d.severity == Severity::Error).count();
        for repair in before.iter().filter(|d| d.code == row.code).flat_map(|d| &d.fixes) {
            let text = fix::apply_edits(&bad, repair.edits.iter().cloned()).expect("edits fit");
            let after = check(&text).diagnostics;
            let said: Vec<_> = after.iter().map(|d| (d.code.0, &d.message)).collect();
            assert!(count(&after) < count(&before), "{}: `{}` leaves it:\n{text}", row.code.0, repair.title);
            assert!(
                errors(&after) <= errors(&before),
                "{}: `{}` breaks it:\n{text}\n{said:?}",
                row.code.0,
                repair.title
            );
        }
    }
}

/// Sound formulas, each in a way a careless lint would trip over.
#[test]
fn sound_formulas_are_left_alone() {
    let end = "$NodeDeallocationOption = taskcompletion;";
    for text in [
        // Guards through variables, the other way round, through `&&`, through the pool's age, through a stop.
        "p = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 5); ok = p >= 70;\n$TargetDedicatedNodes = ok ? max($PendingTasks.GetSample(TimeInterval_Minute * 5)) : 1;",
        "$TargetDedicatedNodes = $PendingTasks.Count() > 20 && max($PendingTasks.GetSample(TimeInterval_Minute * 5)) > 0 ? 3 : 1;",
        "age = time() - time(\"2026-01-05T08:00:00Z\");\n$TargetDedicatedNodes = age > TimeInterval_Hour ? max($RunningTasks.GetSample(TimeInterval_Hour, 50)) : 4;",
        "$PendingTasks.GetSamplePercent(TimeInterval_Hour) < 70 ? stop() : 0;\n$TargetDedicatedNodes = max($PendingTasks.GetSample(TimeInterval_Hour));",
        // A window that is satisfied by no sample at all is said by W0504, one with a percentage is fine when guarded.
        "$TargetDedicatedNodes = $PendingTasks.GetSamplePercent(600 * TimeInterval_Second) > 60 ? max($PendingTasks.GetSample(600 * TimeInterval_Second, 60)) : 1;",
        // Rounding in all its forms.
        "$TargetDedicatedNodes = (max($PendingTasks.GetSample(5)) + 3) / 4;",
        "$TargetDedicatedNodes = max($PendingTasks.GetSample(5)) / 4 + 0.5;",
        "n = max($PendingTasks.GetSample(5)) / 4; m = ceil(n);\n$TargetDedicatedNodes = min(10, m);",
        "$TargetDedicatedNodes = floor($TargetDedicatedNodes / 2);",
        "half = 10 / 2;\n$TargetDedicatedNodes = half;",
        "$TargetDedicatedNodes = max($PendingTasks.GetSample(5)) > 2.5 ? 4 : 2;",
        // One sample is no vector to take the smallest of; numbers have a minimum.
        "cap = 5;\n$TargetDedicatedNodes = min(cap, $TargetDedicatedNodes + 1);",
        // Divisors that cannot be zero.
        "slots = max(1, $CurrentDedicatedNodes);\n$TargetDedicatedNodes = ceil(max($PendingTasks.GetSample(5)) / slots);",
        "$TargetDedicatedNodes = ceil(max($PendingTasks.GetSample(5)) / $TaskSlotsPerNode);",
        "n = max(0, $CurrentDedicatedNodes);\n$TargetDedicatedNodes = n == 0 ? 1 : ceil(max($PendingTasks.GetSample(5)) / n);",
        // A switch is a constant on purpose; days one knows; ranges that meet.
        "debug = 0;\n$TargetDedicatedNodes = debug ? 1 : 5;",
        "day = time().weekday;\n$TargetDedicatedNodes = day >= 1 && day <= 5 ? 5 : 1;",
        "h = time().hour;\n$TargetDedicatedNodes = h >= 8 && h < 18 ? 5 : 1;",
        "h = time().hour;\n$TargetDedicatedNodes = h < 8 || h >= 18 ? 1 : 5;",
        // Reading a target back before it is set again; helpers named after the real thing.
        "$TargetDedicatedNodes = 4;\n$TargetDedicatedNodes = time().hour > 8 ? $TargetDedicatedNodes : 1;",
        "targetDedicatedNodes = min(4, $TargetDedicatedNodes);\n$TargetDedicatedNodes = targetDedicatedNodes;",
        "$pendingTasks = max($PendingTasks.GetSample(5));\n$TargetDedicatedNodes = $pendingTasks;",
        // Reassignment that is read in between.
        "n = 1; n = n + 1;\n$TargetDedicatedNodes = n;",
    ] {
        let text = format!("{text}\n{end}");
        let said: Vec<_> = check(&text).diagnostics.iter().map(|d| format!("{}: {}", d.code.0, d.message)).collect();
        assert!(said.is_empty(), "{text}\n{said:#?}");
    }
}

/// What each message names is the thing in the formula.
#[test]
fn messages_name_the_real_thing() {
    for (text, code, says) in [
        (
            "n = max($PendingTasks.GetSample(5));\n$TargetDedicatedNodes = n / 4;",
            "W0503",
            "`n / 4` can make `$TargetDedicatedNodes` 0.75, which becomes 0 nodes",
        ),
        (
            "n = max($PendingTasks.GetSample(5));\n$TargetDedicatedNodes = max(1, n / 4);",
            "W0503",
            "`n / 4` can make `$TargetDedicatedNodes` 1.75, which becomes 1 node",
        ),
        ("$TargetDedicatedNodes = 2.5;", "W0503", "`$TargetDedicatedNodes` becomes 2 nodes: 2.5 is cut toward zero"),
        (
            "$TargetDedicatedNodes = max($PendingTasks.GetSample(TimeInterval_Hour, 50));",
            "W0502",
            "`$PendingTasks.GetSample(TimeInterval_Hour, 50)` stops the evaluation unless 50 % of its samples exist",
        ),
        (
            "p = $PendingTasks.GetSamplePercent(TimeInterval_Hour);\n$TargetDedicatedNodes = p < 70 ? max($PendingTasks.GetSample(TimeInterval_Hour)) : 1;",
            "W0502",
            "unless 70 %",
        ),
        ("h = time().hour;\n$TargetDedicatedNodes = h == 24 ? 1 : 2;", "W0517", "`h == 24` is never true"),
        (
            "$TargetDedicatedNodes = max($PendingTasks.GetSample(TimeInterval_Hour, 0));",
            "W0504",
            "asked for 0 % of its samples",
        ),
        ("$TargetDedicatedNodes = max(1, $TargetDedicatedNodes / (3 - 3));", "W0525", "`3 - 3` is zero"),
    ] {
        let list = check(text).diagnostics;
        let said: Vec<_> = list.iter().map(|d| format!("{}: {}", d.code.0, d.message)).collect();
        assert!(list.iter().any(|d| d.code.0 == code && d.message.contains(says)), "{text}\n{said:#?}");
    }
}

#[test]
fn comments_of_the_formula_turn_warnings_off() {
    let text = "$TargetDedicatedNodes = 0.5;";
    assert_eq!(codes(text), ["W0503"]);
    assert!(codes(&format!("//! allow W0503\n{text}")).is_empty());
    assert!(codes(&format!("//! allow fraction-cut, unused-variable\n{text}")).is_empty());
    assert_eq!(codes(&format!("// allow W0503\n{text}")), ["W0503"]);
    assert_eq!(codes(&format!("//! allow fraction-cuts\n{text}")), ["W0527", "W0503"]);
}

/// Pieces of formulas, sound and unsound, to be strung together.
const PIECES: &[&str] = &[
    "$TargetDedicatedNodes",
    "$PendingTasks",
    "$ActiveTasks",
    "$n",
    "n",
    "é",
    "= ",
    "== ",
    ";",
    ";\n",
    "(",
    ")",
    ",",
    ".",
    "? ",
    ": ",
    "min(",
    "max(",
    "avg(",
    "val(",
    "time(",
    "\"2026-01-05T08:00:00\"",
    "\"",
    "'x'",
    "GetSample(",
    "GetSamplePercent(",
    ".GetSample(1)",
    "weekday",
    "TimeInterval_Minute",
    "1",
    "0",
    "0.7",
    "7",
    "1e309",
    "* ",
    "/ ",
    "- ",
    "+ ",
    "< ",
    ">= ",
    "&& ",
    "|| ",
    "! ",
    "%",
    "#",
    "// c\n",
    "//! allow W0503 nothing\n",
    "/*",
    "*/",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "stop()",
    "requeue",
    "$NodeDeallocationOption = ",
    " ",
    "\r\n",
    "\t",
    "${x}",
    "<<EOF\n",
    "EOF\n",
    "formula = ",
    "{\"autoScaleFormula\": \"",
    "\\n",
    "\\u00e9",
    "\"}",
];

fn soup() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|p| p.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever the text: findings point into it, can be drawn, and repairs can be applied.
    #[test]
    fn no_text_is_too_strange(text in soup()) {
        let found = check(&text).diagnostics;
        for d in found.iter() {
            for span in std::iter::once(d.span).chain(d.labels.iter().map(|l| l.span)) {
                assert!(text.get(span.range()).is_some(), "{}: {span:?} of {text:?}", d.code.0);
            }
            for f in &d.fixes {
                assert!(fix::apply_edits(&text, f.edits.iter().cloned()).is_some(), "{}: {:?}", d.code.0, f);
            }
        }
        let _ = poolcast::diag::render::human("f", &text, found.iter(), true);
        let _ = fix::apply_automatic(&text, found.iter());
    }

    /// Whatever the file: formulas found in it map back into it.
    #[test]
    fn no_file_is_too_strange(text in soup(), name in proptest::sample::select(vec!["a.txt", "a.json", "a.tf"])) {
        if let Ok(found) = poolcast::wire::embedded::extract(name, &text) {
            for piece in &found.pieces {
                for d in check(&piece.text).diagnostics.iter().cloned().filter_map(|d| piece.outward(d)) {
                    assert!(text.get(d.span.range()).is_some(), "{name}: {:?} of {text:?}", d.span);
                }
            }
        }
    }
}

#[test]
fn depth_is_no_danger() {
    for text in [
        "(".repeat(8000),
        format!("$TargetDedicatedNodes = {}1;", "-".repeat(8000)),
        format!("$TargetDedicatedNodes = {}1{};", "(".repeat(4000), ")".repeat(4000)),
        format!("$TargetDedicatedNodes = {}3;", "1 ? 2 : ".repeat(1000)),
        format!("$TargetDedicatedNodes = {}1{};", "max(".repeat(1500), ")".repeat(1500)),
        (0..99).map(|i| format!("a{} = a{i} + a{i};", i + 1)).collect::<String>(),
    ] {
        let _ = check(&text);
    }
}

/// (formula, code, part of its message); an empty code: nothing is said.
#[test]
fn reasons_are_the_real_ones() {
    let end = "$NodeDeallocationOption = taskcompletion;";
    for (text, code, says) in [
        (
            "$TargetDedicatedNodes = max(0, $RunningTasks.GetSample(1) + $ActiveTasks.GetSample(5));",
            "W0528",
            "different numbers of samples",
        ),
        ("$TargetDedicatedNodes = max(0, $RunningTasks.GetSample(5) + $PendingTasks.GetSample(5));", "", ""),
        (
            "a = $RunningTasks.GetSample(TimeInterval_Minute * 5, 0); b = $PendingTasks.GetSample(TimeInterval_Minute * 10, 0);\n$TargetDedicatedNodes = max(0, a + b);",
            "W0528",
            "different numbers",
        ),
        (
            "$TargetDedicatedNodes = max($PendingTasks.GetSample(5 * TimeInterval_Minute, 170));",
            "W0504",
            "170 % of its samples, so the evaluation always stops",
        ),
        ("$TargetDedicatedNodes = 99999999999;", "W0565", "is always 1e+11, beyond 32 bits"),
        ("$TargetDedicatedNodes = -3;", "W0565", "is always negative"),
        ("$TargetDedicatedNodes = ceil(avg($PendingTasks.GetSample(0)));", "W0529", "asks for 0 samples"),
        ("$TargetDedicatedNodes = ceil(avg($PendingTasks.GetSample(-1)));", "W0529", "asks for -1 samples"),
        ("$TargetDedicatedNodes = ceil(std($PendingTasks.GetSample(1)));", "W0529", "is taken of one sample"),
        ("$TargetDedicatedNodes = max(1, val($PendingTasks.GetSample(1), 1));", "W0529", "is past the end of 1 sample"),
        ("stop(); x = 1;", "W0530", "nothing after `stop()`"),
        ("time().hour < 3 ? stop() : 0; $TargetDedicatedNodes = 1;", "", ""),
        ("$TargetDedicatedNodes == 5;", "W0531", "decides nothing"),
        ("x = 1e999; $TargetDedicatedNodes = min(3, x);", "U0406", "has an exponent"),
        (
            "$TargetDedicatedNodes = time() > time(\"Mon, 6 Oct 2014 10:20:00 GMT\") ? 1 : 2;",
            "U0418",
            "no documented time format",
        ),
        ("$TargetDedicatedNodes = time() > time(\"2026-01-05 10:00\") ? 1 : 2;", "U0418", "no documented time format"),
        (
            "$TargetDedicatedNodes = time() > time(\"2026-01-05T10:00:00.123456789Z\") ? 1 : 2;",
            "E0310",
            "no time the service reads",
        ),
        (
            "if (time().hour > 3) { $TargetDedicatedNodes = 10; } else { $TargetDedicatedNodes = 1; }",
            "E0122",
            "no `if` statement",
        ),
        (
            "if (time().hour > 3) $TargetDedicatedNodes = 10; else $TargetDedicatedNodes = 1;",
            "E0122",
            "no `if` statement",
        ),
        ("var x = 5; $TargetDedicatedNodes = x;", "E0122", "variables are not declared"),
    ] {
        let text = format!("{text}\n{end}");
        let list = check(&text).diagnostics;
        let said: Vec<_> = list.iter().map(|d| format!("{}: {}", d.code.0, d.message)).collect();
        let found = list.iter().any(|d| d.code.0 == code && d.message.contains(says));
        assert!(if code.is_empty() { said.is_empty() } else { found }, "{text}\n{said:#?}");
        if code == "E0122" {
            assert_eq!(said.len(), 1, "one mistake, one error: {said:#?}");
        }
        if code != "U0406" {
            assert!(!said.iter().any(|s| s.contains("W0565") && code == "W0529"), "{said:#?}");
        }
        assert!(!list.iter().flat_map(|d| &d.fixes).any(|f| f.automatic && f.title.contains("inf")), "{text}");
    }
}

#[test]
fn a_target_that_only_grows_needs_no_option() {
    assert!(!codes("$TargetDedicatedNodes = $TargetDedicatedNodes + 1;").contains(&"W0509"));
    assert!(!codes("$TargetDedicatedNodes = max($TargetDedicatedNodes, time().hour);").contains(&"W0509"));
    assert!(codes("$TargetDedicatedNodes = min(9, $TargetDedicatedNodes + 1);").contains(&"W0509"));
    assert!(codes("$TargetDedicatedNodes = $TargetLowPriorityNodes + 1;").contains(&"W0509"));
}

#[test]
fn an_old_name_beside_the_new_one_gets_no_repair_that_changes_the_winner() {
    let list = check("a = time().hour;\n$TargetDedicatedNodes = ceil(a / 4); $TargetDedicated = 3;").diagnostics;
    let old: Vec<_> = list.iter().filter(|d| d.code.0 == "W0522").collect();
    assert!(old.len() == 1 && old[0].fixes.is_empty(), "{old:?}");
}
