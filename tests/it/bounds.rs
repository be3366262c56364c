//! Bounds: what is proved holds on every engine, and is tight where it can be.

use crate::support::formulas::{admissible, formula};
use poolcast::{Engine, Formula, Inputs, Options, bounds, bounds::Assume, ir::lower::{self, Effort}};
use poolcast_runtime::builtins;
use proptest::prelude::*;

fn compile(source: &str) -> Formula {
    let options = Options { engine: Engine::Interp, like_service: true, ..Options::default() };
    Formula::compile_with(source, &options).unwrap_or_else(|e| panic!("{source}\n{e}"))
}

/// No run of the optimised or of the plain program leaves its bounds.
fn sound(source: &str, inputs: &Inputs) -> Result<(), TestCaseError> {
    let f = compile(source);
    let plain = lower::lower(f.hir(), f.rules(), Effort::Plain);
    for p in [f.program(), &plain] {
        let analysis = bounds::analyse(p, &Assume::default());
        if let Some(wrong) = bounds::oracle::violation(&analysis, inputs) {
            return Err(TestCaseError::fail(format!("{wrong}\n{source}\n{}", poolcast::ir::print::print(p))));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_run_leaves_its_bounds(source in formula(), inputs in admissible()) {
        sound(&source, &inputs)?;
    }
}

/// Bounds of a variable `x` as text: `lo..hi`, `i` where whole, `n` where NaN is possible; `never` where nothing comes out.
fn of(statements: &str) -> String {
    let f = compile(statements);
    let analysis = bounds::analyse(f.program(), &Assume::default());
    let slot = f.program().slots.iter().rposition(|s| s.name == "x").unwrap();
    let mut all: Option<bounds::domain::Abs> = None;
    for e in &analysis.endings {
        let v = e.state.vals[analysis.stores[slot].unwrap().ix()];
        all = Some(all.map_or(v, |a| a.join(v)));
    }
    let number = |n: bounds::domain::Num| {
        let g = |x: f64| if x.abs() < 1e5 { format!("{x}") } else { poolcast_runtime::print::general(x) };
        let kind = format!("{}{}", if n.int { "i" } else { "" }, if n.nan { "n" } else { "" });
        if n.empty() { "nan".to_owned() } else { format!("{}..{}{kind}", g(n.lo), g(n.hi)) }
    };
    match all {
        None => "never".into(),
        Some(bounds::domain::Abs::Num(n)) => number(n),
        Some(bounds::domain::Abs::Vec(e, n)) => format!("{} of {}", n.lo.to_string() + ".." + &n.hi.to_string(), number(e)),
        Some(bounds::domain::Abs::Interval(s)) => format!("{}s..{}s", s.lo / 10_000_000, s.hi / 10_000_000),
        Some(bounds::domain::Abs::Time(s, rel)) => match rel {
            Some(r) => format!("now{:+}s..{:+}s", r.lo / 10_000_000, r.hi / 10_000_000),
            None => format!("{}..{}", poolcast::Ticks(s.lo).iso_trimmed(), poolcast::Ticks(s.hi).iso_trimmed()),
        },
        Some(other) => format!("{other:?}"),
    }
}

/// Formulas with their tight bounds. `T`, `N` and `C` stand for values that are 0 to 9 (whole), 0 to 100, and −3 to 4.
const TABLE: &[(&str, &str)] = &[
    ("1.5", "1.5..1.5"),
    ("T", "0..9i"),
    ("N", "0..100"),
    ("C", "-3..4i"),
    ("T + C", "-3..13i"),
    ("T - C", "-4..12i"),
    ("T * C", "-27..36i"),
    ("T / 4", "0..2.25"),
    ("N / T", "0..infn"),
    ("N / (T + 1)", "0..100"),
    ("8 / (C - 5)", "-8..-1"),
    ("-C", "-4..3i"),
    ("!T", "0..1i"),
    ("!(T + 1)", "0..0i"),
    ("T < 10", "1..1i"),
    ("T <= 8", "0..1i"),
    ("T > 9", "0..0i"),
    ("T >= 0", "1..1i"),
    ("T == 4.5", "0..0i"),
    ("T != 10", "1..1i"),
    ("T == T", "0..1i"),
    ("T && 0", "0..0i"),
    ("T || 1", "1..1i"),
    ("T > 3 && T < 3", "0..0i"),
    ("T >= 3 || T < 3", "1..1i"),
    ("T > 5 ? T : 5", "5..9i"),
    ("T > 5 ? T : 6", "6..9i"),
    ("(T > 2 && T < 6) ? T : 4", "3..5i"),
    ("C < 0 ? -C : C", "0..4i"),
    ("C != -3 ? C : 0", "-2..4i"),
    ("T == 7 ? T : 7", "7..7i"),
    ("T > 0 ? N / T : 0", "0..100"),
    ("T - min(T, C)", "0..12i"),
    ("max(C, T) - C", "0..12i"),
    ("min(5, T)", "0..5i"),
    ("max(5, T)", "5..9i"),
    ("min(5, max(2, T))", "2..5i"),
    ("min(T, C)", "-3..4i"),
    ("max(0, avg())", "0..0i"),
    ("avg(T, C)", "-1.5..6.5"),
    ("avg()", "nan"),
    ("sum(T, C, 1)", "-2..14i"),
    ("sum()", "0..0i"),
    ("len(T, C)", "2..2i"),
    ("range(T, C)", "0..12i"),
    ("norm(C)", "0..4"),
    ("norm(3, 4)", "5..5i"),
    ("std(4)", "nan"),
    ("ceil(N / 8)", "0..13i"),
    ("floor(N / 8)", "0..12i"),
    ("round(N / 8)", "0..13i"),
    ("ceil(C / 2)", "-1..2i"),
    ("lg(T + 1)", "0..3.3219280948873626"),
    ("lg(T)", "-inf..3.16993"),
    ("ln(T + 1)", "0..2.302585092994046"),
    ("log(N)", "-inf..2.0000000000000004"),
    ("log(C - 9)", "nan"),
    ("rand()", "0..0.9999999999999999"),
    ("floor(rand() * 3)", "0..2i"),
    ("time().hour", "0..23i"),
    ("time().minute", "0..59i"),
    ("time().second", "0..59i"),
    ("time().weekday", "0..6i"),
    ("time().day", "1..31i"),
    ("time().month", "1..12i"),
    ("time().year", "1970..2099i"),
    ("time(\"2026-05-31\").month", "5..5i"),
    ("(time(\"2026-05-31\") + T * TimeInterval_Minute).hour", "0..0i"),
    ("time() - TimeInterval_Hour", "now-3600s..-3600s"),
    ("time() - (time() - T * TimeInterval_Minute)", "0s..540s"),
    ("TimeInterval_Minute * T", "0s..540s"),
    ("T * TimeInterval_Minute / 2", "0s..270s"),
    ("TimeInterval_Zero + TimeInterval_100ns + TimeInterval_Microsecond + TimeInterval_Millisecond", "0s..0s"),
    ("TimeInterval_Second", "1s..1s"),
    ("TimeInterval_Hour - TimeInterval_Day", "-82800s..-82800s"),
    ("TimeInterval_Week", "604800s..604800s"),
    ("TimeInterval_Year", "31449600s..31449600s"),
    ("-TimeInterval_Minute", "-60s..-60s"),
    ("$PendingTasks.GetSamplePeriod()", "30s..30s"),
    ("$PendingTasks.Count() >= 0", "1..1i"),
    ("time() >= $PendingTasks.HistoryBeginTime()", "1..1i"),
    ("$CPUPercent.GetSample(4)", "0..4 of 0..100"),
    ("$CPUPercent.GetSample(5 * TimeInterval_Minute)", "7..10 of 0..100"),
    ("$CPUPercent.GetSample(5 * TimeInterval_Minute, 100)", "10..10 of 0..100"),
    ("$CPUPercent.GetSample(time() - 5 * TimeInterval_Minute, 50)", "5..10 of 0..100"),
    ("$CPUPercent.GetSample(4 * TimeInterval_Minute, TimeInterval_Minute, 50)", "3..6 of 0..100"),
    ("$CPUPercent.GetSamplePercent(5 * TimeInterval_Minute)", "0..100"),
    ("$CPUPercent.GetSamplePercent(TimeInterval_Zero)", "0..0i"),
    ("avg($CPUPercent.GetSample(4))", "0..100.00000000000017n"),
    ("max($CPUPercent.GetSample(4))", "0..100n"),
    ("max(0, $CPUPercent.GetSample(4))", "0..100"),
    ("min(30, $CPUPercent.GetSample(4))", "0..30"),
    ("min(30, 2 * $CPUPercent.GetSample(4))", "0..30"),
    ("len($CPUPercent.GetSample(4), 1)", "1..5i"),
    ("sum($CPUPercent.GetSample(4))", "0..400"),
    ("val($CPUPercent.GetSample(4), 0)", "0..100n"),
    ("val($CPUPercent.GetSample(5 * TimeInterval_Minute), 6)", "0..100"),
    ("percentile($CPUPercent.GetSample(5 * TimeInterval_Minute), 90)", "0..100"),
    ("percentile($CPUPercent.GetSample(5 * TimeInterval_Minute), 101)", "never"),
    ("range($CPUPercent.GetSample(5 * TimeInterval_Minute))", "0..100"),
    ("$CPUPercent.GetSample(3) / 2", "0..3 of 0..50"),
    ("ceil($CPUPercent.GetSample(3) / 3)", "0..3 of 0..34i"),
    ("$CPUPercent.GetSamplePercent(5 * TimeInterval_Minute) < 70 ? 0 : avg(1, $CPUPercent.GetSample(5 * TimeInterval_Minute))", "0..100"),
    ("$PendingTasks == 0 ? 1 : min(3, $PendingTasks)", "1..3i"),
    ("1 ? 3 : stop()", "3..3i"),
    ("T > 4 ? T : stop()", "5..9i"),
    ("\"a\" < \"b\"", "1..1i"),
];

#[test]
fn table_of_tight_bounds() {
    let mut wrong = Vec::new();
    for (expr, want) in TABLE {
        let got = of(&format!(
            "T = min(9, max(0, $ActiveTasks.GetSample(1))); N = max(0, $CPUPercent.GetSample(1)); C = min(7, max(0, $RunningTasks.GetSample(1))) - 3;
             x = {expr};"
        ));
        if got != *want {
            wrong.push(format!("{expr}: {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(TABLE.len() >= 60);
    // Every function, method, member and interval of the catalogue is in it, and every operator.
    let all: String = TABLE.iter().map(|t| t.0).collect::<Vec<_>>().join(" ");
    for row in builtins::ROWS {
        use poolcast_runtime::catalog::RowKind::*;
        let written = match row.kind {
            Function => format!("{}(", row.name),
            Method | Member => format!(".{}", row.name),
            Constant if row.name.starts_with("Time") => row.name.to_owned(),
            Constant | Absent { .. } => continue,
        };
        assert!(all.contains(&written), "{written} is not in the table");
    }
    for op in ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "!", "?"] {
        assert!(all.contains(&format!("{op} ")) || all.contains(&format!("{op}(")) || all.contains(&format!("{op}T")), "{op}");
    }
}
