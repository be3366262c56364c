//! Values, series and node counts as lines of text.
//!
//! In: values. Out: text. Never: colour, a decision.

use super::words;
use crate::{Inputs, Outcome, OwnedValue, Target};
use poolcast_runtime::{
    cx::Note,
    metric::Metric,
    print::general,
    ticks::{Interval, Ticks},
    ty::Ty,
};

/// Longest vector shown whole.
const WHOLE: usize = 24;

/// A value and its type: `7 (double)`.
pub fn value(v: &OwnedValue, ty: Ty) -> String {
    match v {
        OwnedValue::Double(x) => {
            let text = general(*x);
            // The service prints six digits; say so when that hides something.
            if x.is_finite() && text.parse() != Ok(*x) {
                format!("{text} (double, exactly {x})")
            } else {
                format!("{text} (double)")
            }
        }
        OwnedValue::Vec(xs) if xs.len() > WHOLE => {
            let part = |xs: &[f64]| xs.iter().map(|x| general(*x)).collect::<Vec<_>>().join(",");
            format!(
                "[{},…,{}] (doubleVec, {} values) {}",
                part(&xs[..12]),
                part(&xs[xs.len() - 6..]),
                xs.len(),
                sparkline(&xs.iter().copied().map(Some).collect::<Vec<_>>(), 40)
            )
        }
        OwnedValue::Vec(xs) => format!("{v} (doubleVec, {})", words::count(xs.len() as i64, "value")),
        OwnedValue::Time(t) => format!("{v} (timestamp, {})", weekday(*t)),
        OwnedValue::Str(s) if ty == Ty::Str => format!("\"{s}\" (string)"),
        _ => format!("{v} ({})", ty.name()),
    }
}

/// The day's name.
pub fn weekday(t: Ticks) -> &'static str {
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    DAYS[t.0.div_euclid(Interval::DAY.0).rem_euclid(7) as usize]
}

/// `2026-01-05 09:00:00`: UTC, as everything here; whole seconds are enough to read.
pub fn time(t: Ticks) -> String {
    let whole = Ticks(t.0 - t.0.rem_euclid(Interval::SECOND.0));
    whole.iso_trimmed().replace('T', " ").trim_end_matches('Z').to_owned()
}

/// `09:00:00` on the same day, else the date with it.
pub fn clock(t: Ticks, reference: Ticks) -> String {
    let text = time(t);
    if t.0.div_euclid(Interval::DAY.0) == reference.0.div_euclid(Interval::DAY.0) {
        text.split_once(' ').map_or(text.clone(), |(_, clock)| clock.to_owned())
    } else {
        text
    }
}

/// `3 dedicated nodes`.
pub fn nodes(n: impl Into<i64>, class: usize) -> String {
    words::count(n, ["dedicated node", "low-priority node"][class.min(1)])
}

/// What an outcome asks for, next to the present targets.
pub fn targets(outcome: &Outcome, present: [f64; 2]) -> String {
    let one = |target: Target, class: usize| match target {
        Target::Unchanged => None,
        Target::Set(n) => {
            let now = general(present[class]);
            let beside = if f64::from(n) == present[class] { String::new() } else { format!(" (target now {now})") };
            Some(format!("{}{beside}", nodes(n, class)))
        }
    };
    let parts: Vec<String> = [one(outcome.dedicated, 0), one(outcome.low_priority, 1)].into_iter().flatten().collect();
    let what = if parts.is_empty() { "no change of the targets".to_owned() } else { parts.join(" and ") };
    format!("{what}, {}", outcome.option.keyword())
}

