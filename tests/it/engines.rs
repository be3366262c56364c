//! The engines agree: a hand-made corpus of corners, then random formulas over random samples.

use crate::support::{Ran, everywhere};
use poolcast::{Inputs, Metric, Rules};
use proptest::prelude::*;

fn sampled() -> Inputs {
    Inputs::at("2026-02-28T23:59:30Z")
        .unwrap()
        .samples(Metric::PendingTasks, [0.0, 3.0, 8.0, 8.0, 12.0, 7.0, 1.0])
        .unwrap()
        .samples(Metric::ActiveTasks, [2.0, 2.5, 0.25])
        .unwrap()
        .targets(3, 1)
        .nodes(2, 1)
        .task_slots(4)
}

#[track_caller]
fn value(expr: &str, want: &str) {
    match everywhere(&format!("x = {expr};"), &sampled(), &Rules::default()) {
        Ran::Done(got, _) => assert_eq!(got.rsplit_once(";x=").map(|(_, v)| v), Some(want), "{expr}"),
        failed => panic!("{expr}: {failed:?}"),
    }
}

#[test]
fn values_of_expressions() {
    for (expr, want) in [
        ("1 / 2", "0.5"),
        ("1 / 0", "inf"),
        ("0 / 0 != 0 / 0", "1"),
        ("-7 / 2", "-3.5"),
        ("1 - 2 - 3", "-4"),
        ("2 + 3 * 4", "14"),
        ("!3", "0"),
        ("!!3", "1"),
        ("3 && 0", "0"),
        ("0 || 5", "1"),
        ("0 && (1 / 0)", "0"),
        ("1 ? 2 : 0 ? 3 : 4", "2"),
        ("0 ? 2 : 0 ? 3 : 4", "4"),
        ("1 ? 0 ? 1 : 7 : 4", "7"),
        ("$TargetDedicatedNodes + $TargetLowPriorityNodes", "4"),
        ("$CurrentDedicatedNodes * 10 + $TaskSlotsPerNode", "24"),
        ("$PendingTasks", "1"),
        ("$UsableNodeCount", "0"),
        ("$PendingTasks.GetSample(3)", "[12,7,1]"),
        ("$PendingTasks.GetSample(3) / 2", "[6,3.5,0.5]"),
        ("8 / $PendingTasks.GetSample(1)", "[8]"),
        ("$PendingTasks.GetSample(2) + $ActiveTasks.GetSample(2)", "[9.5,1.25]"),
        ("max($PendingTasks.GetSample(2 * TimeInterval_Minute))", "12"),
        ("max(20, $PendingTasks.GetSample(7))", "20"),
        ("max($PendingTasks.GetSample(1), avg($PendingTasks.GetSample(4)))", "7"),
        ("min($PendingTasks.GetSample(3), 0.5, $ActiveTasks.GetSample(1))", "0.25"),
        ("len($PendingTasks.GetSample(99), 1, $ActiveTasks.GetSample(2))", "10"),
        ("avg(1, $PendingTasks.GetSample(1), 4)", "2"),
        ("sum($ActiveTasks.GetSample(3))", "4.75"),
        ("std($PendingTasks.GetSample(3))", "5.50757"),
        ("percentile($PendingTasks.GetSample(7), 50)", "7"),
        ("val($PendingTasks.GetSample(3), 1.9)", "7"),
        ("range($PendingTasks.GetSample(7))", "12"),
        ("norm(3, 4)", "5"),
        ("ceil(0.2) + floor(-0.2) + round(2.5)", "3"),
        ("ceil($ActiveTasks.GetSample(3))", "[2,3,1]"),
        ("lg(8) + ln(1) + log(1000)", "6"),
        ("time().day", "28"),
        ("(time() + TimeInterval_Minute).month", "3"),
        ("(time() - time(\"2026-02-28T23:00:00Z\")) > 59 * TimeInterval_Minute", "1"),
        ("time(\"2026-02-28\") == time(\"Sat, 28 Feb 2026 00:00:00 GMT\")", "1"),
        ("\"a\" < \"b\"", "1"),
        ("\"a\" == \"b\"", "0"),
        ("TimeInterval_Hour / 4", "PT15M"),
        ("-TimeInterval_Second", "-PT1S"),
        ("$PendingTasks.Count()", "7"),
        ("$PendingTasks.GetSamplePercent(7 * TimeInterval_Minute)", "50"),
        ("$PendingTasks.GetSamplePeriod() == 30 * TimeInterval_Second", "1"),
        ("$PendingTasks.GetSample(time() - TimeInterval_Minute, time(), 100)", "[7,1]"),
    ] {
        value(expr, want);
    }
}

#[test]
fn traps_have_the_same_place_and_words_everywhere() {
    for (source, want) in [
        (
            "x = $PendingTasks.GetSample(2) + $ActiveTasks.GetSample(3);",
            "Line 1, Col 32: Vectors of different lengths: 2 and 3",
        ),
        ("$TargetDedicatedNodes = 0 - 1;", "Line 1, Col 1: Target -1 is negative"),
        ("x = 1;\n$TargetDedicatedNodes = 1 / 0;", "Line 2, Col 1: inf cannot be a target"),
        ("x = time(\"yesterday\");", "Line 1, Col 9: Cannot read \"yesterday\" as a time"),
        ("x = TimeInterval_Year * 1000000000;", "Line 1, Col 23: Time value out of range"),
        ("x = $PendingTasks.GetSample(2) > 3;", "Line 1, Col 28: A vector of 2 elements where one number is needed"),
        ("x = percentile($PendingTasks.GetSample(2), 101);", "Line 1, Col 15: 101 is outside 0 to 100"),
        ("x = 1 + time();", "Line 1, Col 7: `+` does not take a double and a timestamp"),
        ("x = 0 && y;\nz = 1 && y;", "Line 2, Col 10: Undefined symbol: y"),
        ("$PendingTasks = 4;", "Line 1, Col 1: `$PendingTasks` is measured by the service and cannot be assigned"),
    ] {
        match everywhere(source, &sampled(), &Rules::default()) {
            Ran::Failed(_, value, _) => assert_eq!(value, want, "{source}"),
            done => panic!("{source}: {done:?}"),
        }
    }
}

