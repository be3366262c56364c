//! Instants and durations: 64-bit counts of 100 ns (language.md §2.4).
//!
//! In: numbers, times, the members' names. Out: ticks, calendar numbers, ISO text. Never: a time zone, a leap second,
//! a floating clock, or a panic: what leaves the range is [`Trap::TimeOverflow`].

mod read;

pub use read::{BadTime, TimeText};

use crate::{
    rules::{Rules, SecondFraction, Sunday, Year},
    trap::Trap,
};
use jiff::civil::Date;

/// Ticks in a second.
pub const PER_SECOND: i64 = 10_000_000;
const PER_DAY: i64 = 86_400 * PER_SECOND;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// An instant: 100 ns since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Ticks(pub i64);

/// A signed duration in 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Interval(pub i64);

impl Ticks {
    /// 0001-01-01T00:00:00Z: the first instant with calendar members.
    pub const FIRST: Ticks = Ticks(-62_135_596_800 * PER_SECOND);
    /// The last 100 ns of the year 9999.
    pub const LAST: Ticks = Ticks(253_402_300_800 * PER_SECOND - 1);

    /// Whole seconds since the epoch; saturates at the ends of the range.
    pub fn from_unix_seconds(seconds: i64) -> Ticks {
        Ticks(seconds.saturating_mul(PER_SECOND))
    }
    /// Midnight UTC of a date of the years 1–9999.
    pub fn from_date(year: i16, month: i8, day: i8) -> Option<Ticks> {
        if !(1..=9999).contains(&year) {
            return None;
        }
        let date = Date::new(year, month, day).ok()?;
        Some(Ticks(date.duration_since(EPOCH).as_secs() * PER_SECOND))
    }
    /// Later (or earlier) by an interval.
    pub fn plus(self, i: Interval) -> Result<Ticks, Trap> {
        self.0.checked_add(i.0).map(Ticks).ok_or(Trap::TimeOverflow)
    }
    /// Earlier by an interval.
    pub fn minus(self, i: Interval) -> Result<Ticks, Trap> {
        self.0.checked_sub(i.0).map(Ticks).ok_or(Trap::TimeOverflow)
    }
    /// Time passed since another instant.
    pub fn since(self, earlier: Ticks) -> Result<Interval, Trap> {
        self.0.checked_sub(earlier.0).map(Interval).ok_or(Trap::TimeOverflow)
    }
    /// Later by an interval, stopping at the ends of the range. For bookkeeping; formulas use [`Ticks::plus`].
    pub fn saturating_plus(self, i: Interval) -> Ticks {
        Ticks(self.0.saturating_add(i.0))
    }
    /// Whether the instant has calendar members.
    #[inline]
    pub fn in_calendar(self) -> bool {
        (Ticks::FIRST..=Ticks::LAST).contains(&self)
    }

    fn day_number(self) -> Result<i64, Trap> {
        if self.in_calendar() { Ok(self.0.div_euclid(PER_DAY)) } else { Err(Trap::TimeOverflow) }
    }
    fn of_day(self) -> Result<i64, Trap> {
        self.day_number().map(|_| self.0.rem_euclid(PER_DAY))
    }
    fn date(self) -> Result<Date, Trap> {
        let days = self.day_number()?;
        EPOCH.checked_add(jiff::Span::new().days(days)).map_err(|_| Trap::TimeOverflow)
    }

    /// 1–9999.
    pub fn year(self) -> Result<f64, Trap> {
        self.date().map(|d| f64::from(d.year()))
    }
    /// 1–12.
    pub fn month(self) -> Result<f64, Trap> {
        self.date().map(|d| f64::from(d.month()))
    }
    /// 1–31.
    pub fn day(self) -> Result<f64, Trap> {
        self.date().map(|d| f64::from(d.day()))
    }
    /// 1 is Monday; Sunday is a rule (language.md §2.4).
    pub fn weekday(self, sunday: Sunday) -> Result<f64, Trap> {
        // Day 0 was a Thursday.
        let day = (self.day_number()? + 4).rem_euclid(7);
        Ok(match (day, sunday) {
            (0, Sunday::Seven) => 7.0,
            (d, _) => d as f64,
        })
    }
    /// 0–23.
    pub fn hour(self) -> Result<f64, Trap> {
        self.of_day().map(|t| (t / (3600 * PER_SECOND)) as f64)
    }
    /// 0–59.
    pub fn minute(self) -> Result<f64, Trap> {
        self.of_day().map(|t| (t / (60 * PER_SECOND) % 60) as f64)
    }
    /// 0–59, with or without the fraction (a rule).
    pub fn second(self, fraction: SecondFraction) -> Result<f64, Trap> {
        let t = self.of_day()? % (60 * PER_SECOND);
        Ok(match fraction {
            SecondFraction::Integer => (t / PER_SECOND) as f64,
            SecondFraction::Fraction => t as f64 / PER_SECOND as f64,
        })
    }

