//! Names people expect and the language lacks: rows that only explain.
//!
//! Methods and members are written with a leading dot, the rest as a formula would have them. Sources: wrong formulas
//! in public text (language.md appendix B), habits from spreadsheets and other languages, old versions of the service.

use crate::catalog::{Builtin, Evidence, RowKind};

macro_rules! absent {
    ($( $($name:literal)+ => $say:literal; )*) => { &[ $($( Builtin {
        name: $name, kind: RowKind::Absent { say: $say }, overloads: &[], doc: $say,
        evidence: Evidence::Documented("S1 lists none"), since: "never", examples: &[],
    }, )+)* ] };
}

pub(super) const ROWS: &[Builtin] = absent! {
    "abs" => "there is no `abs`; write `max(x, -x)`";
    "pow" "power" => "there is no `pow`; multiply: `x * x`";
    "sqrt" => "there is no `sqrt`; `norm(x)` is the absolute value of one number, and `norm(a, b)` is the root of `a * a + b * b`";
    "exp" => "there is no `exp`; `ln`, `lg` and `log` have no inverse here";
    "sin" "cos" "tan" => "there are no trigonometric functions";
    "mod" "fmod" "rem" => "there is no remainder; write `x - floor(x / n) * n`";
    "trunc" "int" "integer" "toint" => "write `floor(x)`; targets drop their fraction anyway";
    "clamp" => "write `max(low, min(x, high))`";
    "sign" "sgn" => "write `x > 0 ? 1 : (x < 0 ? -1 : 0)`";
    "if" "iif" "iff" "ifelse" "switch" => "there is no `if`; write `condition ? a : b`";
    "for" "while" => "there are no loops; functions such as `avg` and `max` go over all samples";
    "and" => "write `a && b`";
    "or" => "write `a || b`";
    "not" => "write `!a`";
    "now" "utcnow" "getdate" "date" "today" "datetime" => "write `time()` for the instant of the evaluation, or `time(\"2024-05-31\")`";
    "timespan" "duration" "interval" => "durations are multiples of constants: `5 * TimeInterval_Minute`";
    "vec" "vector" "array" "list" => "there is no vector literal; vectors come from `GetSample`, and functions take lists: `avg(1, 2, 3)`";
    "last" "latest" => "there is no `last`; write `val(v, len(v) - 1)`, or `$Metric.GetSample(1)` for the newest sample";
    "first" => "write `val(v, 0)`";
    "get" "at" "index" "element" => "write `val(v, i)`; the first element is 0";
    "count" "size" "length" => "write `len(v)`, or `$Metric.Count()` for the whole history";
    "mean" "average" => "write `avg(list)`";
    "median" => "write `percentile(v, 50)`";
    "quantile" "pct" "perc" => "write `percentile(v, p)` with p from 0 to 100";
    "stdev" "stddev" "std_dev" "stdevp" => "write `std(list)`; it divides by one less than the count";
    "var" "variance" => "write `std(list) * std(list)`";
    "sort" "reverse" => "vectors cannot be sorted; `percentile(v, p)` reads one element in order";
    "minimum" => "write `min(list)`";
    "maximum" => "write `max(list)`";
    "total" => "write `sum(list)`";
    "ceiling" "roundup" => "write `ceil(x)`";
    "rounddown" => "write `floor(x)`";
    "log2" => "write `lg(x)`: base 2";
    "log10" => "write `log(x)`: base 10";
    "random" => "write `rand()`: from 0 up to 1";
    "isnan" => "there is no test for NaN; `x != x` is 1 only for NaN, and `max(0, x)` passes over a NaN";
    "coalesce" "ifnull" "default" => "there are no missing values; guard with `$Metric.GetSamplePercent(window) < 70 ? fallback : …`";
    "print" "echo" "return" => "there is no output; every variable appears in the results";
    "GetSample" => "`GetSample` is a method of a metric: `$PendingTasks.GetSample(1)`";
    "GetSamplePercent" => "`GetSamplePercent` is a method of a metric: `$PendingTasks.GetSamplePercent(TimeInterval_Minute * 5)`";
    ".Sum" ".GetSum" ".Total" => "vectors have no methods; write `sum($Metric.GetSample(…))`";
    ".Avg" ".GetAvg" ".Average" ".GetAverage" ".Mean" => "vectors have no methods; write `avg($Metric.GetSample(…))`";
    ".Min" ".GetMin" ".Minimum" => "vectors have no methods; write `min($Metric.GetSample(…))`";
    ".Max" ".GetMax" ".Maximum" => "vectors have no methods; write `max($Metric.GetSample(…))`";
    ".Last" ".GetLast" ".GetLastSample" ".Latest" ".Current" ".GetLatest" ".Value" ".GetValue" ".GetCurrent" => "write `$Metric.GetSample(1)` for the newest sample";
    ".First" => "write `val($Metric.GetSample(…), 0)`";
    ".GetSamples" ".Samples" ".Get" ".Sample" => "write `$Metric.GetSample(…)`";
    ".GetCount" ".Length" ".Len" ".Size" ".SampleCount" ".GetSampleCount" => "write `$Metric.Count()` for the whole history, or `len($Metric.GetSample(…))`";
    ".Percentile" ".GetPercentile" => "vectors have no methods; write `percentile($Metric.GetSample(…), p)`";
    ".Std" ".GetStd" ".StdDev" => "vectors have no methods; write `std($Metric.GetSample(…))`";
    ".GetPercent" ".SamplePercent" => "write `$Metric.GetSamplePercent(window)`";
    ".SamplePeriod" ".Period" => "write `$Metric.GetSamplePeriod()`";
    ".BeginTime" ".StartTime" => "write `$Metric.HistoryBeginTime()`";
    ".dayofweek" ".day_of_week" ".wday" => "write `.weekday`; 1 is Monday";
    ".dayofyear" ".yday" ".week" => "there is no such member; there are year, month, day, weekday, hour, minute and second";
    ".millisecond" ".microsecond" ".ticks" => "the finest member is `.second`; compare timestamps and intervals instead";
    ".AddHours" ".AddMinutes" ".AddDays" ".AddSeconds" ".Add" => "add an interval: `time() + 2 * TimeInterval_Hour`";
    ".TotalSeconds" ".TotalMinutes" ".TotalHours" ".TotalDays" ".Seconds" ".Minutes" ".Hours" ".Days" => "intervals have no members; compare with an interval: `span > 10 * TimeInterval_Minute`";
    ".ToString" ".format" => "there is no text but what `time(\"…\")` reads";
};

