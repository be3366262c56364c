//! Charts as SVG text, for the page and as files.
//!
//! In: values over time. Out: one `<svg>` that scales, prints, and can be read without colour: lines differ in dash and are
//! named at their end, layers differ in pattern. Never: a script, a font or an image from elsewhere.
//!
//! Why not a chart crate: none of those at hand gives dash, pattern and text alternatives, which is what is asked for here.

use super::term::number;
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 26.0;
/// More points than this per line cannot be seen.
const POINTS: usize = 480;

/// Colours that stay apart for every kind of colour vision (Okabe and Ito), and on both grounds.
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#b8a800"];
const DASHES: [&str; 6] = ["", "6 3", "2 2", "8 3 2 3", "1 3", "12 4"];

/// A line over time.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Its name, written at its end.
    pub name: &'a str,
    /// One value per instant.
    pub values: Vec<f64>,
}

/// Something that happened, marked on the axis.
#[derive(Debug, Clone)]
pub struct Mark {
    /// When, ms.
    pub at: f64,
    /// One character.
    pub glyph: char,
    /// What, shown when pointed at.
    pub text: String,
}

/// Text inside markup.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Control characters are not allowed in XML at all.
            c if c < ' ' && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Greatest value of each of at most [`POINTS`] stretches, and where each stretch begins.
