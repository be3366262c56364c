//! Readers of times: the service's two formats, strictly, and what users' files hold, leniently.
//!
//! In: text. Out: ticks, and what was unusual about the text. Never: a guess about day and month order.

use super::{PER_DAY, PER_SECOND, Ticks};

/// A time as the service read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeText {
    /// The instant.
    pub ticks: Ticks,
    /// The text has a time of day but no zone; read as UTC.
    pub no_zone: bool,
    /// Digits after the decimal point of the seconds.
    pub fraction_digits: u8,
    /// The text has no time of day; read as midnight UTC.
    pub date_only: bool,
}

/// Text that is no time, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadTime {
    /// Byte offset at which reading stopped.
    pub at: usize,
    /// Lower case, no full stop.
    pub why: &'static str,
}

impl std::fmt::Display for BadTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.why)
    }
}
impl std::error::Error for BadTime {}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
/// Sunday first: day 4 after the epoch's Thursday counted as 4.
const DAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn bad(&self, why: &'static str) -> BadTime {
        BadTime { at: self.at.min(self.text.len()), why }
    }
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
    fn eat(&mut self, b: u8) -> bool {
        let yes = self.peek() == Some(b);
        self.at += usize::from(yes);
        yes
    }
    fn want(&mut self, b: u8, why: &'static str) -> Result<(), BadTime> {
        if self.eat(b) { Ok(()) } else { Err(self.bad(why)) }
    }
    /// Exactly `n` digits (`n` ≤ 4).
    fn number(&mut self, n: usize, why: &'static str) -> Result<i64, BadTime> {
        let mut value = 0;
        for i in 0..n {
            match self.text.get(self.at + i) {
                Some(d @ b'0'..=b'9') => value = value * 10 + i64::from(d - b'0'),
                _ => return Err(self.bad(why)),
            }
        }
        self.at += n;
        Ok(value)
    }
    fn done(&self) -> bool {
        self.at == self.text.len()
    }
    fn end(&self) -> Result<(), BadTime> {
        if self.done() { Ok(()) } else { Err(self.bad("unexpected text after the time")) }
    }
    fn word(&mut self, table: &[&[u8; 3]], why: &'static str) -> Result<usize, BadTime> {
        let found = self.text.get(self.at..self.at + 3).and_then(|w| table.iter().position(|t| t.as_slice() == w));
        match found {
            Some(i) => {
                self.at += 3;
                Ok(i)
            }
            None => Err(self.bad(why)),
        }
    }
    /// `hh:mm`, in ticks.
    fn hour_minute(&mut self) -> Result<i64, BadTime> {
        let hour = self.number(2, "expected two digits of the hour")?;
        if hour > 23 {
            return Err(self.bad("the hour is beyond 23"));
        }
        self.want(b':', "expected `:` after the hour")?;
        let minute = self.number(2, "expected two digits of the minute")?;
        if minute > 59 {
            return Err(self.bad("the minute is beyond 59"));
        }
        Ok((hour * 60 + minute) * 60 * PER_SECOND)
    }
    /// `ss`, in ticks.
    fn second(&mut self) -> Result<i64, BadTime> {
        let second = self.number(2, "expected two digits of the second")?;
        // No leap seconds: neither of the service's date types has them.
        if second > 59 { Err(self.bad("the second is beyond 59")) } else { Ok(second * PER_SECOND) }
    }
    /// Digits after the point, in ticks, and how many there were. Beyond seven: refused, or cut off when lenient.
    fn fraction(&mut self, lenient: bool) -> Result<(i64, u8), BadTime> {
        let (mut ticks, mut unit, mut digits) = (0, PER_SECOND, 0u8);
        while let Some(d @ b'0'..=b'9') = self.peek() {
            unit /= 10;
            ticks += i64::from(d - b'0') * unit;
            digits = digits.saturating_add(1);
            self.at += 1;
        }
        match digits {
            0 => Err(self.bad("expected digits after the decimal point")),
            8.. if !lenient => Err(self.bad("more than seven fraction digits")),
            _ => Ok((ticks, digits)),
        }
    }
}

fn date(r: &Reader<'_>, year: i64, month: i64, day: i64) -> Result<i64, BadTime> {
    // Three integers of at most four digits: the casts lose nothing.
    Ticks::from_date(year as i16, month as i8, day as i8).map(|t| t.0).ok_or(r.bad("no such date"))
}

impl Ticks {
    /// Reads what `time("…")` reads (language.md §2.7): W3C-DTF (`2024`, `2024-05`, `2024-05-31`, with `T10:20`,
    /// `:30`, `.1234567` and `Z` or `±hh:mm`) and RFC 1123 (`Fri, 31 May 2024 10:20:30 GMT`).
    ///
    /// At most seven fraction digits; letters in the case shown; a time without zone is UTC and flagged; in RFC 1123
    /// the weekday must be that of the date. Whether the service forgives more is unknown.
    pub fn parse_service(text: &str) -> Result<TimeText, BadTime> {
        match text.as_bytes().first() {
            Some(b'0'..=b'9') => w3c(text.as_bytes(), false),
            Some(b'A'..=b'Z') => rfc1123(text.as_bytes()),
            None => Err(BadTime { at: 0, why: "no text" }),
            Some(_) => Err(BadTime { at: 0, why: "expected a year or a weekday" }),
        }
    }