pub(super) const VARIABLES: &[Builtin] = absent! {
    "true" => "there is no `true`; write 1";
    "false" => "there is no `false`; write 0";
    "null" "nil" "none" "undefined" => "there are no missing values; use a number";
    "nan" "inf" "infinity" => "there is no such constant";
    "pi" "e" => "there is no such constant; write the number";
    "retaindata" "retainedData" "retain" => "the keyword is `retaineddata`";
    "taskcomplete" "taskcompleted" "task_completion" => "the keyword is `taskcompletion`";
    "$TVMDeallocationOption" => "the name of 2015; it is `$NodeDeallocationOption` now";
    "$DeallocationOption" "$NodeDeallocation" => "the variable is `$NodeDeallocationOption`";
    "$TargetNodes" "$TargetNodeCount" "$TargetDedicatedNode" "$TargetDedicatedComputeNodes" "$TargetVMs" => "the variable is `$TargetDedicatedNodes`";
    "$TargetSpotNodes" "$TargetSpot" "$TargetLowPriNodes" => "Spot nodes keep their old name here: `$TargetLowPriorityNodes`";
    "$CurrentSpotNodes" "$SpotNodes" => "Spot nodes keep their old name here: `$CurrentLowPriorityNodes`";
    "$QueuedTasks" "$WaitingTasks" "$TaskCount" "$Tasks" "$QueueLength" => "tasks waiting are `$ActiveTasks`; waiting or running `$PendingTasks`";
    "$CompletedTasks" "$FinishedTasks" "$DoneTasks" => "finished tasks are `$SucceededTasks` and `$FailedTasks`";
    "$IdleNodes" "$IdleNodeCount" "$RunningNodes" "$BusyNodes" => "node states are not visible; there are `$CurrentDedicatedNodes`, `$UsableNodeCount` and `$RunningTasks`";
    "$CurrentNodes" "$NodeCount" "$TotalNodes" "$CurrentNodeCount" "$CurrentVMs" => "nodes are counted by kind: `$CurrentDedicatedNodes` and `$CurrentLowPriorityNodes`";
    "$PreemptedNodes" => "the metric is `$PreemptedNodeCount`";
    "$UsableNodes" => "the metric is `$UsableNodeCount`";
    "$TasksPerNode" "$MaxTasksPerNode" "$TaskSlots" "$SlotsPerNode" => "the variable is `$TaskSlotsPerNode`";
    "$CPU" "$CpuUsage" "$CPUUtilization" => "the metric is `$CPUPercent`";
    "$MemoryPercent" "$MemoryUsage" => "there is no such metric, and `$MemoryBytes` no longer has samples";
    "$Time" "$Now" "$CurrentTime" => "write `time()`";
    "TimeZoneInterval_Hour" => "the constant is `TimeInterval_Hour`; an old page misspelt it";
    "TimeInterval_Month" => "there is no month; intervals have a fixed length, so write `30 * TimeInterval_Day`";
};