/// A note of a run, in words.
pub fn note(note: &Note) -> String {
    match note {
        Note::NoSample(function) => format!("no sample available: `{function}` had nothing to work on and gives nan"),
        Note::NoLatest(m) => format!("{} has no sample and reads as 0", m.name()),
        Note::NoHistory(m) => format!("{} has no history: its beginning is now", m.name()),
        _ => "something unusual happened".to_owned(),
    }
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character a value, scaled from 0 (or the least) to the greatest; a missing one is `·`. Longer lists are joined in
/// buckets by their greatest value.
pub fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let values = squeeze(values, width.max(1));
    let known = || values.iter().flatten().copied().filter(|x| x.is_finite());
    let (lo, hi) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
    let span = if hi > lo { hi - lo } else { 1.0 };
    values
        .iter()
        .map(|v| match v {
            Some(x) if x.is_finite() => BARS[(((x - lo) / span * 7.0).round() as usize).min(7)],
            Some(_) => '!',
            None => '·',
        })
        .collect()
}

/// At most `width` values, each the greatest of its bucket.
pub fn squeeze(values: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    if values.len() <= width {
        return values.to_vec();
    }
    (0..width)
        .map(|i| {
            let (lo, hi) = (i * values.len() / width, (i + 1) * values.len() / width);
            values[lo..hi].iter().flatten().copied().reduce(f64::max)
        })
        .collect()
}

/// One metric's samples: picture with gaps, how many, how many are missing, their age, the newest value.
pub fn series_line(metric: Metric, inputs: &Inputs, width: usize) -> String {
    let series = inputs.series.get(metric);
    let end = series.visible_to(inputs.now);
    let begin = end - series.count(inputs.now).min(end);
    let hidden = series.len().saturating_sub(end - begin);
    let unseen = if hidden > 0 { format!("; {hidden} taken and not yet visible") } else { String::new() };
    if begin == end {
        return format!("{:<25} no samples{unseen}", metric.name());
    }
    let grid = grid(metric, inputs, 4 * width);
    let missing = grid.iter().filter(|v| v.is_none()).count();
    let newest = series.values()[end - 1];
    let age = Interval(inputs.now.0.saturating_sub(series.measured(end - 1).0));
    let gaps = if missing == 0 { String::new() } else { format!(", {missing} missing") };
    format!(
        "{:<25} {} {}{gaps}, newest {} {} old{unseen}",
        metric.name(),
        sparkline(&grid, width.saturating_sub(60).clamp(10, 60)),
        words::count((end - begin) as i64, "sample"),
        general(newest),
        words::show(age),
    )
}

/// The visible samples on the 30 s grid, gaps as none, newest last.
pub fn grid(metric: Metric, inputs: &Inputs, most: usize) -> Vec<Option<f64>> {
    let series = inputs.series.get(metric);
    let end = series.visible_to(inputs.now);
    let begin = end - series.count(inputs.now).min(end);
    let mut out: Vec<Option<f64>> = Vec::new();
    let mut last: Option<Ticks> = None;
    for i in (begin..end).rev() {
        let at = series.measured(i);
        if let Some(later) = last {
            let apart = (later.0 - at.0 + Interval::SAMPLE_PERIOD.0 / 2) / Interval::SAMPLE_PERIOD.0;
            for _ in 1..apart.min(most as i64) {
                out.push(None);
            }
        }
        out.push(Some(series.values()[i]));
        last = Some(at);
        if out.len() >= most {
            break;
        }
    }
    out.truncate(most);
    out.reverse();
    out
}

/// Rows as columns of equal width, the first row a header.
pub fn columns(rows: &[Vec<String>]) -> String {
    let wide = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..wide).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let pad = widths[c] - cell.chars().count();
            line.push_str(cell);
            line.push_str(&" ".repeat(pad + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_show_gaps() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(7.0), Some(3.0)], 10), "▁·█▄");
        assert_eq!(sparkline(&[Some(5.0); 3], 10), "███");
        assert_eq!(sparkline(&[], 10), "");
        let long: Vec<Option<f64>> = (0..1000).map(|i| Some(f64::from(i))).collect();
        assert_eq!(sparkline(&long, 8).chars().count(), 8);
    }

    #[test]
    fn numbers_tell_when_six_digits_hide_something() {
        assert_eq!(value(&OwnedValue::Double(123456789.0), Ty::Double), "1.23457e+08 (double, exactly 123456789)");
        assert_eq!(value(&OwnedValue::Double(0.5), Ty::Double), "0.5 (double)");
    }
}
