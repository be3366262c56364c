//! Bounds: what is proved holds on every engine, and is tight where it can be.

use crate::support::formulas::{admissible, formula};
use poolcast::{
    Engine, Formula, Inputs, Options, bounds,
    bounds::Assume,
    ir::lower::{self, Effort},
};
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
    // `POOLCAST_CASES=50000000` turns this into a soak.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("POOLCAST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn no_run_leaves_its_bounds(source in formula(), inputs in admissible()) {
        sound(&source, &inputs)?;
    }
}

/// Bounds of a variable `x` as text: `lo..hi`, `i` where whole, `n` where NaN is possible; `never` where nothing comes out.
fn of(statements: &str) -> String {
    let f = compile(statements);
    let analysis = bounds::analyse(f.program(), &Assume::default());
    let slot = f.program().slots.iter().rposition(|s| &*s.name == "x").unwrap();
    let mut all: Option<bounds::domain::Abs> = None;
    for e in analysis.endings.iter().filter(|e| e.end == poolcast::interp::End::Finished) {
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
        Some(bounds::domain::Abs::Vec(e, n)) => {
            format!("{} of {}", n.lo.to_string() + ".." + &n.hi.to_string(), number(e))
        }
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
    ("lg(T)", "-inf..3.1699250014423126"),
    ("ln(T + 1)", "0..2.3025850929940463"),
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
    ("avg($CPUPercent.GetSample(4))", "0..100n"),
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
    (
        "$CPUPercent.GetSamplePercent(5 * TimeInterval_Minute) < 70 ? 0 : avg(1, $CPUPercent.GetSample(5 * TimeInterval_Minute))",
        "0..100",
    ),
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
        assert!(
            all.contains(&format!("{op} ")) || all.contains(&format!("{op}(")) || all.contains(&format!("{op}T")),
            "{op}"
        );
    }
}

// ---- the report, assertions, diff ----

use poolcast::{
    bounds::{
        diff::{Difference, diff},
        report::NoSamples,
        transfer::Stop,
    },
    claims::{
        Verdict, assertion,
        temporal::{self, Idle},
        trial::{Batch, Load, Start, Trial},
    },
};

fn jit(source: &str) -> Formula {
    Formula::compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"))
}

fn report(source: &str) -> bounds::Report {
    bounds::report(&jit(source), &Assume::default(), 4_000, 0)
}

/// What a witness comes to when it is run again.
fn replay(f: &Formula, w: &bounds::Witness) -> [u32; 2] {
    let t = f.evaluate(&w.inputs(f.rules())).unwrap().targets();
    [t.dedicated.or(w.targets[0]), t.low_priority.or(w.targets[1])]
}

const QUEUE: &str = "w = TimeInterval_Minute * 5; s = $PendingTasks.GetSamplePercent(w);
n = s < 70 ? max(0, $PendingTasks.GetSample(1)) : max($PendingTasks.GetSample(1), avg($PendingTasks.GetSample(w)));\n";

#[test]
fn both_ends_of_a_cap_are_proved_and_reached() {
    let source = format!("{QUEUE}$TargetDedicatedNodes = min(25, n / 4);\n$NodeDeallocationOption = taskcompletion;");
    let (f, r) = (jit(&source), report(&source));
    let t = &r.targets[0];
    assert_eq!((t.low.bound, t.high.bound, t.kept), (0.0, 25.0, false));
    assert!(t.low.reached() && t.high.reached());
    for (end, want) in [(&t.low, 0), (&t.high, 25)] {
        assert_eq!(replay(&f, &end.found.as_ref().unwrap().1)[0], want);
    }
    assert_eq!((t.zero_when_idle, r.no_samples, r.traps.len()), (true, NoSamples::Works, 0));
    assert_eq!(t.statements, [0, 1, 2, 3]);
}

#[test]
fn failures_are_foreseen_with_the_pattern_that_causes_them() {
    let r = report("$TargetDedicatedNodes = avg($PendingTasks.GetSample(TimeInterval_Minute * 5)) - 3;");
    assert!(
        matches!(&r.no_samples, NoSamples::Fails(f, w) if f.trap.code() == "InsufficientSampleData" && !w.has_samples())
    );
    let stops: Vec<Stop> = r.traps.iter().map(|t| t.trap.stop).collect();
    assert!(
        stops.iter().any(|s| matches!(s, Stop::Insufficient(_, 70_000))) && stops.contains(&Stop::Negative),
        "{stops:?}"
    );
    assert!(r.traps.iter().filter(|t| t.trap.stop != Stop::NotFinite).all(|t| t.witness.is_some()));
}

