//! Every open question of the language as one field: default, allowed values, evidence (language.md §0.1).
//!
//! In: names and values as text. Out: `Rules`, and the table the documentation is made from. Never: a rule without a row.

use crate::catalog::Evidence::{self, Documented, Inferred, Observed, Unknown};

/// A type a rule can have: read from text, shown as text.
pub trait RuleValue: Copy + PartialEq + 'static {
    /// Allowed values, in words.
    fn allowed() -> String;
    /// From text.
    fn read(text: &str) -> Option<Self>;
    /// To text that [`RuleValue::read`] takes.
    fn show(self) -> String;
}

macro_rules! choices {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[$vdoc])* $variant, )* }
        impl RuleValue for $name {
            fn allowed() -> String {
                [$( concat!("`", $text, "`") ),*].join(", ")
            }
            fn read(text: &str) -> Option<Self> {
                match text { $( $text => Some($name::$variant), )* _ => None }
            }
            fn show(self) -> String {
                match self { $( $name::$variant => $text.to_owned(), )* }
            }
        }
    )* };
}

choices! {
    /// Which instant of a sample a window compares.
    SampleStamp {
        /// When the sample became visible.
        Published = "published",
        /// When it was measured.
        Measured = "measured",
    }
    /// Which ends a window includes.
    WindowEnds {
        /// `(start, end]`
        OpenClosed = "open-closed",
        /// `[start, end)`
        ClosedOpen = "closed-open",
        /// `[start, end]`
        Closed = "closed",
    }
    /// How many samples a window that is no multiple of the period could hold.
    Possible {
        /// Whole periods, at least one.
        Whole = "whole",
        /// Length divided by period, at least one.
        Exact = "exact",
    }
    /// The weekday number of Sunday.
    Sunday {
        /// 0, as in C and .NET.
        Zero = "0",
        /// 7, as in ISO 8601.
        Seven = "7",
    }
    /// Length of `TimeInterval_Year`.
    Year {
        /// 364 days.
        Weeks52 = "52-weeks",
        /// 365 days.
        Days365 = "365-days",
    }
    /// Scale of `percentile`'s second argument.
    PercentScale {
        /// 0 to 100.
        Hundred = "0-100",
        /// 0 to 1.
        One = "0-1",
    }
    /// What `round` does with halves.
    Halves {
        /// Away from zero.
        Away = "away",
        /// To the even neighbour.
        Even = "even",
    }
    /// What a NaN condition does.
    NanCondition {
        /// Counts as true: it is not zero.
        True = "true",
        /// Counts as false.
        False = "false",
    }
    /// Whether something undocumented works.
    Lenience {
        /// It works, with a warning.
        Allow = "allow",
        /// It stops the evaluation.
        Reject = "reject",
    }
    /// The value of `.second`.
    SecondFraction {
        /// Whole seconds.
        Integer = "integer",
        /// With the fraction.
        Fraction = "fraction",
    }
    /// `HistoryBeginTime()` without samples.
    HistoryBegin {
        /// The instant of the evaluation, with a note.
        Now = "now",
        /// Stops the evaluation.
        Error = "error",
    }
    /// What a target that cannot be applied does.
    BadTarget {
        /// Stops the evaluation: the pool stays as it is.
        Error = "error",
        /// Becomes 0.
        Zero = "zero",
    }
    /// How a fractional target becomes a node count.
    TargetRounding {
        /// Toward zero.
        Truncate = "truncate",
        /// To the nearest, halves away from zero.
        Round = "round",
        /// Up.
        Ceil = "ceil",
    }
}

impl RuleValue for bool {
    fn allowed() -> String {
        "`true`, `false`".into()
    }
    fn read(text: &str) -> Option<bool> {
        text.parse().ok()
    }
    fn show(self) -> String {
        self.to_string()
    }
}

/// A percentage, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl RuleValue for Percent {
    fn allowed() -> String {
        "a number from 0 to 100".into()
    }
    fn read(text: &str) -> Option<Percent> {
        text.parse().ok().filter(|p| (0.0..=100.0).contains(p)).map(Percent)
    }
    fn show(self) -> String {
        self.0.to_string()
    }
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub usize);

