//! The small words of commands: durations, instants, sample lists, numbers, near names.
//!
//! In: what was typed. Out: values, or a sentence about what would be right. Never: a wall clock.

use poolcast_runtime::{
    catalog::nearest,
    ticks::{Interval, Ticks},
};

/// Longest sample list: a week of samples.
pub const MOST_SAMPLES: usize = 20_160;

/// Splits off the first word.
pub fn first(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.find(char::is_whitespace) {
        Some(at) => (&text[..at], text[at..].trim_start()),
        None => (text, ""),
    }
}

/// `90s`, `5m`, `1h30m`, `2 hours`, `1d`, `PT5M`; a bare number is refused: of what?
pub fn duration(text: &str) -> Option<Interval> {
    let lower = text.trim().to_ascii_lowercase();
    let (iso, body) = match lower.strip_prefix('p') {
        Some(rest) => (true, rest.replace('t', "")),
        None => (false, lower.clone()),
    };
    let mut rest = body.trim();
    let mut total: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" if !iso => Interval(10_000),
            "s" | "sec" | "secs" | "second" | "seconds" => Interval::SECOND,
            "m" | "min" | "mins" | "minute" | "minutes" => Interval::MINUTE,
            "h" | "hour" | "hours" => Interval::HOUR,
            "d" | "day" | "days" => Interval::DAY,
            "w" | "week" | "weeks" => Interval::WEEK,
            _ => return None,
        };
        total = total.checked_add(unit.times(number).ok()?.0)?;
        rest = rest[letters..].trim_start();
    }
    Some(Interval(total))
}

/// A duration in the words it is typed in: `5m`, `1h30m`, `45s`.
pub fn show(i: Interval) -> String {
    let (sign, mut t) = (if i.0 < 0 { "-" } else { "" }, i.0.unsigned_abs());
    let mut out = String::new();
    for (unit, letter) in [(Interval::DAY, 'd'), (Interval::HOUR, 'h'), (Interval::MINUTE, 'm')] {
        let n = t / unit.0 as u64;
        if n > 0 {
            out.push_str(&format!("{n}{letter}"));
            t %= unit.0 as u64;
        }
    }
    if t > 0 || out.is_empty() {
        let s = t as f64 / Interval::SECOND.0 as f64;
        out.push_str(&format!("{}s", (s * 1000.0).round() / 1000.0));
    }
    format!("{sign}{out}")
}

/// An instant from where we are: `9:00` (the next one), `monday 9:00`, `tomorrow 9:00`, `+2h`, `-5m`, ISO 8601, epoch seconds.
pub fn instant(text: &str, now: Ticks) -> Result<Ticks, String> {
    let text = text.trim().trim_matches('"');
    let bad = || {
        format!("`{text}` is no time; write 9:00, monday 9:00, tomorrow 9:00, +2h, or all of it: 2026-01-05T09:00:00Z")
    };
    if let Some(ahead) = text.strip_prefix('+') {
        return duration(ahead).and_then(|d| now.plus(d).ok()).filter(|t| t.in_calendar()).ok_or_else(bad);
    }
    if let Some(back) = text.strip_prefix('-') {
        return duration(back).and_then(|d| now.minus(d).ok()).filter(|t| t.in_calendar()).ok_or_else(bad);
    }
    let midnight = Ticks(now.0 - now.0.rem_euclid(Interval::DAY.0));
    if let Some(clock) = clock(text) {
        let today = midnight.saturating_plus(clock);
        return Ok(if today >= now { today } else { today.saturating_plus(Interval::DAY) });
    }
    let (word, rest) = first(text);
    let lower = word.to_ascii_lowercase();
    if !rest.is_empty() || lower.chars().all(|c| c.is_ascii_alphabetic()) {
        let of_day = if rest.is_empty() { Some(Interval::ZERO) } else { clock(rest) };
        let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
        let day = days.iter().position(|d| lower.len() >= 3 && d.starts_with(&lower));
        if let Some(of_day) = of_day {
            if lower == "today" || lower == "tomorrow" {
                let days = i64::from(lower == "tomorrow");
                return Ok(midnight.saturating_plus(Interval(days * Interval::DAY.0)).saturating_plus(of_day));
            }
            if let Some(day) = day {
                // 1970-01-01 was a Thursday.
                let today = (now.0.div_euclid(Interval::DAY.0) + 4).rem_euclid(7);
                let ahead = (day as i64 - today).rem_euclid(7);
                let at = midnight.saturating_plus(Interval(ahead * Interval::DAY.0)).saturating_plus(of_day);
                return Ok(if at >= now { at } else { at.saturating_plus(Interval::WEEK) });
            }
        }
    }
    Ticks::parse_lenient(text).ok().filter(|t| t.in_calendar()).ok_or_else(bad)
}

