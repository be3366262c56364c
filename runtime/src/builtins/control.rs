//! `rand`, `stop`, and the node deallocation keywords (language.md §2.7, §2.8).
//!
//! In: the run's stream. Out: a number, an option. Never: a body for `stop`: it is control flow, done by the engines.

use super::{DOC, row};
use crate::{
    catalog::{Builtin, Evidence},
    value::{DeallocationOption, Value},
};

macro_rules! keyword {
    ($name:literal, $option:ident, $doc:literal) => {
        row! { Constant $name { (concat!($name, " : node deallocation option")) [; 0] => Option, Const, Some(|_, _| Ok(Value::Option(DeallocationOption::$option))) }
            $doc DOC, "2016" [$name => $name] }
    };
}

pub(super) const ROWS: &[Builtin] = &[
    row! { Function "rand" { "rand() -> double" [; 0] => Double, Random, Some(|cx, _| Ok(Value::Double(cx.random()))) }
        "A random number from 0 up to, but not including, 1. Drawn from the evaluation's seed, so a run can be repeated."
        Evidence::Documented("S1, ends unknown"), "always"
        ["floor(rand())" => "0", "rand() < 1" => "1"]
    },
    row! { Function "stop" { "stop()" [; 0] => Never, Random, None }
        "Ends the evaluation successfully; what was assigned before it counts. May be a statement or an arm of `?:`."
        DOC, "always"
        []
    },
    keyword!(
        "requeue",
        Requeue,
        "For `$NodeDeallocationOption`, and the default: tasks on leaving nodes are killed and queued again."
    ),
    keyword!(
        "terminate",
        Terminate,
        "For `$NodeDeallocationOption`: tasks on leaving nodes are killed and end as failed."
    ),
    keyword!(
        "taskcompletion",
        TaskCompletion,
        "For `$NodeDeallocationOption`: leaving nodes first finish the tasks they run."
    ),
    keyword!(
        "retaineddata",
        RetainedData,
        "For `$NodeDeallocationOption`: leaving nodes first finish their tasks and wait until the tasks' retained data have expired."
    ),
];