#[test]
fn a_pool_that_never_empties_is_seen() {
    let idle = |source: &str| temporal::idle(&jit(source), &Assume::default(), 0);
    assert!(matches!(idle("$TargetDedicatedNodes = max(2, min(9, $CurrentDedicatedNodes));"), Idle::Stays(2, _)));
    // Half of what there is, each time a resize is over: it gets there.
    assert!(matches!(idle("$TargetDedicatedNodes = $CurrentDedicatedNodes / 2;"), Idle::Settles(3..)));
    assert!(matches!(
        idle("$TargetDedicatedNodes = avg($PendingTasks.GetSample(9 * TimeInterval_Hour));"),
        Idle::Fails(_)
    ));
}

#[track_caller]
fn judged(source: &str, claim: &str) -> Verdict {
    let f = jit(source);
    let a = assertion::parse(claim, None).unwrap();
    let v = assertion::judge(&f, &Assume::default(), &a, 4_000, 0).unwrap();
    if let Verdict::Refuted(c) = &v {
        // Every counterexample runs.
        let w = c.witness.as_ref().expect("an input");
        let _ = f.evaluate(&w.inputs(f.rules()));
        assert!(w.command("f.txt", "s.csv").starts_with("poolcast eval f.txt"));
    }
    v
}

#[test]
fn assertions_are_proved_refuted_or_unknown() {
    let source = format!(
        "{QUEUE}cap = time().hour < 8 ? 10 : 25;\n$TargetDedicatedNodes = min(cap, n / 4);
        $TargetLowPriorityNodes = max(0, min(cap, cap - $TargetDedicatedNodes));"
    );
    for claim in [
        "$TargetDedicatedNodes <= 25",
        "$TargetDedicatedNodes <= cap && $TargetLowPriorityNodes >= 0",
        "$TargetDedicatedNodes >= 0",
        "$TargetDedicatedNodes + $TargetLowPriorityNodes <= 25",
        "cap == 10 || cap == 25",
        "time().hour >= 8 || $TargetDedicatedNodes <= 10",
    ] {
        assert_eq!(judged(&source, claim), Verdict::Proved, "{claim}");
    }
    for claim in
        ["$TargetDedicatedNodes <= 24", "$TargetDedicatedNodes > 0", "$TargetLowPriorityNodes == 0", "cap == 10"]
    {
        assert!(matches!(judged(&source, claim), Verdict::Refuted(_)), "{claim}");
    }
    let odd = "$TargetDedicatedNodes = min(9, max(0, val($PendingTasks.GetSample(2), 0))); k = $TargetDedicatedNodes * $TargetDedicatedNodes - 9 * $TargetDedicatedNodes;";
    assert!(matches!(judged(odd, "k <= 0"), Verdict::Unknown(_)));
    // `stop()` leaves before the end; what was set by then counts.
    let stops = "$TargetDedicatedNodes = 30; $PendingTasks.Count() > 4 ? stop() : 0; $TargetDedicatedNodes = 3;";
    assert!(matches!(judged(stops, "$TargetDedicatedNodes <= 25"), Verdict::Refuted(_)));
    assert_eq!(judged(stops, "$TargetDedicatedNodes <= 30"), Verdict::Proved);
}

#[test]
fn claims_about_time() {
    let queue =
        format!("{QUEUE}$TargetDedicatedNodes = min(25, ceil(n / 4)); $NodeDeallocationOption = taskcompletion;");
    assert_eq!(judged(&queue, "settles_to_zero"), Verdict::Proved);
    assert!(matches!(judged(&queue, "reacts_within(15)"), Verdict::Unknown(_)));
    assert!(matches!(judged("$TargetDedicatedNodes = 4;", "settles_to_zero"), Verdict::Refuted(_)));
    assert_eq!(judged("$TargetDedicatedNodes = 4;", "steady"), Verdict::Proved);
    assert!(matches!(
        judged("$TargetDedicatedNodes = $CurrentDedicatedNodes > 5 ? 2 : 8;", "steady"),
        Verdict::Refuted(_)
    ));
    // What waits stops waiting once nodes are there, and the nodes go: only a pool that boots shows it.
    let active = "$TargetDedicatedNodes = min(10, max(0, $ActiveTasks.GetSample(1)));";
    assert!(matches!(judged(active, "never_below_running"), Verdict::Refuted(_)));
    assert!(matches!(judged(active, "steady"), Verdict::Refuted(_)));
    let pending = "$TargetDedicatedNodes = min(10, max(0, $PendingTasks.GetSample(1)));";
    assert!(matches!(judged(pending, "never_below_running"), Verdict::Unknown(_)));
    assert!(matches!(judged(pending, "steady"), Verdict::Unknown(_)));
    assert!(matches!(judged("$TargetDedicatedNodes = 1;", "reacts_within(15)"), Verdict::Unknown(_)));
    let late = format!(
        "{QUEUE}m = avg($PendingTasks.GetSample(TimeInterval_Hour, 50));
        $TargetDedicatedNodes = m > 50 ? 20 : 0;"
    );
    assert!(matches!(judged(&late, "reacts_within(15)"), Verdict::Refuted(_)));
    assert!(
        assertion::parse("$TargetDedicatedNodes = 3", None).is_err()
            && assertion::parse("reacts_within", None).is_err()
    );
}