/// `9:00`, `09:30:15`.
fn clock(text: &str) -> Option<Interval> {
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) || parts.iter().any(|p| p.is_empty() || p.len() > 2) {
        return None;
    }
    let n: Vec<i64> = parts.iter().map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let (h, m, s) = (n[0], n[1], n.get(2).copied().unwrap_or(0));
    let fits = (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s);
    fits.then_some(Interval((h * 3600 + m * 60 + s) * Interval::SECOND.0))
}

/// A list of samples, oldest first, one each 30 s, the last now: `0,0,4,12`; `_` or `-` is a missing one; `20*10` repeats,
/// `(20,_)*5` repeats a group, `1..5` counts.
pub fn samples(text: &str) -> Result<Vec<Option<f64>>, String> {
    let mut r = Samples { text, at: 0, depth: 0 };
    let list = r.list()?;
    r.space();
    if r.at < text.len() {
        return Err(r.bad("a `,` or the end"));
    }
    Ok(list)
}

struct Samples<'t> {
    text: &'t str,
    at: usize,
    depth: u32,
}

impl Samples<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }
    fn eat(&mut self, what: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }
    fn bad(&self, wanted: &str) -> String {
        let found = self.rest().chars().next().map_or("the end".to_owned(), |c| format!("`{c}`"));
        format!(
            "sample list: {wanted} was expected, {found} found after `{}`\n\
             write 0,0,4,12 with `_` for a missing sample; 20*10 repeats, (20,_)*5 repeats a group, 1..5 counts",
            &self.text[..self.at]
        )
    }
    fn number(&mut self) -> Option<f64> {
        self.space();
        let rest = self.rest();
        let body = rest.strip_prefix('-').unwrap_or(rest);
        let mut len = body.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(body.len());
        // `1..5`: the dots are not the number's.
        len = body[..len].find("..").unwrap_or(len);
        if len == 0 {
            return None;
        }
        let len = len + rest.len() - body.len();
        let value: f64 = rest[..len].parse().ok().filter(|x: &f64| x.is_finite())?;
        self.at += len;
        Some(value)
    }
    fn list(&mut self) -> Result<Vec<Option<f64>>, String> {
        let mut out = Vec::new();
        loop {
            let item = self.item()?;
            out.extend(item);
            if out.len() > MOST_SAMPLES {
                return Err(format!("more than {MOST_SAMPLES} samples, a week of them"));
            }
            if self.eat(",") {
                continue;
            }
            self.space();
            // Spaces separate as well.
            match self.rest().chars().next() {
                Some(c) if c.is_ascii_digit() || "_-(.".contains(c) => {}
                _ => return Ok(out),
            }
        }
    }
    fn item(&mut self) -> Result<Vec<Option<f64>>, String> {
        let mut item = if self.eat("(") {
            self.depth += 1;
            if self.depth > 8 {
                return Err("groups inside groups inside groups: at most eight deep".into());
            }
            let inner = self.list()?;
            if !self.eat(")") {
                return Err(self.bad("`)`"));
            }
            self.depth -= 1;
            inner
        } else if let Some(from) = self.number() {
            if self.eat("..") {
                let to = self.number().ok_or_else(|| self.bad("the last number"))?;
                let (a, b) = (from.trunc(), to.trunc());
                if (a - b).abs() >= MOST_SAMPLES as f64 {
                    return Err(format!("more than {MOST_SAMPLES} samples, a week of them"));
                }
                let (a, b) = (a as i64, b as i64);
                let up = |lo: i64, hi: i64| (lo..=hi).map(|n| Some(n as f64));
                if a <= b { up(a, b).collect() } else { up(b, a).rev().collect() }
            } else {
                vec![Some(from)]
            }
        } else if self.eat("_") || self.eat("-") {
            vec![None]
        } else {
            return Err(self.bad("a number or `_`"));
        };
        if self.eat("*") {
            let n =
                self.number().filter(|n| *n >= 0.0 && n.fract() == 0.0).ok_or_else(|| self.bad("how many times"))?;
            if item.len() as f64 * n > MOST_SAMPLES as f64 {
                return Err(format!("more than {MOST_SAMPLES} samples, a week of them"));
            }
            item = item.repeat(n as usize);
        }
        Ok(item)
    }
}

