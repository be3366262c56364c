//! Instants and durations as other programs write them.
//!
//! In: text of a cell. Out: integer milliseconds (instants since 1970-01-01T00:00:00Z). Never: a clock, a local time zone:
//! text without an offset is read as UTC, which is what the service and its exports use.

use poolcast_runtime::ticks::Ticks;

/// Monday 2024-01-01T00:00:00Z: the calendar start of traces whose times are relative.
pub const DEFAULT_EPOCH_UNIX_MS: i64 = 1_704_067_200_000;

/// The instant as the language counts it.
pub fn ticks_from_unix_ms(ms: i64) -> Ticks {
    Ticks(ms.saturating_mul(10_000))
}

/// Milliseconds since 1970 of an instant of the language.
pub fn unix_ms_from_ticks(t: Ticks) -> i64 {
    t.0.div_euclid(10_000)
}

/// An ISO 8601 instant: `2024-03-01T10:00:00.123Z`, with a blank instead of `T`, with an offset, or with none (UTC).
pub fn instant(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return Some(t.as_millisecond());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    // A bare date-time has no offset: UTC.
    let zoned = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(zoned.as_millisecond())
}

/// An instant printed as `2024-03-01T10:00:00Z`.
pub fn print_instant(unix_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(unix_ms) {
        Ok(t) => t.to_string(),
        Err(_) => format!("{unix_ms} ms"),
    }
}

/// A duration in any of the spellings met in exports: ISO 8601 (`PT15M`, `P7D`), Python (`7 days, 0:00:00`), clock
/// (`1-02:03:04`, `02:03:04.5`, `03:04`), words (`1h 2m 3s`, `500ms`, `1.5s`). Milliseconds, saturating.
pub fn duration(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.is_empty() {
        return None;
    }
    if text.starts_with(['P', 'p']) {
        return iso_duration(&text[1..]);
    }
    if text.contains(':') {
        return clock_duration(text);
    }
    word_duration(text)
}

/// ISO 8601 with the service's normal form of years and months (pool.md §8.1: 365 and 30 days).
fn iso_duration(mut rest: &str) -> Option<u64> {
    let (mut total, mut time, mut any) = (0u64, false, false);
    while !rest.is_empty() {
        if let Some(r) = rest.strip_prefix(['T', 't']) {
            if time {
                return None;
            }
            (time, rest) = (true, r);
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let unit_ms = match (rest.as_bytes()[end].to_ascii_uppercase(), time) {
            (b'Y', false) => 365 * DAY,
            (b'M', false) => 30 * DAY,
            (b'W', false) => 7 * DAY,
            (b'D', false) => DAY,
            (b'H', true) => HOUR,
            (b'M', true) => MINUTE,
            (b'S', true) => SECOND,
            _ => return None,
        };
        total = total.saturating_add(scaled(&rest[..end], unit_ms)?);
        rest = &rest[end + 1..];
        any = true;
    }
    any.then_some(total)
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `[D-]H:MM:SS[.f]`, `MM:SS`, `N day[s], H:MM:SS`.
fn clock_duration(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once([',', '-']) {
        Some((d, c)) => {
            (d.trim().trim_end_matches("days").trim_end_matches("day").trim().parse::<u64>().ok()?, c.trim())
        }
        None => (0, text),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (h, m, s) = match parts.as_slice() {
        [h, m, s] => (h.parse::<u64>().ok()?, m.parse::<u64>().ok()?, *s),
        [m, s] => (0, m.parse::<u64>().ok()?, *s),
        _ => return None,
    };
    let sum = days.saturating_mul(DAY).saturating_add(h.saturating_mul(HOUR)).saturating_add(m.saturating_mul(MINUTE));
    Some(sum.saturating_add(scaled(s, SECOND)?))
}

fn word_duration(text: &str) -> Option<u64> {
    let (mut total, mut rest, mut any) = (0u64, text.trim_start(), false);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let after = rest[number..].trim_start();
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit_ms = match &after[..unit] {
            "ms" => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
            "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
            "h" | "hour" | "hours" => HOUR,
            "d" | "day" | "days" => DAY,
            "w" | "week" | "weeks" => 7 * DAY,
            _ => return None,
        };
        total = total.saturating_add(scaled(&rest[..number], unit_ms)?);
        (rest, any) = (after[unit..].trim_start(), true);
    }
    any.then_some(total)
}

/// A plain decimal number times a unit, in integers: digits past the millisecond are dropped.
fn scaled(number: &str, unit_ms: u64) -> Option<u64> {
    let (whole, frac) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && frac.is_empty() || !(whole.bytes().chain(frac.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().unwrap_or(u64::MAX) };
    let frac = &frac[..frac.len().min(9)];
    let part = if frac.is_empty() {
        0
    } else {
        frac.parse::<u64>().ok()? as u128 * unit_ms as u128 / 10u128.pow(frac.len() as u32)
    };
    Some(whole.saturating_mul(unit_ms).saturating_add(part as u64))
}

/// A size in bytes: `1.5 GB`, `512 KB`, `300`. Nextflow's units are powers of 1024.
pub fn bytes(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let cut = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let unit: u64 = match text[cut..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return None,
    };
    scaled(&text[..cut], unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_every_spelling() {
        for (text, ms) in [
            ("PT15M", 900_000),
            ("P7D", 604_800_000),
            ("P1DT2H3M4.5S", 93_784_500),
            ("P3Y6M4DT12H30M5S", (1279 * 24 * 3600 + 12 * 3600 + 30 * 60 + 5) * 1000),
            ("7 days, 0:00:00", 604_800_000),
            ("1 day, 1:00:00", 90_000_000),
            ("0:15:00", 900_000),
            ("0:00:01.250000", 1250),
            ("1-02:03:04", 93_784_000),
            ("03:04", 184_000),
            ("1h 2m 3s", 3_723_000),
            ("500ms", 500),
            ("1.5s", 1500),
            ("2d", 172_800_000),
        ] {
            assert_eq!(duration(text.as_bytes()), Some(ms), "{text}");
        }
        assert!(duration(b"P10675199DT2H48M5.4775807S").unwrap() > 900_000_000_000_000);
        for bad in ["", "P", "PT", "soon", "1x", "1:2:3:4", "-", "P1H", "5"] {
            assert_eq!(duration(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn instants_with_and_without_offset() {
        assert_eq!(instant(b"1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(instant(b"1970-01-01 00:00:01.250"), Some(1250));
        assert_eq!(instant(b"1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(instant(b"2024-03-01T10:00:00.1234567Z"), Some(1_709_287_200_123));
        assert_eq!(instant(b"yesterday"), None);
        assert_eq!(unix_ms_from_ticks(ticks_from_unix_ms(1_709_287_200_123)), 1_709_287_200_123);
    }

    #[test]
    fn sizes_use_powers_of_1024() {
        assert_eq!(bytes(b"1.5 GB"), Some(1_610_612_736));
        assert_eq!(bytes(b"300"), Some(300));
        assert_eq!(bytes(b"0"), Some(0));
        assert_eq!(bytes(b"-"), None);
    }
}