#[test]
fn a_trial_and_its_scenario_file_are_one() {
    let f = jit("//! \"quotes\" and \\\n$TargetDedicatedNodes = min(10, max(0, $PendingTasks.GetSample(1)));");
    let batches = vec![
        Batch { count: 7, at: 120_000, every: 10_000, run: 600_000 },
        Batch { count: 2, at: 0, every: 0, run: 3_600_000 },
    ];
    let load = Load { words: "some tasks".into(), batches };
    for (nodes, load, quota) in [(3, load, 40), (0, Load::default(), 2)] {
        let assume = Assume::default().quota(quota);
        let trial = Trial::new(&f, &assume, Start { nodes, ..Start::all(true)[7] }, load, 12);
        let text = trial.scenario("of\nno importance");
        let read = poolcast::wire::scenario::parse(&text, false, ".".as_ref(), "x", &Default::default());
        let read = read.unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        assert_eq!(read.config, trial.config(), "{text}");
        assert!(read.workload.is_empty());
    }
}

#[test]
fn equal_formulas_are_told_from_different_ones() {
    let same = |a: &str, b: &str| diff(&jit(a), &jit(b), &Assume::default(), 4_000, 0);
    assert_eq!(
        same("cap = 5 * 5; $TargetDedicatedNodes = cap;", "most = 25; x = 1; $TargetDedicatedNodes = most; y = x;"),
        Difference::SameProgram
    );
    assert!(matches!(
        same(
            "$TargetDedicatedNodes = time().hour >= 8 && time().hour < 18 ? 10 : 2;",
            "$TargetDedicatedNodes = time().hour < 8 || time().hour > 17 ? 2 : 10;"
        ),
        Difference::SameInCases(_)
    ));
    assert!(matches!(
        same(
            "$TargetDedicatedNodes = $CurrentDedicatedNodes > 5 ? 3 : 4;",
            "$TargetDedicatedNodes = $CurrentDedicatedNodes >= 6 ? 3 : 4;"
        ),
        Difference::SameInCases(_)
    ));
    let (a, b) = (
        format!("{QUEUE}$TargetDedicatedNodes = min(25, n);"),
        format!("{QUEUE}$TargetDedicatedNodes = min(25, ceil(n));"),
    );
    let Difference::Differ(w, ..) = same(&a, &b) else { panic!("{:?}", same(&a, &b)) };
    assert_ne!(replay(&jit(&a), &w), replay(&jit(&b), &w));
    let (a, b) = (
        format!("{QUEUE}$TargetDedicatedNodes = min(25, n);"),
        format!("{QUEUE}$TargetDedicatedNodes = n < 25 ? n : 25;"),
    );
    assert!(matches!(same(&a, &b), Difference::NotFound(_)));
}

#[test]
fn example_formulas_stay_within_their_bounds_and_reach_them() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/formulas");
    for entry in std::fs::read_dir(dir).unwrap().filter_map(Result::ok).filter(|e| e.path().is_file()) {
        let source = std::fs::read_to_string(entry.path()).unwrap();
        let r = report(&source);
        for t in &r.targets {
            assert!(t.low.reached(), "{:?}: {:?}", entry.path(), t.low);
            assert!(t.high.reached() || t.high.bound >= 1e6, "{:?}: {:?}", entry.path(), t.high);
        }
    }
}
// ---- the command line ----