fn thin(x: &[f64], values: &[f64]) -> Vec<(f64, f64)> {
    let step = x.len().div_ceil(POINTS).max(1);
    x.chunks(step)
        .zip(values.chunks(step))
        .map(|(x, v)| (x[0], v.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
        .collect()
}

/// A round number at or above, for the top of an axis.
fn nice(top: f64) -> f64 {
    if !(top > 0.0 && top.is_finite()) {
        return 1.0;
    }
    let unit = libm::pow(10.0, libm::floor(libm::log10(top)));
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|m| m * unit)
        .find(|t| *t >= top * 0.999)
        .unwrap_or(top)
}

struct Frame {
    x0: f64,
    x1: f64,
    top: f64,
    out: String,
}

impl Frame {
    fn new(title: &str, about: &str, id: &str, x: (f64, f64), top: f64, epoch_ms: Option<i64>) -> Frame {
        let mut f = Frame { x0: x.0, x1: if x.1 > x.0 { x.1 } else { x.0 + 1.0 }, top: nice(top), out: String::new() };
        let _ = write!(
            f.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"currentColor\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            escape(title),
            escape(about)
        );
        for k in 0..=4 {
            let v = f.top * k as f64 / 4.0;
            let y = f.y(v);
            let _ = write!(
                f.out,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"currentColor\" stroke-opacity=\".15\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 5.0,
                y + 4.0,
                number(v)
            );
        }
        if let Some(epoch) = epoch_ms {
            f.time_axis(epoch);
        }
        f
    }

    fn x(&self, t: f64) -> f64 {
        LEFT + (t - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, v: f64) -> f64 {
        TOP + (1.0 - v / self.top) * (HEIGHT - TOP - BOTTOM)
    }

    fn time_axis(&mut self, epoch_ms: i64) {
        const MINUTE: f64 = 60_000.0;
        let steps =
            [5.0, 15.0, 30.0, 60.0, 180.0, 360.0, 720.0, 1440.0, 2880.0, 10080.0, 20160.0, 43200.0, 129600.0, 525600.0];
        let step =
            steps.into_iter().map(|m| m * MINUTE).find(|s| (self.x1 - self.x0) / s <= 7.0).unwrap_or(525600.0 * MINUTE);
        // Ticks fall on whole steps of the calendar, not of the run.
        let offset = (epoch_ms as f64).rem_euclid(step);
        let mut t = ((self.x0 + offset) / step).ceil() * step - offset;
        while t <= self.x1 {
            let x = self.x(t);
            let label = tick(epoch_ms + t as i64, step >= 1440.0 * MINUTE);
            let base = HEIGHT - BOTTOM;
            let _ = write!(
                self.out,
                "<line x1=\"{x:.1}\" y1=\"{base}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"currentColor\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                base + 4.0,
                HEIGHT - 8.0
            );
            t += step;
        }
    }

    fn marks(&mut self, marks: &[Mark]) {
        // Marks that would lie on one another become one; what went wrong goes before what is ordinary.
        let mut taken: Vec<f64> = Vec::new();
        let ordinary = |m: &&Mark| m.glyph == '·';
        for m in marks.iter().filter(|m| !ordinary(m)).chain(marks.iter().filter(ordinary)) {
            let x = self.x(m.at);
            let at = taken.partition_point(|t| *t < x - 5.0);
            if taken.get(at).is_some_and(|t| *t < x + 5.0) {
                continue;
            }
            taken.insert(at, x);
            let _ = write!(
                self.out,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}<title>{}</title></text>",
                HEIGHT - BOTTOM - 2.0,
                m.glyph,
                escape(&m.text)
            );
        }
    }

    fn done(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// `5 Jan 12:00`, or the day alone.
fn tick(unix_ms: i64, days: bool) -> String {
    let Ok(t) = jiff::Timestamp::from_millisecond(unix_ms) else { return String::new() };
    let d = jiff::tz::Offset::UTC.to_datetime(t);
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.get((d.month() - 1) as usize).copied().unwrap_or("");
    if days || d.hour() == 0 && d.minute() == 0 {
        format!("{} {month}", d.day())
    } else {
        format!("{:02}:{:02}", d.hour(), d.minute())
    }
}

/// Lines over time with marks along the axis. `x` is in ms after `epoch_ms`.
pub fn lines(
    title: &str,
    about: &str,
    id: &str,
    epoch_ms: i64,
    x: &[f64],
    lines: &[Line<'_>],
    marks: &[Mark],
) -> String {
    let top = lines.iter().flat_map(|l| l.values.iter().copied()).fold(0.0, f64::max);
    let ends = (x.first().copied().unwrap_or(0.0), x.last().copied().unwrap_or(1.0));
    let mut f = Frame::new(title, about, id, ends, top, Some(epoch_ms));
    let mut labels: Vec<(f64, String)> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let mut path = String::new();
        let mut before: Option<f64> = None;
        for (t, v) in thin(x, &line.values) {
            let (px, py) = (f.x(t), f.y(v));
            // Counts jump; they do not slope.
            match before {
                None => {
                    let _ = write!(path, "M{px:.1} {py:.1}");
                }
                Some(b) if (b - py).abs() < 0.05 => continue,
                Some(_) => {
                    let _ = write!(path, "H{px:.1}V{py:.1}");
                }
            }
            before = Some(py);
        }
        let _ = write!(path, "H{:.1}", f.x(f.x1));
        let colour = COLOURS[i % COLOURS.len()];
        let dash = DASHES[i % DASHES.len()];
        let _ = write!(
            f.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-dasharray=\"{dash}\"/>"
        );
        let at = before.unwrap_or(f.y(0.0));
        labels.push((at, format!("fill=\"{colour}\">{}", escape(line.name))));
    }
    end_labels(&mut f, labels);
    f.marks(marks);
    f.done()
}

/// Names at the right end, pushed apart until they can be read.
fn end_labels(f: &mut Frame, mut labels: Vec<(f64, String)>) {
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut places: Vec<f64> = Vec::new();
    for (y, _) in &labels {
        places.push(y.max(places.last().map_or(TOP, |l: &f64| l + 12.0)));
    }
    // Those pushed into the axis go back up.
    let mut lowest = HEIGHT - BOTTOM - 4.0;
    for y in places.iter_mut().rev() {
        *y = y.min(lowest);
        lowest = *y - 12.0;
    }
    for (y, (_, text)) in places.iter().zip(&labels) {
        let _ = write!(f.out, "<text x=\"{:.1}\" y=\"{:.1}\" {text}</text>", WIDTH - RIGHT + 6.0, y + 4.0);
    }
}

/// Layers on top of one another over time. Layers that are always 0 are left out.
pub fn stacked(title: &str, about: &str, id: &str, epoch_ms: i64, x: &[f64], layers: &[Line<'_>]) -> String {
    let layers: Vec<&Line<'_>> = layers.iter().filter(|l| l.values.iter().any(|v| *v > 0.0)).collect();
    let top = (0..x.len()).map(|i| layers.iter().map(|l| l.values[i]).sum::<f64>()).fold(0.0, f64::max);
    let ends = (x.first().copied().unwrap_or(0.0), x.last().copied().unwrap_or(1.0));
    let mut f = Frame::new(title, about, id, ends, top, Some(epoch_ms));
    f.out.push_str("<defs>");
    for (i, _) in layers.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let stroke = ["", "M0 6L6 0", "M0 0L6 6", "M3 0V6", "M0 3H6", "M0 6L6 0M0 0L6 6"][i % 6];
        let _ = write!(
            f.out,
            "<pattern id=\"{id}-p{i}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" fill=\"{colour}\" fill-opacity=\".75\"/><path d=\"{stroke}\" stroke=\"#fff\" stroke-opacity=\".7\"/></pattern>"
        );
    }
    f.out.push_str("</defs>");
    // One instant per stretch for all layers, so that they fit each other: the one where most is there.
    let step = x.len().div_ceil(POINTS).max(1);
    let picks: Vec<usize> = (0..x.len())
        .step_by(step)
        .map(|s| {
            let total = |i: &usize| layers.iter().map(|l| l.values[*i]).sum::<f64>();
            (s..(s + step).min(x.len())).max_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(s)
        })
        .collect();
    let mut base = vec![0.0; picks.len()];
    for (i, layer) in layers.iter().enumerate() {
        let upper: Vec<f64> = picks.iter().zip(&base).map(|(p, b)| b + layer.values[*p]).collect();
        let mut path = String::new();
        for (k, p) in picks.iter().enumerate() {
            let (px, py) = (f.x(x[*p]), f.y(upper[k]));
            let _ = if k == 0 { write!(path, "M{px:.1} {py:.1}") } else { write!(path, "H{px:.1}V{py:.1}") };
        }
        let _ = write!(path, "H{:.1}", f.x(f.x1));
        for (k, p) in picks.iter().enumerate().rev() {
            let _ = write!(path, "V{:.1}H{:.1}", f.y(base[k]), f.x(x[*p]));
        }
        let _ =
            write!(f.out, "<path d=\"{path}Z\" fill=\"url(#{id}-p{i})\"><title>{}</title></path>", escape(layer.name));
        base = upper;
    }
    for (i, layer) in layers.iter().enumerate() {
        let y = TOP + 6.0 + 16.0 * i as f64;
        let _ = write!(
            f.out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"11\" height=\"11\" fill=\"url(#{id}-p{i})\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT + 6.0,
            y - 6.0,
            WIDTH - RIGHT + 21.0,
            y + 4.0,
            escape(layer.name)
        );
    }
    f.done()
}

/// Bars with a label under each.
pub fn columns(title: &str, about: &str, id: &str, values: &[(String, f64)]) -> String {
    let top = values.iter().map(|(_, v)| *v).fold(0.0, f64::max);
    let mut f = Frame::new(title, about, id, (0.0, values.len().max(1) as f64), top, None);
    for (i, (name, v)) in values.iter().enumerate() {
        let (a, b) = (f.x(i as f64 + 0.1), f.x(i as f64 + 0.9));
        let y = f.y(*v);
        let _ = write!(
            f.out,
            "<rect x=\"{a:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{}: {}</title></rect><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            b - a,
            (HEIGHT - BOTTOM - y).max(0.0),
            COLOURS[0],
            escape(name),
            number(*v),
            (a + b) / 2.0,
            HEIGHT - 8.0,
            escape(name),
            (a + b) / 2.0,
            y - 3.0,
            if *v > 0.0 { number(*v) } else { String::new() }
        );
    }
    f.done()
}

/// Points, named; for cost against wait. Those on the front are filled and joined.
pub fn scatter(title: &str, about: &str, id: &str, points: &[(String, f64, f64, bool)], x_name: &str) -> String {
    let top = points.iter().map(|p| p.2).fold(0.0, f64::max);
    let right = nice(points.iter().map(|p| p.1).fold(0.0, f64::max));
    let mut f = Frame::new(title, about, id, (0.0, right), top, None);
    for k in 0..=4 {
        let v = right * k as f64 / 4.0;
        let _ = write!(
            f.out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            f.x(v),
            HEIGHT - 8.0,
            number(v)
        );
    }
    let _ = write!(f.out, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", WIDTH - RIGHT + 6.0, HEIGHT - 8.0, escape(x_name));
    let mut front: Vec<(f64, f64)> = points.iter().filter(|p| p.3).map(|p| (p.1, p.2)).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let path: Vec<String> = front.iter().map(|(x, y)| format!("{:.1} {:.1}", f.x(*x), f.y(*y))).collect();
    if path.len() > 1 {
        let _ = write!(
            f.out,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{}\" stroke-dasharray=\"4 3\"/>",
            path.join("L"),
            COLOURS[1]
        );
    }
    for (name, x, y, on) in points {
        let (px, py) = (f.x(*x), f.y(*y));
        let fill = if *on { COLOURS[1] } else { "none" };
        let _ = write!(
            f.out,
            "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{}\"><title>{}</title></circle>",
            COLOURS[1],
            escape(name)
        );
        if points.len() <= 16 {
            let _ = write!(f.out, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", px + 6.0, py - 4.0, escape(name));
        }
    }
    f.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_wellformed_and_carry_their_text() {
        let x: Vec<f64> = (0..5000).map(|i| i as f64 * 30_000.0).collect();
        let up: Vec<f64> = (0..5000).map(|i| (i / 100) as f64).collect();
        let l = [Line { name: "nodes <&>", values: up.clone() }, Line { name: "target", values: vec![7.0; 5000] }];
        let marks = [Mark { at: 60_000.0, glyph: '×', text: "an \"error\"".into() }];
        for svg in [
            lines("T", "about it", "a", 0, &x, &l, &marks),
            stacked("T", "about it", "b", 0, &x, &l),
            columns("T", "about it", "c", &[("< 1 m".into(), 3.0), ("more".into(), 0.0)]),
            scatter("T", "about it", "d", &[("f".into(), 1.0, 2.0, true), ("g".into(), 2.0, 1.0, true)], "cost"),
        ] {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
            assert!(svg.contains("role=\"img\"") && svg.contains("about it</desc>"));
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<&>"));
            assert_eq!(svg.matches('<').count(), svg.matches('>').count());
            assert!(svg.len() < 80_000, "{}", svg.len());
        }
        let empty = lines("T", "", "e", 0, &[], &[Line { name: "n", values: vec![] }], &[]);
        assert!(!empty.contains("NaN"), "{empty}");
    }
}