impl RuleValue for Bytes {
    fn allowed() -> String {
        "bytes, with an optional `k`, `M` or `G` (powers of 1024), at most `64G`".into()
    }
    fn read(text: &str) -> Option<Bytes> {
        let (digits, shift) = match text.as_bytes().last()? {
            b'k' | b'K' => (&text[..text.len() - 1], 10),
            b'M' => (&text[..text.len() - 1], 20),
            b'G' => (&text[..text.len() - 1], 30),
            _ => (text, 0),
        };
        let n: u64 = digits.parse().ok()?;
        let bytes = n.checked_mul(1 << shift).filter(|b| *b <= 64 << 30)?;
        usize::try_from(bytes).ok().map(Bytes)
    }
    fn show(self) -> String {
        self.0.to_string()
    }
}

/// A number of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Samples(pub u32);

impl RuleValue for Samples {
    fn allowed() -> String {
        format!("a whole number from 1 to {}", u32::MAX)
    }
    fn read(text: &str) -> Option<Samples> {
        text.parse().ok().filter(|n| *n > 0).map(Samples)
    }
    fn show(self) -> String {
        self.0.to_string()
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name, also the field's.
    pub name: &'static str,
    /// The default, as text.
    pub default: fn() -> String,
    /// Allowed values, in words.
    pub allowed: fn() -> String,
    /// How sure the default is.
    pub evidence: Evidence,
    /// What it decides, and why the default is what it is.
    pub doc: &'static str,
    /// The present value, as text.
    pub get: fn(&Rules) -> String,
    set: fn(&mut Rules, &str) -> bool,
}

/// A rule that could not be set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleError {
    /// No rule has this name.
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<&'static str>,
    },
    /// The rule does not take this value.
    Value {
        /// The rule.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        allowed: String,
    },
}

impl std::fmt::Display for RuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RuleError::Unknown { name, nearest: Some(n) } => write!(f, "no rule `{name}`; did you mean `{n}`?"),
            RuleError::Unknown { name, nearest: None } => write!(f, "no rule `{name}`"),
            RuleError::Value { name, value, allowed } => {
                write!(f, "rule `{name}` cannot be `{value}`; it takes {allowed}")
            }
        }
    }
}
impl std::error::Error for RuleError {}

macro_rules! rules {
    ($( $name:ident : $ty:ty = $default:expr, $evidence:expr, $doc:literal; )*) => {
        /// The choices this evaluation is made under. `Rules::default()` is what language.md §0 decides.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub struct Rules { $( #[doc = $doc] pub $name: $ty, )* }

        impl Default for Rules {
            fn default() -> Rules {
                Rules { $( $name: $default, )* }
            }
        }

        impl Rules {
            /// Every rule, in the order of the documentation.
            pub const ROWS: &'static [Row] = &[ $( Row {
                name: stringify!($name),
                default: || RuleValue::show($default),
                allowed: <$ty as RuleValue>::allowed,
                evidence: $evidence,
                doc: $doc,
                get: |rules| RuleValue::show(rules.$name),
                set: |rules, text| <$ty as RuleValue>::read(text).map(|v| rules.$name = v).is_some(),
            }, )* ];
        }
    };
}