fn poolcast(dir: &std::path::Path, args: &[&str]) -> (i32, String, String) {
    let out = assert_cmd::Command::cargo_bin("poolcast").unwrap().current_dir(dir).args(args).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}

/// The words of a printed command, as a POSIX shell splits them.
fn words(line: &str) -> Vec<String> {
    line.trim().strip_prefix("poolcast ").unwrap().split(' ').map(|w| w.trim_matches('\'').to_owned()).collect()
}

#[test]
fn a_refuted_assertion_fails_the_build_and_replays() {
    let dir = tempfile::tempdir().unwrap();
    let source = format!(
        "//! assert $TargetDedicatedNodes <= 25\n//! assert settles_to_zero\n{QUEUE}$TargetDedicatedNodes = min(25, n) + min(2, n);\n$NodeDeallocationOption = taskcompletion;\n"
    );
    std::fs::write(dir.path().join("pool.txt"), &source).unwrap();
    let (code, out, _) = poolcast(dir.path(), &["bounds", "pool.txt", "--price", "0.5"]);
    assert_eq!(code, 1, "{out}");
    for want in [
        "$TargetDedicatedNodes: 0 to 27",
        "highest 27: reached",
        "worst cost: 13.50 an hour, 9855.00 a month",
        "without work: 0 at the next evaluation (proved)",
        "Evaluation never fails (proved)",
        "pool.txt:1: assert $TargetDedicatedNodes <= 25: refuted",
        "pool.txt:2: assert settles_to_zero: proved",
    ] {
        assert!(out.contains(want), "{want}\n{out}");
    }
    let command = out.lines().find(|l| l.trim().starts_with("poolcast eval")).unwrap();
    let args = words(command);
    let (code, out, err) = poolcast(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, 0, "{err}");
    let nodes: u32 = out.split("$TargetDedicatedNodes=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!(nodes > 25, "{out}");

    // A claim about time: the same pool again in the simulator, the same evaluation on its own.
    let hours = "$TargetDedicatedNodes = $CurrentDedicatedNodes > 5 ? 2 : 8;";
    std::fs::write(dir.path().join("hours.txt"), hours).unwrap();
    let (code, out, _) = poolcast(dir.path(), &["bounds", "hours.txt", "--assert", "steady", "--budget", "4000"]);
    assert_eq!(code, 1, "{out}");
    for command in out.lines().filter(|l| l.trim().starts_with("poolcast ")) {
        let args = words(command);
        let (code, out, err) = poolcast(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "{command}\n{err}");
        assert!(out.contains("changes of direction") || out.starts_with("$TargetDedicatedNodes="), "{out}");
    }
    assert_eq!(out.matches("    poolcast ").count(), 2, "{out}");

    let fixed = source.replace("min(25, n) + min(2, n)", "min(25, n + min(2, n))");
    std::fs::write(dir.path().join("fixed.txt"), fixed).unwrap();
    let (code, out, _) = poolcast(dir.path(), &["bounds", "fixed.txt", "--deny-unknown"]);
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = poolcast(dir.path(), &["diff", "pool.txt", "fixed.txt"]);
    assert!(code == 1 && out.starts_with("they differ"), "{out}");
    let (code, _, _) = poolcast(dir.path(), &["diff", "pool.txt", "pool.txt"]);
    assert_eq!(code, 0);
    for bad in [
        &["bounds", "pool.txt", "--assume", "x = 3"][..],
        &["bounds", "pool.txt", "--assert", "nodes <"],
        &["bounds", "pool.txt", "--assume", "$PendingTasks < 0"],
    ] {
        assert_eq!(poolcast(dir.path(), bad).0, 2, "{bad:?}");
    }
}

#[test]
fn json_says_what_the_text_says() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let (code, out, err) = poolcast(dir.path(), args);
        (code, serde_json::from_str::<serde_json::Value>(&out).unwrap_or_else(|e| panic!("{e}\n{out}{err}")))
    };
    let capped = "w = avg($PendingTasks.GetSample(TimeInterval_Minute * 5));\n$TargetDedicatedNodes = min(25, w);\n$TargetLowPriorityNodes = w;\n";
    std::fs::write(dir.path().join("a.txt"), format!("//! assert $TargetDedicatedNodes <= 24\n{capped}")).unwrap();
    std::fs::write(dir.path().join("b.txt"), capped.replace("25", "26")).unwrap();
    let (code, v) = run(&[
        "bounds",
        "a.txt",
        "--format",
        "json",
        "--price",
        "0.5",
        "--assert",
        "$TargetDedicatedNodes >= 0",
        "--budget",
        "4000",
    ]);
    assert_eq!((code, &v["schema"], &v["file"]), (1, &"poolcast.bounds/1".into(), &"a.txt".into()));
    let [dedicated, low] = [&v["targets"][0], &v["targets"][1]];
    assert_eq!((&dedicated["high"]["bound"], &dedicated["high"]["reached"]), (&25.0.into(), &true.into()));
    assert_eq!((&dedicated["lines"], &dedicated["without_work"]["is"]), (&serde_json::json!([2, 3]), &"zero".into()));
    assert_eq!(dedicated["worst_cost"]["hourly"], 12.5);
    assert!(low["high"]["bound"].is_null() && low["worst_cost"].is_null(), "no limit: {low}");
    let samples = &low["high"]["witness"]["samples"]["$PendingTasks"];
    assert!(samples.as_array().is_some_and(|s| !s.is_empty()), "{low}");
    assert_eq!(v["empty_history"]["is"], "fails");
    assert_eq!((&v["failures"][0]["line"], &v["options"]), (&2.into(), &serde_json::json!(["requeue"])));
    let [refuted, proved] = [&v["assertions"][0], &v["assertions"][1]];
    assert_eq!(
        (&refuted["verdict"], &refuted["line"], &proved["verdict"]),
        (&"refuted".into(), &1.into(), &"proved".into())
    );
    assert!(refuted["eval"].as_str().is_some_and(|c| c.starts_with("poolcast eval a.txt")), "{refuted}");
    assert!(dir.path().join("counterexample-1.csv").exists() && proved["line"].is_null());

    let (code, v) = run(&["diff", "a.txt", "b.txt", "--format", "json", "--budget", "4000"]);
    assert_eq!((code, &v["schema"], &v["verdict"]), (1, &"poolcast.diff/1".into(), &"differ".into()));
    assert_ne!(v["old"]["results"], v["new"]["results"]);
    assert_eq!(run(&["diff", "a.txt", "a.txt", "--format", "json"]).1["verdict"], "same");
    // Every field is on the page.
    let page =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bounds.md")).unwrap();
    fn fields<'v>(v: &'v serde_json::Value, out: &mut Vec<&'v str>) {
        match v {
            serde_json::Value::Object(o) => o.iter().for_each(|(k, v)| {
                out.push(k);
                fields(v, out);
            }),
            serde_json::Value::Array(a) => a.iter().for_each(|v| fields(v, out)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    fields(&v, &mut all);
    let (_, v) = run(&["bounds", "a.txt", "--format", "json", "--budget", "4000"]);
    fields(&v, &mut all);
    for field in all.iter().filter(|f| !f.starts_with('$')) {
        assert!(page.contains(&format!("`{field}`")), "docs/bounds.md does not say what `{field}` is");
    }
}

#[test]
fn the_page_only_names_claims_there_are() {
    let page =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bounds.md")).unwrap();
    let comments: String = page.lines().filter(|l| l.starts_with("//! assert")).map(|l| format!("{l}\n")).collect();
    let read = assertion::in_comments(&format!("{comments}$TargetDedicatedNodes = 1;"));
    assert!(read.len() >= 3 && read.iter().all(Result::is_ok), "{read:?}");
    let page = page.split("## For programs").next().unwrap();
    for claim in page.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()) {
        let claim = claim.replace("(N)", "(3)").replace("(M)", "(15)");
        let a = assertion::parse(&claim, None).unwrap();
        assert!(!matches!(a.claim, assertion::Claim::Always(_)), "{claim}");
    }
}

#[test]
fn assumptions_and_a_quota_narrow_what_is_proved() {
    let f = jit(
        "$TargetDedicatedNodes = max(0, min($PendingTasks.GetSample(1)));\n$TargetLowPriorityNodes = $CurrentDedicatedNodes + 1;",
    );
    let mut assume = Assume::default().quota(40);
    assume.narrow("$PendingTasks <= 500 && 3 <= $PendingTasks").unwrap();
    let a = bounds::analyse(f.program(), &assume);
    let target = |k| a.target(k).0.map(|n| (n.lo, n.hi));
    assert_eq!((target(0), target(1)), (Some((0.0, 500.0)), Some((1.0, 41.0))));
    assert!(assume.narrow("$PendingTasks > 900").is_err() && assume.narrow("$Nothing < 3").is_err());
}