// ---- random formulas ----

/// A number-valued expression over `depth` levels. Every construct of the language occurs.
fn number() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["0", "1", "2", "3.5", "10", "70", "0.25", "100", "1000000"]).prop_map(str::to_owned),
        prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned),
        prop::sample::select(vec![
            "$TargetDedicatedNodes",
            "$CurrentDedicatedNodes",
            "$CurrentLowPriorityNodes",
            "$TaskSlotsPerNode",
            "$PendingTasks",
            "time().hour",
            "time().weekday",
            "$ActiveTasks.Count()",
        ])
        .prop_map(str::to_owned),
        window_percent(),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (two.clone(), prop::sample::select(vec!["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&&", "||"]))
                .prop_map(|((a, b), op)| format!("({a} {op} {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("!{a}")),
            (
                prop::sample::select(vec!["min", "max", "avg", "sum", "len", "norm", "range", "std"]),
                prop::collection::vec(item(inner.clone()), 1..4)
            )
                .prop_map(|(f, items)| format!("{f}({})", items.join(", "))),
            (prop::sample::select(vec!["ceil", "floor", "round", "lg", "ln", "log"]), inner.clone())
                .prop_map(|(f, a)| format!("{f}({a})")),
            (vector(inner.clone()), inner.clone()).prop_map(|(v, i)| format!("val({v}, {i})")),
            (vector(inner.clone()), 0u32..=100).prop_map(|(v, p)| format!("percentile({v}, {p})")),
        ]
    })
    .boxed()
}

fn metric() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["$PendingTasks", "$ActiveTasks", "$CPUPercent"])
}

fn window_percent() -> impl Strategy<Value = String> {
    (metric(), 0u32..40).prop_map(|(m, n)| format!("{m}.GetSamplePercent({n} * 30 * TimeInterval_Second)"))
}

fn samples() -> impl Strategy<Value = String> {
    let count = (metric(), 0u32..6).prop_map(|(m, n)| format!("{m}.GetSample({n})"));
    let window = (metric(), 0u32..400, prop::option::of(0u32..=100)).prop_map(|(m, s, p)| match p {
        Some(p) => format!("{m}.GetSample({s} * TimeInterval_Second, {p})"),
        None => format!("{m}.GetSample({s} * TimeInterval_Second)"),
    });
    let between = (metric(), 0u32..300, 0u32..300, 0u32..=60)
        .prop_map(|(m, a, b, p)| format!("{m}.GetSample(TimeInterval_Second * {a}, {b} * TimeInterval_Second, {p})"));
    let instants =
        (metric(), 0u32..300).prop_map(|(m, a)| format!("{m}.GetSample(time() + -{a} * TimeInterval_Second, 0)"));
    prop_oneof![3 => count, 2 => window, 1 => between, 1 => instants]
}

fn vector(number: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let plain = samples().boxed();
    prop_oneof![
        4 => plain.clone(),
        1 => (plain.clone(), prop::sample::select(vec!["+", "-", "*", "/"]), number).prop_map(|(v, op, x)| format!("({v} {op} {x})")),
        1 => (plain.clone(), plain.clone()).prop_map(|(v, w)| format!("({v} * {w})")),
        1 => plain.prop_map(|v| format!("floor({v})")),
    ]
    .boxed()
}

fn item(number: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![number.clone(), vector(number)].boxed()
}

fn formula() -> impl Strategy<Value = String> {
    let statement = prop_oneof![
        3 => (prop::sample::select(vec!["a", "b", "c"]), number()).prop_map(|(n, e)| format!("{n} = {e};")),
        2 => (prop::sample::select(vec!["$TargetDedicatedNodes", "$TargetLowPriorityNodes", "$TargetDedicated"]), number())
            .prop_map(|(n, e)| format!("{n} = max(0, min(1000, {e}));")),
        1 => vector(number()).prop_map(|e| format!("v = {e};")),
        1 => number().prop_map(|e| format!("({e}) ? stop() : 0;")),
        1 => number().prop_map(|e| format!("t = time() + {e} * TimeInterval_Minute; d = (t - time(\"2026-01-01\")) / 2;")),
    ];
    prop::collection::vec(statement, 1..8).prop_map(|s| format!("a = 1; b = 2.5; c = 0;\n{}", s.join("\n")))
}

fn world() -> impl Strategy<Value = Inputs> {
    let column = || prop::collection::vec(prop_oneof![3 => (0u32..50).prop_map(f64::from), 1 => -5.0..500.0f64], 0..30);
    (column(), column(), column(), 0u32..9, 0u32..9, 0i64..2_000_000_000).prop_map(|(p, a, c, t, n, now)| {
        let now = poolcast::Ticks(now * poolcast::Interval::SECOND.0);
        Inputs::at_ticks(now)
            .samples(Metric::PendingTasks, p)
            .and_then(|i| i.samples(Metric::ActiveTasks, a))
            .and_then(|i| i.samples(Metric::CpuPercent, c))
            .unwrap()
            .targets(t, 0)
            .nodes(n, 1)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_formulas_run_the_same_on_every_engine(source in formula(), inputs in world()) {
        everywhere(&source, &inputs, &Rules::default());
    }
}
