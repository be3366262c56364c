//! Texts of knob values: what each kind of field accepts and how it is shown.
//!
//! In: a text. Out: a field set, or what is wrong. Never: a particular knob.

use super::config::{CapacityStep, DAY, HOUR, MINUTE, Ms, NEVER, SECOND};

/// What a knob's values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ISO 8601 (`PT15M`) or short (`90s`, `15m`, `2h`, `7d`, `250ms`); `none` is never.
    Duration,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// `true` or `false`.
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Text of its own form.
    Text,
}

impl Kind {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Kind::Duration => "a duration such as PT15M, 90s or none".into(),
            Kind::Integer => "a whole number".into(),
            Kind::Real => "a number".into(),
            Kind::Flag => "true or false".into(),
            Kind::Choice(names) => format!("one of {}", names.join(", ")),
            Kind::Text => "text".into(),
        }
    }
    /// The message for a text that is none of it.
    pub fn mismatch(self, text: &str) -> String {
        format!("\"{text}\" is not {}", self.words())
    }
}

/// A field a knob can set.
pub trait Field {
    /// Sets it.
    fn set(&mut self, kind: Kind, text: &str) -> Result<(), String>;
    /// Its number, for the range.
    fn number(&self) -> f64;
    /// The text that sets it to what it is.
    fn show(&self, kind: Kind) -> String;
}

macro_rules! integer_field {
    ($($ty:ty)*) => { $(
        impl Field for $ty {
            fn set(&mut self, kind: Kind, text: &str) -> Result<(), String> {
                *self = text.trim().parse().map_err(|_| kind.mismatch(text))?;
                Ok(())
            }
            fn number(&self) -> f64 { *self as f64 }
            fn show(&self, _: Kind) -> String { self.to_string() }
        }
    )* };
}
integer_field! { u32 u64 i32 }

impl Field for i64 {
    fn set(&mut self, kind: Kind, text: &str) -> Result<(), String> {
        *self = match kind {
            Kind::Duration => parse_duration(text),
            _ => text.trim().parse().ok(),
        }
        .ok_or_else(|| kind.mismatch(text))?;
        Ok(())
    }
    fn number(&self) -> f64 {
        *self as f64
    }
    fn show(&self, kind: Kind) -> String {
        match kind {
            Kind::Duration => show_duration(*self),
            _ => self.to_string(),
        }
    }
}

impl Field for f64 {
    fn set(&mut self, kind: Kind, text: &str) -> Result<(), String> {
        *self = text.trim().parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(|| kind.mismatch(text))?;
        Ok(())
    }
    fn number(&self) -> f64 {
        *self
    }
    fn show(&self, _: Kind) -> String {
        self.to_string()
    }
}

impl Field for bool {
    fn set(&mut self, kind: Kind, text: &str) -> Result<(), String> {
        *self = text.trim().parse().map_err(|_| kind.mismatch(text))?;
        Ok(())
    }
    fn number(&self) -> f64 {
        f64::from(u8::from(*self))
    }
    fn show(&self, _: Kind) -> String {
        self.to_string()
    }
}

impl Field for Option<i32> {
    fn set(&mut self, kind: Kind, text: &str) -> Result<(), String> {
        *self = match text.trim() {
            "job" => None,
            text => Some(text.parse().map_err(|_| kind.mismatch(text))?),
        };
        Ok(())
    }
    fn number(&self) -> f64 {
        self.map_or(0.0, f64::from)
    }
    fn show(&self, _: Kind) -> String {
        self.map_or("job".into(), |n| n.to_string())
    }
}

/// `FAMILY=CORES,…`
impl Field for Vec<(String, u32)> {
    fn set(&mut self, _: Kind, text: &str) -> Result<(), String> {
        let pair = |item: &str| {
            let (name, cores) = item.rsplit_once('=')?;
            Some((name.trim().to_string(), cores.trim().parse().ok()?))
        };
        *self = text
            .split(',')
            .filter(|item| !item.trim().is_empty())
            .map(|item| pair(item).ok_or_else(|| format!("\"{item}\" is not FAMILY=CORES")))
            .collect::<Result<_, _>>()?;
        Ok(())
    }
    fn number(&self) -> f64 {
        0.0
    }
    fn show(&self, _: Kind) -> String {
        self.iter().map(|(name, cores)| format!("{name}={cores}")).collect::<Vec<_>>().join(",")
    }
}

