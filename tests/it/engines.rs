//! The engines agree: a hand-made corpus of corners, then random formulas over random samples.

use crate::support::{
    Ran, everywhere,
    formulas::{formula, world},
};
use poolcast::{Formula, Inputs, Metric, Rules, Target};
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
        ("$PendingTasks.GetSamplePercent(TimeInterval_Minute) < 0 / 0 ? 1 : 0", "0"),
        ("$PendingTasks.GetSamplePercent(TimeInterval_Minute) < val($PendingTasks.GetSample(0), 0) ? 1 : 0", "0"),
        ("$PendingTasks.GetSamplePercent(TimeInterval_Minute) <= 100 ? 1 : 0", "1"),
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

#[test]
fn a_window_of_too_many_samples_is_refused_everywhere_before_anything_runs() {
    let mut rules = Rules::default();
    rules.set("window_samples", "3").unwrap();
    let refused = "Window of 7 samples of $PendingTasks; rule window_samples allows 3";
    for (source, want) in [
        ("x = avg($PendingTasks.GetSample(3));", None),
        ("x = $PendingTasks.GetSamplePercent(7 * TimeInterval_Minute) + $PendingTasks.Count();", None),
        ("x = avg($PendingTasks.GetSample(7));", Some("Line 1, Col 32")),
        ("x = max(1, $PendingTasks.GetSample(TimeInterval_Hour, 0));", Some("Line 1, Col 35")),
        ("x = $CurrentDedicatedNodes > 5 ? avg($PendingTasks.GetSample(7)) : 1;", Some("Line 1")),
        ("y = 0;\nx = 1 / y > 0 && time(\"never\") > time() && len($PendingTasks.GetSample(7));", Some("Line 2")),
        ("n = 7 * val($PendingTasks.GetSample(1), 0);\nx = len($PendingTasks.GetSample(n));", Some("Line 2")),
    ] {
        match (everywhere(source, &sampled(), &rules), want) {
            (Ran::Done(..), None) => {}
            (Ran::Failed(_, value, _), Some(at)) => {
                assert!(value.contains(at) && value.ends_with(refused), "{source}: {value}")
            }
            (other, _) => panic!("{source}: {other:?}"),
        }
    }
}

/// Fractions have no prefix sums, and long lists are added up in another order than short ones.
#[test]
fn long_windows_of_fractions_are_reduced_alike_everywhere() {
    let samples = (0..40).map(|i| f64::from(i * 37 % 11) + 0.1 * f64::from(i % 7));
    let inputs = Inputs::at("2026-02-28T23:59:30Z").unwrap().samples(Metric::CpuPercent, samples).unwrap();
    for n in [15, 16, 17, 40] {
        let w = format!("$CPUPercent.GetSample({n})");
        let source = format!(
            "a = sum({w}); b = avg({w}); c = std({w}); d = norm({w}); v = {w}; e = sum(v, 0) + avg(0, v) + std(1, v);"
        );
        assert!(matches!(everywhere(&source, &inputs, &Rules::default()), Ran::Done(..)), "{source}");
    }
    let many = (0..20).map(|i| format!("{}.1", i * i)).collect::<Vec<_>>().join(", ");
    assert!(matches!(everywhere(&format!("x = sum({many});"), &inputs, &Rules::default()), Ran::Done(..)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_formulas_run_the_same_on_every_engine(source in formula(), inputs in world()) {
        everywhere(&source, &inputs, &Rules::default());
    }
}

/// Formulas share memory for their code: each keeps its own, whoever else is dropped, when, and by whom.
#[test]
fn formulas_live_and_die_in_any_order() {
    let source = |i: usize| format!("x = {i}; y = x / 7; $TargetDedicatedNodes = max(x, y, $CurrentDedicatedNodes);");
    let sound = |formulas: &[(usize, Formula)]| {
        for (i, formula) in formulas {
            assert_eq!(formula.evaluate(&sampled()).unwrap().dedicated, Target::Set((*i as u32).max(2)), "{i}");
        }
    };
    let work = |thread: usize| {
        let mut alive = Vec::new();
        for i in 0..1500 {
            let i = thread * 10_000 + i;
            alive.push((i, Formula::compile(&source(i)).unwrap()));
            if i % 3 == 2 {
                alive.swap_remove(i * 7919 % alive.len());
            }
        }
        sound(&alive);
        alive
    };
    let made: Vec<_> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..4).map(|t| s.spawn(move || work(t))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    // Each half of what a thread made is dropped here, the other half by a thread that did not make it.
    std::thread::scope(|s| {
        for mut formulas in made {
            let half = formulas.split_off(formulas.len() / 2);
            s.spawn(move || sound(&half));
            drop(formulas.drain(..).step_by(2).collect::<Vec<_>>());
        }
    });
}

/// A scheduler's inner loop, whatever the formula does; only the words of a failure are made anew.
#[cfg(feature = "jit")]
#[test]
fn machine_code_allocates_nothing() {
    let inputs = sampled();
    for source in [
        "$TargetDedicatedNodes = min(9, avg($PendingTasks.GetSample(5 * TimeInterval_Minute)));",
        "$TargetDedicatedNodes = avg($ActiveTasks.GetSample(80 * TimeInterval_Second));",
        "v = $PendingTasks.GetSample(4) + 1; $TargetDedicatedNodes = percentile(v, 90) + rand();",
        "$TargetDedicatedNodes = 2; x = $PendingTasks > 0 ? stop() : 1; $TargetDedicatedNodes = 3;",
        "$TargetLowPriorityNodes = len($PendingTasks.GetSample(45 * TimeInterval_Second));",
    ] {
        let formula = Formula::compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
        assert!(formula.is_compiled());
        let mut evaluator = formula.evaluator();
        let warm = evaluator.targets(&inputs.snapshot());
        let mut again = None;
        let counted = allocation_counter::measure(|| again = Some(evaluator.targets(&inputs.snapshot())));
        assert_eq!((counted.count_total, again), (0, Some(warm)), "{source}");
    }
}
