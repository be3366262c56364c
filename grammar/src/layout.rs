//! Layout of real shapes, and what it must leave alone.

use crate::{MAX_CHARS, format, parse};

fn laid(text: &str, tidy: &str) {
    assert_eq!(format(text).as_deref(), Ok(tidy));
    assert_eq!(format(tidy).as_deref(), Ok(tidy), "twice");
}

#[test]
fn one_statement_a_line_with_spaces_and_a_final_semicolon() {
    laid("a=1;b = - a*2+ (3) ;;c=!a&&b>=.5\n", "a = 1;\nb = -a * 2 + (3);\nc = !a && b >= .5;\n");
    laid("stop ( );x=f ( a,b ) . m( ) .hour", "stop();\nx = f(a, b).m().hour;\n");
    laid("x = a - -b - - - c; y = 5 .z;", "x = a - -b - --c;\ny = 5 .z;\n");
}

#[test]
fn groups_stay_apart_by_one_blank_line() {
    laid("\n\n\na = 1;\n\n\n\nb = 2;\nc = 3;\n\n", "a = 1;\n\nb = 2;\nc = 3;\n");
}

#[test]
fn comments_stay_where_they_stand() {
    laid(
        "// head  \r\n\r\na = 1; // why\r\n  // own\r\nb = 2 // late\r\n;\r\n\r\n//tail",
        "// head\n\na = 1; // why\n// own\nb = 2; // late\n\n//tail\n",
    );
    laid("a = b ? // if\n c // then\n: d; // else", "a = b ? // if\n    c // then\n    : d; // else\n");
    laid("a = max( // of\n  // these\n1,\n2);", "a = max( // of\n        // these\n        1, 2);\n");
    laid("a = 1; b = 2; // both\n; // c", "a = 1;\nb = 2; // both\n// c\n");
}

#[test]
fn a_long_ternary_has_its_arms_under_each_other() {
    laid(
        "$n = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 9) < 65 ? max(2, $PendingTasks.GetSample(1)) : avg($PendingTasks.GetSample(TimeInterval_Minute * 9));",
        "$n = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 9) < 65\n    ? max(2, $PendingTasks.GetSample(1))\n    : avg($PendingTasks.GetSample(TimeInterval_Minute * 9));\n",
    );
    laid(
        "$n = (someTimeHasPassed > warmUpTime ? (max(runningTasksOfTheWindow, activeTasksOfTheWindow) == 0 ? noNodesAtAll : $TargetDedicatedNodes) : fallback);",
        "$n = (someTimeHasPassed > warmUpTime\n    ? (max(runningTasksOfTheWindow, activeTasksOfTheWindow) == 0\n        ? noNodesAtAll\n        : $TargetDedicatedNodes)\n    : fallback);\n",
    );
}

#[test]
fn a_chain_of_cases_reads_as_a_table() {
    laid(
        "nodes = queue == 0 ? none : queue < smallQueueLength ? justAFew : queue < middlingQueueLength ? quiteSome : everything;",
        "nodes = queue == 0 ? none\n    : queue < smallQueueLength ? justAFew\n    : queue < middlingQueueLength ? quiteSome\n    : everything;\n",
    );
}

#[test]
fn long_conditions_and_calls_break_at_the_loosest_joint() {
    laid(
        "ok = firstMeasurementOfAll >= 100 && secondMeasurementOfAll < 2000 || thirdMeasurementOfAll == 3000 && !fourth;",
        "ok = firstMeasurementOfAll >= 100 && secondMeasurementOfAll < 2000\n    || thirdMeasurementOfAll == 3000 && !fourth;\n",
    );
    laid(
        "n = max(someRatherLongNameForTheFirst, someRatherLongNameForTheSecond, theThirdOne + 1, theFourthOne, five);",
        "n = max(\n    someRatherLongNameForTheFirst,\n    someRatherLongNameForTheSecond,\n    theThirdOne + 1,\n    theFourthOne,\n    five);\n",
    );
}

#[test]
fn a_wrong_formula_is_not_touched_and_a_full_one_does_not_outgrow_the_limit() {
    assert_eq!(format("a = (1;").unwrap_err(), parse("a = (1;").errors);
    let full = format!("x={}1;", "1+".repeat((MAX_CHARS - 4) / 2));
    assert_eq!(format(&full).as_deref(), Ok(full.as_str()));
}
