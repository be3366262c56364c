//! Random formulas and the worlds they are evaluated in, for engine agreement and for bounds.

use poolcast::{Inputs, Metric};
use proptest::prelude::*;

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

/// Formulas in which every construct of the language occurs.
pub fn formula() -> impl Strategy<Value = String> {
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

/// Samples of three metrics, some odd; targets, nodes, an instant.
pub fn world() -> impl Strategy<Value = Inputs> {
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

/// A world the service could show: whole counts, percentages, one sample each 30 s with gaps.
pub fn admissible() -> impl Strategy<Value = Inputs> {
    let counts = || {
        let one = prop_oneof![4 => 0u32..12, 2 => 0u32..2000, 1 => Just(0u32), 1 => Just(i32::MAX as u32)]
            .prop_map(f64::from);
        prop::collection::vec(prop::option::weighted(0.9, one), 0..30)
    };
    let shares = prop::collection::vec(
        prop::option::weighted(0.9, prop_oneof![0.0..=100.0f64, (0u32..=100).prop_map(f64::from)]),
        0..30,
    );
    (counts(), counts(), shares, (0u32..9, 0u32..400), (0u32..9, 0u32..9), 1u32..9, 0i64..2_000_000_000, any::<u64>())
        .prop_map(|(p, a, c, t, n, slots, now, seed)| {
            let now = poolcast::Ticks(now * poolcast::Interval::SECOND.0);
            let mut inputs = Inputs::at_ticks(now).targets(t.0, t.1).nodes(n.0, n.1).task_slots(slots).seed(seed);
            for (metric, column) in [(Metric::PendingTasks, p), (Metric::ActiveTasks, a), (Metric::CpuPercent, c)] {
                let n = column.len() as i64;
                for (i, value) in column.into_iter().enumerate() {
                    let at = poolcast::Ticks(now.0 - (n - 1 - i as i64) * poolcast::Interval::SAMPLE_PERIOD.0);
                    if let Some(value) = value {
                        inputs.series.push(metric, at, at, value).unwrap();
                    }
                }
            }
            inputs
        })
}
