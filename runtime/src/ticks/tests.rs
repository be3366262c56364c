//! Unit tests of instants, durations and their readers.

use super::*;

fn service(s: &str) -> Result<String, &'static str> {
    Ticks::parse_service(s).map(|t| t.ticks.iso_trimmed()).map_err(|e| e.why)
}

#[test]
fn service_times() {
    for (text, want) in [
        ("2024", "2024-01-01T00:00:00Z"),
        ("2024-02", "2024-02-01T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2024-02-29T10:20Z", "2024-02-29T10:20:00Z"),
        ("2024-02-29T10:20:30Z", "2024-02-29T10:20:30Z"),
        ("2024-02-29T10:20:30.1Z", "2024-02-29T10:20:30.1Z"),
        ("2023-04-14T10:11:12.123456Z", "2023-04-14T10:11:12.123456Z"),
        ("2023-04-14T10:11:12.1234567Z", "2023-04-14T10:11:12.1234567Z"),
        ("2024-02-29T10:20:30+02:00", "2024-02-29T08:20:30Z"),
        ("2024-02-29T10:20:30.50-05:30", "2024-02-29T15:50:30.5Z"),
        ("2024-02-29T10:20:30", "2024-02-29T10:20:30Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
        ("Mon, 06 Oct 2014 10:20:00 GMT", "2014-10-06T10:20:00Z"),
        ("Sun, 01 Jan 2023 00:00:00 GMT", "2023-01-01T00:00:00Z"),
    ] {
        assert_eq!(service(text).as_deref(), Ok(want), "{text}");
    }
    for text in [
        "",
        " ",
        "24",
        "2024-",
        "2024-13",
        "2024-02-30",
        "2023-02-29",
        "0000-01-01",
        "2024-02-29 10:20Z",
        "2024-02-29T",
        "2024-02-29T10",
        "2024-02-29T24:00Z",
        "2024-02-29T10:60Z",
        "2024-02-29T10:20:60Z",
        "2024-02-29T10:20:30.Z",
        "2023-04-14T10:11:12.123456789Z",
        "2024-02-29t10:20:30z",
        "2024-02-29T10:20:30+0200",
        "2024-02-29T10:20:30+25:00",
        "2024-02-29T10:20:30Zx",
        "20240229T102030Z",
        "02/29/2024",
        "Tue, 06 Oct 2014 10:20:00 GMT",
        "Mon, 6 Oct 2014 10:20:00 GMT",
        "Mon, 06 oct 2014 10:20:00 GMT",
        "Mon, 06 Oct 2014 10:20:00 UTC",
        "Mon, 06 Oct 2014 10:20:00",
        "Mon, 06 Oct 2014",
        "Monday, 06 Oct 2014 10:20:00 GMT",
        "now",
        "é",
        "2024é",
        "Mé",
    ] {
        assert!(service(text).is_err(), "{text}: {:?}", service(text));
    }
    let flags = |s| Ticks::parse_service(s).map(|t| (t.no_zone, t.fraction_digits, t.date_only)).unwrap();
    assert_eq!(flags("2024-02-29"), (false, 0, true));
    assert_eq!(flags("2024-02-29T10:20"), (true, 0, false));
    assert_eq!(flags("2024-02-29T10:20:30.120Z"), (false, 3, false));
}

#[test]
fn lenient_times() {
    let lenient = |s| Ticks::parse_lenient(s).map(|t: Ticks| t.iso_trimmed()).map_err(|e| e.why);
    for (text, want) in [
        ("2024-02-29 10:20:30", "2024-02-29T10:20:30Z"),
        ("2024-02-29t10:20:30.123456789z", "2024-02-29T10:20:30.1234567Z"),
        ("2024-02-29T10:20:30+0200", "2024-02-29T08:20:30Z"),
        (" 2024-02-29 ", "2024-02-29T00:00:00Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("2024", "1970-01-01T00:33:44Z"),
        ("1709202030", "2024-02-29T10:20:30Z"),
        ("1709202030.25", "2024-02-29T10:20:30.25Z"),
        ("1709202030250", "2024-02-29T10:20:30.25Z"),
        ("1709202030250000", "2024-02-29T10:20:30.25Z"),
        ("1709202030250000000", "2024-02-29T10:20:30.25Z"),
        ("-1", "1969-12-31T23:59:59Z"),
        ("1.709202030e9", "2024-02-29T10:20:30Z"),
        ("Mon, 06 Oct 2014 10:20:00 GMT", "2014-10-06T10:20:00Z"),
    ] {
        assert_eq!(lenient(text).as_deref(), Ok(want), "{text}");
    }
    for text in ["", "yesterday", "1e99", "nan", "-", "2024-02-29 25:00", "99999999999999999999999", "-99999999999"] {
        assert!(lenient(text).is_err(), "{text}: {:?}", lenient(text));
    }
}

#[test]
fn members() {
    let t = Ticks::parse_service("2016-10-14T18:36:43.282Z").unwrap().ticks;
    assert_eq!(t.iso_millis(), "2016-10-14T18:36:43.282Z");
    let all = [
        t.year(),
        t.month(),
        t.day(),
        t.weekday(Sunday::Zero),
        t.hour(),
        t.minute(),
        t.second(SecondFraction::Integer),
    ];
    assert_eq!(all.map(Result::unwrap), [2016.0, 10.0, 14.0, 5.0, 18.0, 36.0, 43.0]);
    assert_eq!(t.second(SecondFraction::Fraction), Ok(43.282));
    let sunday = Ticks::from_date(2016, 10, 16).unwrap();
    assert_eq!((sunday.weekday(Sunday::Zero), sunday.weekday(Sunday::Seven)), (Ok(0.0), Ok(7.0)));
    let old = Ticks::parse_service("1969-12-31T23:59:59.9999999Z").unwrap().ticks;
    assert_eq!((old.0, old.year(), old.hour(), old.weekday(Sunday::Zero)), (-1, Ok(1969.0), Ok(23.0), Ok(3.0)));
    assert_eq!(Ticks::LAST.year(), Ok(9999.0));
    assert_eq!(Ticks::FIRST.day(), Ok(1.0));
    for beyond in [Ticks(Ticks::LAST.0 + 1), Ticks(Ticks::FIRST.0 - 1), Ticks(i64::MAX), Ticks(i64::MIN)] {
        assert_eq!(beyond.year(), Err(Trap::TimeOverflow));
        assert_eq!(beyond.second(SecondFraction::Integer), Err(Trap::TimeOverflow));
        assert!(beyond.iso_millis().starts_with('@'));
    }
}

#[test]
fn intervals() {
    for (ticks, want) in [
        (0, "PT0S"),
        (1, "PT0.0000001S"),
        (Interval::SAMPLE_PERIOD.0, "PT30S"),
        (-5 * Interval::MINUTE.0, "-PT5M"),
        (Interval::DAY.0, "P1D"),
        (Interval::WEEK.0 + Interval::HOUR.0 + 15_000_000, "P7DT1H1.5S"),
        (i64::MIN, "-P10675199DT2H48M5.4775808S"),
    ] {
        assert_eq!(Interval(ticks).iso8601(), want);
    }
    let second = Interval::SECOND;
    assert_eq!(second.times(0.3), Ok(Interval(3_000_000)));
    assert_eq!(second.times(-1.00000019), Ok(Interval(-10_000_001)));
    assert_eq!(Interval(i64::MAX).times(1.0), Ok(Interval(i64::MAX)));
    assert_eq!(Interval(i64::MAX).times(-1.0), Ok(Interval(-i64::MAX)));
    for bad in [f64::NAN, f64::INFINITY, 1e30, 1e12, -1e12 - 0.5] {
        assert_eq!(second.times(bad), Err(Trap::TimeOverflow), "{bad}");
    }
    assert_eq!(second.over(4.0), Ok(Interval(2_500_000)));
    assert_eq!(second.over(0.0), Err(Trap::TimeOverflow));
    assert_eq!(second.over(f64::NAN), Err(Trap::TimeOverflow));
    assert_eq!(second.over(f64::INFINITY), Ok(Interval::ZERO));
    assert_eq!(Interval(i64::MIN).over(-1.0), Err(Trap::TimeOverflow));
    assert_eq!(Interval(i64::MIN).negated(), Err(Trap::TimeOverflow));
    assert_eq!(Ticks(i64::MAX).plus(Interval::TICK), Err(Trap::TimeOverflow));
    assert_eq!(Ticks(i64::MIN).since(Ticks(1)), Err(Trap::TimeOverflow));
}
