//! Numbers, tables and charts for a terminal.
//!
//! In: values. Out: lines of text. Never: colour (the meaning is in the words and shapes).

use comfy_table::{CellAlignment, Table, presets};

/// A table with a header; every column but the first is set to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut t = Table::new();
    t.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.iter().map(|h| h.to_string()));
    for row in rows {
        t.add_row(row.clone());
    }
    for (i, column) in t.column_iter_mut().enumerate() {
        if i > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    t.to_string()
}

/// Eighths of a character cell, from the bottom.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar chart `height` lines high, with the greatest value and the two ends of the axis written beside it.
pub fn bars(title: &str, values: &[f64], height: usize, left: &str, right: &str) -> String {
    let top = values.iter().copied().fold(0.0, f64::max);
    let label = number(top);
    let pad = label.chars().count();
    let mut out = format!("{title}\n");
    for line in (0..height).rev() {
        let name = if line + 1 == height {
            label.as_str()
        } else if line == 0 {
            "0"
        } else {
            ""
        };
        out.push_str(&format!("{name:>pad$} ┤"));
        for v in values {
            let filled = if top > 0.0 { v / top * (height * 8) as f64 } else { 0.0 };
            // Something that is there is never drawn as nothing.
            let cells = if *v > 0.0 { filled.round().max(1.0) as usize } else { 0 };
            out.push(EIGHTHS[cells.saturating_sub(line * 8).min(8)]);
        }
        out.push('\n');
    }
    let gap = values.len().saturating_sub(left.chars().count() + right.chars().count());
    out.push_str(&format!(
        "{:pad$} └{}\n{:pad$}  {left}{}{right}\n",
        "",
        "─".repeat(values.len()),
        "",
        " ".repeat(gap)
    ));
    out
}

/// A number as people write it: four digits that matter, thousands apart.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return "–".into();
    }
    let decimals = match x.abs() {
        a if a >= 100.0 || a == a.trunc() => 0,
        a if a >= 10.0 => 1,
        a if a >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{x:.decimals$}");
    let (whole, frac) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut grouped = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            grouped.push(' ');
        }
        grouped.push(c);
    }
    match frac {
        Some(f) => format!("{sign}{grouped}.{f}"),
        None => format!("{sign}{grouped}"),
    }
}

/// That many of something: `1 job`, `2 jobs`.
pub fn count(n: u64, one: &str) -> String {
    format!("{} {one}{}", number(n as f64), if n == 1 { "" } else { "s" })
}

/// A duration in its two greatest units: `2 d 4 h`, `3 m 20 s`, `450 ms`.
pub fn span(ms: f64) -> String {
    if !ms.is_finite() {
        return "–".into();
    }
    let sign = if ms < 0.0 { "−" } else { "" };
    let ms = ms.abs().round() as u64;
    let text = match ms {
        0 => "0 s".into(),
        1..=999 => format!("{ms} ms"),
        1_000..=9_999 => format!("{:.1} s", ms as f64 / 1000.0),
        10_000..=59_999 => format!("{} s", ms / 1000),
        60_000..=3_599_999 => two(ms / 60_000, "m", ms % 60_000 / 1000, "s"),
        3_600_000..=86_399_999 => two(ms / 3_600_000, "h", ms % 3_600_000 / 60_000, "m"),
        _ => two(ms / 86_400_000, "d", ms % 86_400_000 / 3_600_000, "h"),
    };
    format!("{sign}{text}")
}

fn two(a: u64, unit: &str, b: u64, lesser: &str) -> String {
    if b == 0 { format!("{a} {unit}") } else { format!("{a} {unit} {b} {lesser}") }
}

/// The value below which a share of a sorted list lies (nearest rank).
pub fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_read_well() {
        assert_eq!(
            [number(1234567.0), number(12.345), number(0.5), number(1234.0)],
            ["1 234 567", "12.3", "0.500", "1234"]
        );
        assert_eq!(
            [span(450.0), span(200_000.0), span(93_600_000.0), span(7_200_000.0)],
            ["450 ms", "3 m 20 s", "1 d 2 h", "2 h"]
        );
    }

    #[test]
    fn percentiles_are_values_of_the_list() {
        let v = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        assert_eq!([0.0, 0.5, 0.95, 1.0].map(|p| percentile(&v, p).unwrap()), [1, 5, 10, 10]);
        assert_eq!(percentile::<u32>(&[], 0.5), None);
    }

    #[test]
    fn small_bars_are_seen() {
        let chart = bars("t", &[0.0, 1.0, 1000.0], 2, "a", "b");
        assert!(chart.contains("▁█") && chart.contains("1000"), "{chart}");
    }
}
