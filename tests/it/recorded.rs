//! Runs of the real service (language.md §4, §3.4): the results string and errors to the byte.
//! Formulas are variants with the same constructs; positions are those of the recordings.

use crate::support::{Ran, everywhere};
use poolcast::{Inputs, Metric, Rules};

fn inputs() -> Inputs {
    Inputs::at("2020-03-21T01:50:09.438038Z").unwrap()
}

#[track_caller]
fn results(source: &str, inputs: &Inputs, want: &str) {
    match everywhere(source, inputs, &Rules::default()) {
        Ran::Done(got, _) => assert_eq!(got, want),
        failed => panic!("{failed:?}"),
    }
}

#[track_caller]
fn fails(source: &str, inputs: &Inputs, code: &str, value: &str) {
    match everywhere(source, inputs, &Rules::default()) {
        Ran::Failed(c, v, _) => assert_eq!((c.as_str(), v.as_str()), (code, value)),
        done => panic!("{done:?}"),
    }
}

#[test]
fn a_bare_target() {
    results(
        "$TargetDedicatedNodes=3",
        &inputs().targets(2, 0),
        "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue",
    );
    results(
        "$TargetLowPriorityNodes=3",
        &inputs(),
        "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=3;$NodeDeallocationOption=requeue",
    );
    results(
        "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=terminate",
        &inputs(),
        "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=terminate",
    );
}

#[test]
fn an_undefined_symbol_fails_at_its_first_character_and_keeps_the_present_targets() {
    let at = inputs().targets(2, 0);
    for name in ["something_useless", "$something_useless"] {
        fails(name, &at, "AutoScalingFormulaEvaluationError", &format!("Line 1, Col 1: Undefined symbol: {name}"));
        let f = poolcast::Formula::compile_like_service(name).unwrap();
        let e = f.evaluate(&at).unwrap_err();
        assert_eq!(e.results, "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue");
        assert_eq!(e.message, "The specified auto-scaling formula has evaluation error");
    }
}

#[test]
fn samples_by_count_never_fail() {
    results(
        "myActiveSamples=$ActiveTasks.GetSample(5);",
        &inputs(),
        "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;myActiveSamples=[]",
    );
}

#[test]
fn working_hours() {
    let source = "$now = time(); $open = $now.hour >= 8 && $now.hour < 18; $weekday = $now.weekday >= 1 && $now.weekday <= 5;\n\
                  $both = $open && $weekday; $TargetDedicatedNodes = $both ? 20:10;";
    for (at, shown) in [
        ("2016-10-14T18:36:43.282Z", "2016-10-14T18:36:43.282Z"),
        ("2016-10-13T19:18:47.805Z", "2016-10-13T19:18:47.805Z"),
    ] {
        results(
            source,
            &Inputs::at(at).unwrap(),
            &format!(
                "$TargetDedicatedNodes=10;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;$both=0;$now={shown};$open=0;$weekday=1"
            ),
        );
    }
}

#[test]
fn insufficient_samples_are_reported_at_the_parenthesis_of_the_call() {
    fails(
        "$RunningTasks.GetSample(10 * TimeInterval_Second, 0 * TimeInterval_Second, 100);",
        &inputs(),
        "InsufficientSampleData",
        "Line 1, Col 24: Insufficient data from data set: $RunningTasks wanted 100%, received 0%",
    );
    let shipyard = "a = 1;\nb = 2;\nc = 3;\nd = 4;\ne = 5;\nf = 6;\nsli = TimeInterval_Minute * 10;\n\
                    lastsample = val($PendingTasks.GetSample(1), 0);\nsamplevecavg = avg($PendingTasks.GetSample(sli));\n\
                    $TargetDedicatedNodes = max(0, samplevecavg)";
    fails(
        shipyard,
        &inputs(),
        "InsufficientSampleData",
        "Line 9, Col 43: Insufficient data from data set: $PendingTasks wanted 70%, received 0%",
    );
}

#[test]
fn half_a_window_is_fifty_percent() {
    let at = inputs().samples(Metric::RunningTasks, [1.0; 5]).unwrap();
    fails(
        "x = 1;\ny = $RunningTasks.GetSample(5 * TimeInterval_Minute);",
        &at,
        "InsufficientSampleData",
        "Line 2, Col 28: Insufficient data from data set: $RunningTasks wanted 70%, received 50%",
    );
}

#[test]
fn numbers_print_with_six_digits_and_dollar_names_come_first() {
    let mut samples = vec![0.0; 29];
    samples[28] = 3.0;
    let at = inputs().samples(Metric::ActiveTasks, samples).unwrap().targets(1, 0);
    results(
        "cappedPoolSize = 3; $samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15);\n\
         $targetVMs = $TargetDedicatedNodes / 2; $tasks = 0; $TargetDedicatedNodes = 2.9",
        &at,
        "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;$samples=96.6667;$targetVMs=0.5;$tasks=0;cappedPoolSize=3",
    );
}

#[test]
fn fractions_are_cut_toward_zero() {
    for (x, n) in [("0.5", 0), ("2.9", 2), ("58.25", 58), ("-0.5", 0)] {
        results(
            &format!("$TargetDedicatedNodes = {x};"),
            &inputs(),
            &format!("$TargetDedicatedNodes={n};$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"),
        );
    }
}

#[test]
fn no_samples_before_the_first_guarded_window() {
    // The untaken arm holds a window that would fail.
    results(
        "n = ($CPUPercent.GetSamplePercent(TimeInterval_Minute * 0, TimeInterval_Minute * 10) < 70 ? 5 : \
         (min($CPUPercent.GetSample(TimeInterval_Minute * 0, TimeInterval_Minute * 10)) > 80 ? $CurrentDedicated * 1.1 : $CurrentDedicated));\n\
         $TargetDedicated = min(100, n);",
        &inputs(),
        "$TargetDedicatedNodes=5;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;n=5",
    );
}

#[test]
fn the_full_name_wins_over_its_alias_in_any_order() {
    for source in
        ["$TargetDedicatedNodes = 4; $TargetDedicated = 9;", "$TargetDedicated = 9; $TargetDedicatedNodes = 4;"]
    {
        results(source, &inputs(), "$TargetDedicatedNodes=4;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue");
    }
}

#[test]
fn stop_keeps_what_was_assigned() {
    results(
        "$TargetDedicatedNodes = 4; a = 1; (a > 0) ? stop() : 0; $TargetDedicatedNodes = 9; b = 2;",
        &inputs().targets(1, 2),
        "$TargetDedicatedNodes=4;$TargetLowPriorityNodes=2;$NodeDeallocationOption=requeue;a=1",
    );
}

#[test]
fn nothing_sampled_follows_the_model_of_empty_vectors() {
    results(
        "a = max(0, $PendingTasks.GetSample(1)); b = min(25, $PendingTasks.GetSample(1)); \
         $TargetDedicatedNodes = max(0, val($PendingTasks.GetSample(1), 0)) + min(25, max($PendingTasks.GetSample(1)));",
        &inputs(),
        "$TargetDedicatedNodes=25;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;a=0;b=25",
    );
}