    /// `2016-10-14T18:36:43.282Z`: UTC, three fraction digits, the rest cut off (language.md §3.3).
    pub fn iso_millis(self) -> String {
        match self.date() {
            Ok(d) => {
                let t = self.0.rem_euclid(PER_DAY);
                format!("{}.{:03}Z", clock(d, t), t % PER_SECOND / 10_000)
            }
            Err(_) => self.beyond_calendar(),
        }
    }
    /// Up to seven fraction digits, trailing zeros dropped: how `timestamp` of an AutoScaleRun looks.
    pub fn iso_trimmed(self) -> String {
        match self.date() {
            Ok(d) => {
                let t = self.0.rem_euclid(PER_DAY);
                let fraction = format!("{:07}", t % PER_SECOND);
                let fraction = fraction.trim_end_matches('0');
                let dot = if fraction.is_empty() { "" } else { "." };
                format!("{}{dot}{fraction}Z", clock(d, t))
            }
            Err(_) => self.beyond_calendar(),
        }
    }
    /// An instant without a calendar date still prints as something: seconds since the epoch after an `@`.
    fn beyond_calendar(self) -> String {
        format!("@{}", self.0.div_euclid(PER_SECOND))
    }
}

fn clock(d: Date, of_day: i64) -> String {
    let s = of_day / PER_SECOND;
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", d.year(), d.month(), d.day(), s / 3600, s / 60 % 60, s % 60)
}

impl Interval {
    /// Nothing.
    pub const ZERO: Interval = Interval(0);
    /// One tick.
    pub const TICK: Interval = Interval(1);
    /// A second.
    pub const SECOND: Interval = Interval(PER_SECOND);
    /// A minute.
    pub const MINUTE: Interval = Interval(60 * PER_SECOND);
    /// An hour.
    pub const HOUR: Interval = Interval(3600 * PER_SECOND);
    /// 24 hours.
    pub const DAY: Interval = Interval(PER_DAY);
    /// Seven days.
    pub const WEEK: Interval = Interval(7 * PER_DAY);
    /// The period at which the service samples every metric (language.md §2.9).
    pub const SAMPLE_PERIOD: Interval = Interval(30 * PER_SECOND);

    /// From seconds, to the nearest tick toward zero; saturates, and NaN is zero.
    pub fn from_seconds(seconds: f64) -> Interval {
        Interval((seconds * PER_SECOND as f64) as i64)
    }
    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / PER_SECOND as f64
    }
    /// `TimeInterval_Year`.
    pub fn year(rules: &Rules) -> Interval {
        match rules.year {
            Year::Weeks52 => Interval(52 * Interval::WEEK.0),
            Year::Days365 => Interval(365 * PER_DAY),
        }
    }
    /// Sum.
    pub fn plus(self, other: Interval) -> Result<Interval, Trap> {
        self.0.checked_add(other.0).map(Interval).ok_or(Trap::TimeOverflow)
    }
    /// Difference.
    pub fn minus(self, other: Interval) -> Result<Interval, Trap> {
        self.0.checked_sub(other.0).map(Interval).ok_or(Trap::TimeOverflow)
    }
    /// Opposite.
    pub fn negated(self) -> Result<Interval, Trap> {
        self.0.checked_neg().map(Interval).ok_or(Trap::TimeOverflow)
    }
    /// Product. Exact for whole factors; otherwise the double product, cut off toward zero to a whole tick.
    pub fn times(self, factor: f64) -> Result<Interval, Trap> {
        // A whole factor must not lose ticks of a long interval to the 53 bits of a double.
        let whole = factor as i64;
        if whole as f64 == factor && factor.abs() < 9e18 {
            return self.0.checked_mul(whole).map(Interval).ok_or(Trap::TimeOverflow);
        }
        Interval::from_product(self.0 as f64 * factor)
    }
    /// Quotient, cut off toward zero to a whole tick. A zero or NaN divisor leaves the range.
    pub fn over(self, divisor: f64) -> Result<Interval, Trap> {
        let whole = divisor as i64;
        if whole as f64 == divisor && divisor.abs() < 9e18 {
            return self.0.checked_div(whole).map(Interval).ok_or(Trap::TimeOverflow);
        }
        Interval::from_product(self.0 as f64 / divisor)
    }
    fn from_product(ticks: f64) -> Result<Interval, Trap> {
        // 2⁶³ is the first double beyond the range; NaN fails the comparison.
        if ticks.abs() < 9_223_372_036_854_775_808.0 { Ok(Interval(ticks as i64)) } else { Err(Trap::TimeOverflow) }
    }

    /// ISO 8601 duration of days, hours, minutes and seconds: `PT5M`, `P1DT2H`, `-PT0.5S`, `PT0S`.
    pub fn iso8601(self) -> String {
        use std::fmt::Write;
        let ticks = self.0.unsigned_abs();
        let per_second = PER_SECOND as u64;
        let (days, seconds, fraction) = (ticks / PER_DAY as u64, ticks / per_second % 86_400, ticks % per_second);
        let mut out = String::from(if self.0 < 0 { "-P" } else { "P" });
        if days > 0 {
            let _ = write!(out, "{days}D");
        }
        if days == 0 || seconds > 0 || fraction > 0 {
            out.push('T');
        }
        for (n, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
            if n > 0 {
                let _ = write!(out, "{n}{unit}");
            }
        }
        let s = seconds % 60;
        if fraction > 0 {
            let digits = format!("{fraction:07}");
            let _ = write!(out, "{s}.{}S", digits.trim_end_matches('0'));
        } else if s > 0 || ticks == 0 {
            let _ = write!(out, "{s}S");
        }
        out
    }
}

#[cfg(test)]
mod tests;