    /// Reads a time from a user's file: everything `time("…")` takes, with a space or `t` for `T`, `z` for `Z`, `±hhmm`
    /// and longer fractions (cut off); or a number since the Unix epoch, in seconds below 10¹¹, milliseconds below
    /// 10¹⁴, microseconds below 10¹⁷, else nanoseconds. A time without zone is UTC.
    pub fn parse_lenient(text: &str) -> Result<Ticks, BadTime> {
        let text = text.trim_ascii();
        let bytes = text.as_bytes();
        match bytes.first() {
            None => Err(BadTime { at: 0, why: "no text" }),
            Some(b'0'..=b'9') if bytes.len() > 4 && bytes[4] == b'-' => w3c(bytes, true).map(|t| t.ticks),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => epoch(text),
            Some(_) => rfc1123(bytes).map(|t| t.ticks),
        }
    }
}

fn w3c(text: &[u8], lenient: bool) -> Result<TimeText, BadTime> {
    let mut r = Reader { text, at: 0 };
    let (mut month, mut day) = (1, 1);
    let year = r.number(4, "expected four digits of the year")?;
    let mut date_only = true;
    if r.eat(b'-') {
        month = r.number(2, "expected two digits of the month")?;
        if r.eat(b'-') {
            day = r.number(2, "expected two digits of the day")?;
            date_only = r.done();
        }
    }
    let mut ticks = date(&r, year, month, day)?;
    let (mut no_zone, mut fraction_digits) = (false, 0);
    if !date_only {
        if !(r.eat(b'T') || lenient && (r.eat(b' ') || r.eat(b't'))) {
            return Err(r.bad("expected `T` between date and time"));
        }
        ticks += r.hour_minute()?;
        if r.eat(b':') {
            ticks += r.second()?;
            if r.eat(b'.') || lenient && r.eat(b',') {
                let (fraction, digits) = r.fraction(lenient)?;
                ticks += fraction;
                fraction_digits = digits;
            }
        }
        match r.peek() {
            None => no_zone = true,
            Some(b'Z') => r.at += 1,
            Some(b'z') if lenient => r.at += 1,
            Some(sign @ (b'+' | b'-')) => {
                r.at += 1;
                let offset = if lenient && r.text.len() == r.at + 4 {
                    let (h, m) = (r.number(2, "expected `hhmm`")?, r.number(2, "expected `hhmm`")?);
                    (h * 60 + m) * 60 * PER_SECOND
                } else {
                    r.hour_minute()?
                };
                ticks += if sign == b'-' { offset } else { -offset };
            }
            Some(_) => return Err(r.bad("expected `Z` or an offset such as `+02:00`")),
        }
    }
    r.end()?;
    Ok(TimeText { ticks: Ticks(ticks), no_zone, fraction_digits, date_only })
}

fn rfc1123(text: &[u8]) -> Result<TimeText, BadTime> {
    let mut r = Reader { text, at: 0 };
    let weekday = r.word(&DAYS, "expected a weekday such as `Mon`")?;
    r.want(b',', "expected `, ` after the weekday")?;
    r.want(b' ', "expected `, ` after the weekday")?;
    let day = r.number(2, "expected two digits of the day")?;
    r.want(b' ', "expected a space after the day")?;
    let month = r.word(&MONTHS, "expected a month such as `Oct`")?;
    r.want(b' ', "expected a space after the month")?;
    let year = r.number(4, "expected four digits of the year")?;
    let mut ticks = date(&r, year, month as i64 + 1, day)?;
    // A weekday that contradicts the date is a mistake in one of the two; .NET's reader refuses it, so do we.
    if (ticks.div_euclid(PER_DAY) + 4).rem_euclid(7) != weekday as i64 {
        return Err(BadTime { at: 0, why: "the weekday is not that of the date" });
    }
    r.want(b' ', "expected a space after the year")?;
    ticks += r.hour_minute()?;
    r.want(b':', "expected `:` after the minute")?;
    ticks += r.second()?;
    if r.text.get(r.at..) != Some(b" GMT") {
        return Err(r.bad("expected ` GMT` at the end"));
    }
    Ok(TimeText { ticks: Ticks(ticks), no_zone: false, fraction_digits: 0, date_only: false })
}

fn epoch(text: &str) -> Result<Ticks, BadTime> {
    const WHY: BadTime = BadTime { at: 0, why: "neither an ISO 8601 time nor a number of seconds since 1970" };
    // Whole numbers exactly; a double would lose the last digits of microseconds.
    let ticks = if let Ok(n) = text.parse::<i64>() {
        let n = i128::from(n);
        match n.unsigned_abs() {
            0..100_000_000_000 => n * 10_000_000,
            100_000_000_000..100_000_000_000_000 => n * 10_000,
            100_000_000_000_000..100_000_000_000_000_000 => n * 10,
            _ => n / 100,
        }
    } else {
        let x: f64 = text.parse().map_err(|_| WHY)?;
        let scale = match x.abs() {
            a if a < 1e11 => 1e7,
            a if a < 1e14 => 1e4,
            a if a < 1e17 => 10.0,
            a if a < 1e20 => 0.01,
            _ => return Err(WHY),
        };
        (x * scale).round() as i128
    };
    i64::try_from(ticks)
        .map(Ticks)
        .ok()
        .filter(|t| t.in_calendar())
        .ok_or(BadTime { at: 0, why: "outside the years 1 to 9999" })
}