rules! {
    sample_stamp: SampleStamp = SampleStamp::Published, Inferred("S24, S25, S29#120"),
        "Which instant of a sample a window compares: when it became visible, or when it was measured. Samples arrive about a minute late, and windows of 180 s were seen with 100 % of their samples; only the first choice allows both.";
    window_ends: WindowEnds = WindowEnds::OpenClosed, Unknown,
        "Which ends a sample window includes. With samples every 30 s a half-open window holds exactly as many as it is long.";
    possible_samples: Possible = Possible::Whole, Inferred("S24, S25"),
        "How many samples a window could hold. Fifteen minutes count as 30 and 180 s as 6; nothing is known of windows that are no multiple of 30 s, and samples are whole.";
    default_percent: Percent = Percent(70.0), Observed("S27#138"),
        "The percentage of samples `GetSample` over a window asks for when none is written.";
    strict_empty: bool = false, Inferred("S27#138, S27#208, S20"),
        "Whether reading or reducing an empty vector stops the evaluation. The service was seen to go on; its value is unknown, so by default it is NaN and a note.";
    history_begin: HistoryBegin = HistoryBegin::Now, Unknown,
        "What `HistoryBeginTime()` gives while there is no sample.";
    sunday: Sunday = Sunday::Zero, Unknown,
        "The number of Sunday in `.weekday`; Monday is 1. Zero is the convention of the platform whose number format the service shows.";
    second: SecondFraction = SecondFraction::Integer, Unknown,
        "Whether `.second` has a fraction.";
    year: Year = Year::Weeks52, Inferred("name-for-name match with an old Microsoft header"),
        "The length of `TimeInterval_Year`.";
    time_without_zone: Lenience = Lenience::Allow, Unknown,
        "Whether `time(\"…\")` takes a time of day without a zone; it is then UTC.";
    interval_sub: Lenience = Lenience::Allow, Unknown,
        "Whether `timestamp - timeinterval` works. The documentation adds a negative interval instead.";
    broadcast: Lenience = Lenience::Allow, Unknown,
        "Whether `double op doubleVec` works. Only the other order is documented.";
    one_element: Lenience = Lenience::Allow, Unknown,
        "Whether a vector of one element serves where one number is needed. Vectors of other lengths never do.";
    bare_metric: Lenience = Lenience::Allow, Unknown,
        "Whether a metric without a method, such as `$PendingTasks / 4`, reads its last sample (0 when there is none).";
    nan_condition: NanCondition = NanCondition::True, Documented("S1"),
        "Whether a NaN condition is true. The documentation calls every non-zero number true.";
    percentile_scale: PercentScale = PercentScale::Hundred, Unknown,
        "The scale of `percentile`'s second argument. All other percentages of the language are 0 to 100.";
    round: Halves = Halves::Away, Unknown,
        "Which way `round` takes halves.";
    negative_target: BadTarget = BadTarget::Error, Unknown,
        "What a negative target does.";
    non_finite_target: BadTarget = BadTarget::Error, Unknown,
        "What NaN or an infinity does as a target.";
    target_rounding: TargetRounding = TargetRounding::Truncate, Observed("S9, S29#151, S27#239"),
        "How a fractional target becomes a number of nodes: 0.5 became 0, 2.9 became 2, 58.25 was shown as 58.";
    window_samples: Samples = Samples(20_480), Unknown,
        "Samples one window of `GetSample` may hold; a week of them is 20160. Beyond it the evaluation fails instead of taking long. Ours, not the service's: with `memory_budget` it bounds what any formula can cost over any history.";
    memory_budget: Bytes = Bytes(2 << 20), Unknown,
        "Memory one evaluation may use for vectors it makes; one of a week of samples takes 160 k. Ours, not the service's: it bounds what any formula can cost.";
}

impl Rules {
    /// Sets a rule by name. Hyphens and underscores are the same.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), RuleError> {
        let wanted = name.trim().replace('-', "_");
        let value = value.trim();
        match Rules::ROWS.iter().find(|row| row.name == wanted) {
            Some(row) if (row.set)(self, value) => Ok(()),
            Some(row) => Err(RuleError::Value { name: row.name, value: value.to_owned(), allowed: (row.allowed)() }),
            None => Err(RuleError::Unknown {
                name: name.to_owned(),
                nearest: crate::catalog::nearest(&wanted, Rules::ROWS.iter().map(|row| row.name)),
            }),
        }
    }
    /// The rules that differ from their defaults: (name, value).
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        Rules::ROWS.iter().filter(|row| (row.get)(self) != (row.default)()).map(|row| (row.name, (row.get)(self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_reads_what_it_shows_and_refuses_nonsense() {
        let mut rules = Rules::default();
        for row in Rules::ROWS {
            assert_eq!((row.get)(&rules), (row.default)(), "{}", row.name);
            assert_eq!(rules.set(row.name, &(row.default)()), Ok(()), "{}", row.name);
            assert!(rules.set(row.name, "no such value").unwrap_err().to_string().contains("it takes"), "{}", row.name);
            assert!(!row.doc.is_empty() && !(row.allowed)().is_empty());
        }
        assert_eq!(rules, Rules::default());
    }

    #[test]
    fn values_and_names() {
        let mut rules = Rules::default();
        rules.set("sunday", "7").unwrap();
        rules.set("default-percent", " 50 ").unwrap();
        rules.set("memory_budget", "1M").unwrap();
        assert_eq!(
            (rules.sunday, rules.default_percent, rules.memory_budget),
            (Sunday::Seven, Percent(50.0), Bytes(1 << 20))
        );
        assert_eq!(rules.changed().map(|c| c.0).collect::<Vec<_>>(), ["default_percent", "sunday", "memory_budget"]);
        assert_eq!(rules.set("sundays", "7").unwrap_err().to_string(), "no rule `sundays`; did you mean `sunday`?");
        for (name, bad) in [
            ("default_percent", "101"),
            ("default_percent", "nan"),
            ("memory_budget", "65G"),
            ("memory_budget", "é"),
            ("window_samples", "0"),
            ("strict_empty", ""),
        ] {
            assert!(rules.set(name, bad).is_err(), "{name} {bad}");
        }
    }
}