/// ` (did you mean …?)`, or nothing.
pub fn near<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    nearest(name, names).map_or(String::new(), |n| format!("; did you mean `{n}`?"))
}

/// `1 node`, `3 nodes`.
pub fn count(n: impl Into<i64>, what: &str) -> String {
    let n = n.into();
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("5m", 300.0), ("1h30m", 5400.0), ("2 hours", 7200.0), ("PT5M", 300.0), ("1d", 86400.0), ("0.5s", 0.5)]
        {
            assert_eq!(duration(text).map(Interval::seconds), Some(seconds), "{text}");
        }
        for text in ["", "5", "m", "5 parsecs", "1e9d", "99999999999999999d"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(show(Interval(5400 * 10_000_000)), "1h30m");
        assert_eq!(show(Interval::ZERO), "0s");
    }

    #[test]
    fn instants_lie_ahead() {
        let now = Ticks::parse_lenient("2026-01-05T08:00:00Z").unwrap();
        for (text, want) in [
            ("9:00", "2026-01-05T09:00:00Z"),
            ("7:30", "2026-01-06T07:30:00Z"),
            ("tomorrow 9:00", "2026-01-06T09:00:00Z"),
            ("fri 18:00", "2026-01-09T18:00:00Z"),
            ("monday 7:00", "2026-01-12T07:00:00Z"),
            ("+90m", "2026-01-05T09:30:00Z"),
            ("2026-02-01", "2026-02-01T00:00:00Z"),
        ] {
            assert_eq!(instant(text, now).map(Ticks::iso_trimmed), Ok(want.to_owned()), "{text}");
        }
        for text in ["", "25:00", "someday", "9:0x", "+soon", "monday noon"] {
            assert!(instant(text, now).unwrap_err().contains("write 9:00"), "{text}");
        }
    }

    #[test]
    fn sample_lists() {
        let some = |xs: &[f64]| xs.iter().map(|x| Some(*x)).collect::<Vec<_>>();
        assert_eq!(samples("0,0,4,12"), Ok(some(&[0.0, 0.0, 4.0, 12.0])));
        assert_eq!(samples("1 2 _ - -3"), Ok(vec![Some(1.0), Some(2.0), None, None, Some(-3.0)]));
        assert_eq!(
            samples("(20,_)*2, 1..3"),
            Ok(vec![Some(20.0), None, Some(20.0), None, Some(1.0), Some(2.0), Some(3.0)])
        );
        assert_eq!(samples("3..1"), Ok(some(&[3.0, 2.0, 1.0])));
        for bad in ["", "1,,2", "(1", "1*x", "5*1000000000", "1..99999999999", "x", "1..", "((((((((((1"] {
            assert!(samples(bad).is_err(), "{bad}");
        }
    }
}
