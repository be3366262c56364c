//! Times: `time()`, the members of timestamps, the interval constants (language.md §2.4, §2.7).
//!
//! In: text, timestamps, the evaluation's instant. Out: timestamps, numbers, intervals. Never: a time zone.

use super::{DOC, row, wrong};
use crate::{
    catalog::{Builtin, Evidence},
    cx::Cx,
    rules::Lenience,
    ticks::{Interval, Ticks},
    trap::Trap,
    value::Value,
};

fn time<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    match args {
        [] | [Value::Str("")] => Ok(Value::Time(cx.now())),
        [Value::Str(text)] => match Ticks::parse_service(text) {
            Ok(t) if t.no_zone && cx.rules.time_without_zone == Lenience::Reject => Err(Trap::BadTime((*text).into())),
            Ok(t) => Ok(Value::Time(t.ticks)),
            Err(_) => Err(Trap::BadTime((*text).into())),
        },
        _ => Err(wrong(args, 0)),
    }
}

fn instant(args: &[Value<'_>]) -> Result<Ticks, Trap> {
    match args {
        [Value::Time(t)] => Ok(*t),
        _ => Err(wrong(args, 0)),
    }
}

/// A member row: the receiver is the only argument.
macro_rules! member {
    ($name:literal, |$t:ident, $cx:ident| $body:expr, $doc:literal, $evidence:expr, [$($formula:literal => $prints:literal),*]) => {
        row! { Member $name { (concat!("timestamp.", $name, " -> double")) [; 0] => Double, Const, Some(|$cx, a| {
                let $t = instant(a)?;
                let _ = &$cx;
                $body.map(Value::Double)
            }) }
            $doc $evidence, "always" [$($formula => $prints),*] }
    };
}

/// An interval constant.
macro_rules! interval {
    ($name:literal, |$cx:ident| $value:expr, $doc:literal, $evidence:expr, $prints:literal) => {
        row! { Constant $name { (concat!($name, " : timeinterval")) [; 0] => Interval, Const, Some(|$cx, _| {
            let _ = &$cx;
            Ok(Value::Interval($value))
        }) }
        $doc $evidence, "always" [$name => $prints] }
    };
}

// `row!` and the two macros above take documentation as a literal.
pub(super) const ROWS: &[Builtin] = &[
    row! { Function "time" { "time(string dateTime=\"\") -> timestamp" [Str; 0] => Time, ReadsClock, Some(time) }
        "The instant of the evaluation, or the time a text says: W3C-DTF (`2024-05-31T10:20:00Z`) or RFC 1123 (`Fri, 31 May 2024 10:20:00 GMT`), at most seven fraction digits. A time without a zone is UTC. Other text stops the evaluation."
        DOC, "always"
        ["time()" => "2026-01-05T08:00:00.000Z", "time(\"\")" => "2026-01-05T08:00:00.000Z", "time(\"2024-05-31T10:20:30.5+02:00\")" => "2024-05-31T08:20:30.500Z", "time(\"Fri, 31 May 2024 10:20:30 GMT\")" => "2024-05-31T10:20:30.000Z"]
    },
    member!("year", |t, cx| t.year(), "The year, UTC.", DOC, ["time().year" => "2026"]),
    member!("month", |t, cx| t.month(), "The month, 1 to 12, UTC.", DOC, ["time().month" => "1"]),
    member!("day", |t, cx| t.day(), "The day of the month, 1 to 31, UTC.", DOC, ["time().day" => "5"]),
    member!("weekday", |t, cx| t.weekday(cx.rules.sunday), "The day of the week, UTC: 1 is Monday, 6 Saturday. Sunday is not documented: 0, or 7 under the rule `sunday`.", DOC, ["time().weekday" => "1", "time(\"2026-01-04\").weekday" => "0"]),
    member!("hour", |t, cx| t.hour(), "The hour, 0 to 23, UTC. For another zone add its offset as an interval first.", DOC, ["time().hour" => "8", "(time() + -9 * TimeInterval_Hour).hour" => "23"]),
    member!("minute", |t, cx| t.minute(), "The minute, 0 to 59.", DOC, ["time(\"2024-05-31T10:20:30Z\").minute" => "20"]),
    member!("second", |t, cx| t.second(cx.rules.second), "The second, 0 to 59, without a fraction (rule `second`).", DOC, ["time(\"2024-05-31T10:20:30.9Z\").second" => "30"]),
    interval!("TimeInterval_Zero", |cx| Interval::ZERO, "No time.", DOC, "PT0S"),
    interval!("TimeInterval_100ns", |cx| Interval::TICK, "The smallest duration.", DOC, "PT0.0000001S"),
    interval!("TimeInterval_Microsecond", |cx| Interval(10), "A millionth of a second.", DOC, "PT0.000001S"),
    interval!("TimeInterval_Millisecond", |cx| Interval(10_000), "A thousandth of a second.", DOC, "PT0.001S"),
    interval!("TimeInterval_Second", |cx| Interval::SECOND, "A second.", DOC, "PT1S"),
    interval!("TimeInterval_Minute", |cx| Interval::MINUTE, "A minute.", DOC, "PT1M"),
    interval!("TimeInterval_Hour", |cx| Interval::HOUR, "An hour.", DOC, "PT1H"),
    interval!("TimeInterval_Day", |cx| Interval::DAY, "24 hours.", DOC, "P1D"),
    interval!("TimeInterval_Week", |cx| Interval::WEEK, "Seven days.", DOC, "P7D"),
    interval!(
        "TimeInterval_Year",
        |cx| Interval::year(cx.rules),
        "A year of 52 weeks, or of 365 days under the rule `year`; its length is not documented.",
        Evidence::Documented("S1, length unknown"),
        "P364D"
    ),
];