/// `FROM/DEDICATED/SPOT,…`
impl Field for Vec<CapacityStep> {
    fn set(&mut self, _: Kind, text: &str) -> Result<(), String> {
        let limit = |s: &str| match s.trim() {
            "-" => Some(None),
            s => s.parse().ok().map(Some),
        };
        let step = |item: &str| {
            let mut parts = item.split('/');
            let step = CapacityStep {
                from: parse_duration(parts.next()?)?,
                vm: None,
                dedicated: limit(parts.next()?)?,
                spot: limit(parts.next()?)?,
                code: "AllocationFailed".into(),
            };
            parts.next().is_none().then_some(step)
        };
        *self = match text.trim() {
            "unlimited" | "" => Vec::new(),
            text => text
                .split(',')
                .map(|item| step(item).ok_or_else(|| format!("\"{item}\" is not FROM/DEDICATED/SPOT")))
                .collect::<Result<_, _>>()?,
        };
        Ok(())
    }
    fn number(&self) -> f64 {
        0.0
    }
    fn show(&self, _: Kind) -> String {
        if self.is_empty() {
            return "unlimited".into();
        }
        let limit = |n: Option<u32>| n.map_or("-".to_string(), |n| n.to_string());
        let step = |s: &CapacityStep| format!("{}/{}/{}", show_duration(s.from), limit(s.dedicated), limit(s.spot));
        self.iter().map(step).collect::<Vec<_>>().join(",")
    }
}

/// Reads a duration: ISO 8601 with weeks, days and time parts, or a number and a unit; `none` is never.
pub fn parse_duration(text: &str) -> Option<Ms> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("none") {
        return Some(NEVER);
    }
    let (iso, body) = match text.strip_prefix(['P', 'p']) {
        Some(body) => (true, body),
        None => (false, text),
    };
    let (mut total, mut in_time, mut any, mut rest) = (0f64, !iso, false, body);
    while !rest.is_empty() {
        if iso && let Some(tail) = rest.strip_prefix(['T', 't']) {
            (in_time, rest) = (true, tail);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| !c.is_ascii_alphabetic() || (iso && "Tt".contains(c)));
        let end = if iso { digits + 1 } else { digits + unit_end.unwrap_or(rest.len() - digits) };
        let unit = rest.get(digits..end)?.to_ascii_lowercase();
        let scale = match (unit.as_str(), in_time) {
            ("ms", true) if !iso => 1,
            ("s", true) => SECOND,
            ("m" | "min", true) => MINUTE,
            ("h", true) => HOUR,
            ("d", _) if !iso || !in_time => DAY,
            ("w", _) if !iso || !in_time => 7 * DAY,
            _ => return None,
        };
        total += number * scale as f64;
        any = true;
        rest = &rest[end..];
    }
    (any && total < NEVER as f64).then_some(libm::round(total) as Ms)
}

/// Writes a duration as ISO 8601, `none` for never.
pub fn show_duration(ms: Ms) -> String {
    if ms >= NEVER {
        return "none".into();
    }
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.abs();
    let (days, hours, minutes) = (ms / DAY, ms % DAY / HOUR, ms % HOUR / MINUTE);
    let (seconds, millis) = (ms % MINUTE / SECOND, ms % SECOND);
    let mut text = format!("{sign}P");
    if days > 0 {
        text += &format!("{days}D");
    }
    if ms % DAY > 0 || days == 0 {
        text.push('T');
        for (n, unit) in [(hours, 'H'), (minutes, 'M')] {
            if n > 0 {
                text += &format!("{n}{unit}");
            }
        }
        if millis > 0 {
            text += &format!("{seconds}.{millis:03}S");
        } else if seconds > 0 || ms == 0 {
            text += &format!("{seconds}S");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_both_forms() {
        for (text, ms) in
            [("PT15M", 15 * MINUTE), ("P7D", 7 * DAY), ("P1DT2H3M4.5S", DAY + 2 * HOUR + 3 * MINUTE + 4500)]
        {
            assert_eq!(parse_duration(text), Some(ms), "{text}");
            assert_eq!(parse_duration(&show_duration(ms)), Some(ms), "{text}");
        }
        for (text, ms) in [("90s", 90_000), ("1h30m", 90 * MINUTE), ("250ms", 250), ("none", NEVER), ("PT0S", 0)] {
            assert_eq!(parse_duration(text), Some(ms), "{text}");
        }
        for bad in ["", "P", "15", "PT", "PT5", "5x", "P5M", "1..5s", "-5s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
