//! Charts as SVG text, for the page and as files.
//!
//! In: values over time. Out: one `<svg>` that scales, prints, and can be read without colour: lines differ in dash, areas in
//! pattern, marks in their letter, and a key above the plot names each. Never: a script, a font or an image from elsewhere.
//!
//! Why not a chart crate: none of those at hand gives dash, pattern and text alternatives, which is what is asked for here.

use super::term::number;
use std::fmt::Write;

/// Narrow, so that text of 12 units is still read on a phone 390 points wide; two fit side by side on a desk.
const WIDTH: f64 = 440.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
/// Height of the plot alone; title, key and marks come on top.
const PLOT: f64 = 170.0;
const BOTTOM: f64 = 24.0;
/// Height of a line of text.
const ROW: f64 = 16.0;
/// Width of a letter, generously.
const LETTER: f64 = 7.0;
/// More points than this per line cannot be seen.
const POINTS: usize = 400;

/// Colours that stay apart for every kind of colour vision (Okabe and Ito), and on both grounds.
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#b8a800"];
const DASHES: [&str; 8] = ["", "6 3", "2 2", "8 3 2 3", "1 3", "12 4", "4 1", "1 1"];

/// A line over time.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Its name, written in the key.
    pub name: &'a str,
    /// One value per instant.
    pub values: Vec<f64>,
}

/// Something that happened, marked above the lines.
#[derive(Debug, Clone)]
pub struct Mark {
    /// When, ms.
    pub at: f64,
    /// One character.
    pub glyph: char,
    /// What this glyph means, the same for all that share it.
    pub kind: &'static str,
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

/// The top of an axis and the distance of its lines: 1, 2 or 5 of some power of ten, whole where the values are.
fn scale(top: f64, whole: bool) -> (f64, f64) {
    if !(top > 0.0 && top.is_finite()) {
        return (1.0, 1.0);
    }
    let rough = top / 4.0;
    let unit = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * unit).find(|s| *s >= rough * 0.999).unwrap_or(10.0 * unit);
    let step = if whole { step.max(1.0) } else { step };
    ((top / step * 0.999).ceil().max(1.0) * step, step)
}

/// An entry of the key: how it is drawn in 20 × 10 units, and its name.
type Key<'a> = (String, &'a str);

struct Frame {
    x0: f64,
    x1: f64,
    top: f64,
    /// Where the plot begins and ends, downward.
    y0: f64,
    y1: f64,
    height: f64,
    out: String,
}

impl Frame {
    /// Title, key, and as many rows for marks as asked for; then the plot's lines, and `bottom` units for the axis.
    fn new(words: [&str; 3], x: (f64, f64), top: (f64, bool), keys: &[Key<'_>], lanes: usize, bottom: f64) -> Frame {
        let [title, about, id] = words;
        let mut key = String::new();
        let (mut kx, mut ky) = (0.0, ROW);
        for (sample, name) in keys {
            let wide = 26.0 + name.chars().count() as f64 * LETTER + 12.0;
            if kx > 0.0 && kx + wide > WIDTH {
                (kx, ky) = (0.0, ky + ROW);
            }
            let _ = write!(
                key,
                "<g transform=\"translate({kx:.1} {ky:.1})\">{sample}<text x=\"26\" y=\"12\">{}</text></g>",
                escape(name)
            );
            kx += wide;
        }
        let y0 = if keys.is_empty() { ROW } else { ky + ROW } + lanes as f64 * 14.0 + 10.0;
        let (top, step) = scale(top.0, top.1);
        let x1 = if x.1 > x.0 { x.1 } else { x.0 + 1.0 };
        let height = y0 + PLOT + bottom;
        let mut f = Frame { x0: x.0, x1, top, y0, y1: y0 + PLOT, height, out: String::new() };
        let _ = write!(
            f.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"currentColor\"><title id=\"{id}-t\">{0}</title><desc id=\"{id}-d\">{1}</desc><text y=\"12\" font-weight=\"600\">{0}</text>{key}",
            escape(title),
            escape(about)
        );
        for k in 0..=(top / step).round() as usize {
            let v = step * k as f64;
            let y = f.y(v);
            let _ = write!(
                f.out,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"currentColor\" stroke-opacity=\".15\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 5.0,
                y + 4.0,
                short(v)
            );
        }
        f
    }

    fn x(&self, t: f64) -> f64 {
        LEFT + (t - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, v: f64) -> f64 {
        self.y0 + (1.0 - v / self.top) * (self.y1 - self.y0)
    }

    /// A label under the axis that stays inside the picture.
    fn under(&mut self, x: f64, label: &str) {
        let half = label.chars().count() as f64 * LETTER / 2.0;
        let x = x.min(WIDTH - half);
        let _ = write!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            self.y1 + 17.0,
            escape(label)
        );
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
            let (x, base) = (self.x(t), self.y1);
            let _ = write!(
                self.out,
                "<line x1=\"{x:.1}\" y1=\"{base}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"currentColor\"/>",
                base + 4.0
            );
            self.under(x, &tick(epoch_ms + t as i64, step >= 1440.0 * MINUTE));
            t += step;
        }
    }

    /// Marks of a glyph share a row; those that would lie on one another become one.
    fn marks(&mut self, marks: &[Mark], glyphs: &[char]) {
        for (lane, glyph) in glyphs.iter().enumerate() {
            let y = self.y0 - 10.0 - 14.0 * (glyphs.len() - 1 - lane) as f64;
            let mut last = f64::NEG_INFINITY;
            let _ = write!(self.out, "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{glyph}</text>", LEFT - 5.0);
            for m in marks.iter().filter(|m| m.glyph == *glyph) {
                let x = self.x(m.at);
                if x < last + 5.0 {
                    continue;
                }
                last = x;
                let _ = write!(
                    self.out,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{glyph}<title>{}</title></text>",
                    escape(&m.text)
                );
            }
        }
    }

    fn done(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// A number on an axis: five letters at most.
fn short(v: f64) -> String {
    match v {
        v if v >= 1e6 => format!("{} M", number(v / 1e6)),
        v if v >= 1e4 => format!("{} k", number(v / 1e3)),
        v if v == v.trunc() => number(v),
        v => number(v).trim_end_matches('0').to_string(),
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

fn whole<'a>(values: impl IntoIterator<Item = &'a f64>) -> bool {
    values.into_iter().all(|v| *v == v.trunc())
}

/// A staircase: counts jump, they do not slope.
fn stairs(points: impl IntoIterator<Item = (f64, f64)>) -> (String, f64) {
    let (mut path, mut before) = (String::new(), None);
    for (x, y) in points {
        match before {
            None => {
                let _ = write!(path, "M{x:.1} {y:.1}");
            }
            Some(b) if f64::abs(b - y) < 0.05 => continue,
            Some(_) => {
                let _ = write!(path, "H{x:.1}V{y:.1}");
            }
        }
        before = Some(y);
    }
    (path, before.unwrap_or(0.0))
}

/// Lines over time with marks above; with `area` the first is drawn as an area, the others in front of it. `x` is in ms after
/// `epoch_ms`.
pub fn lines(words: [&str; 3], epoch_ms: i64, x: &[f64], lines: &[Line<'_>], marks: &[Mark], area: bool) -> String {
    let all = || lines.iter().flat_map(|l| l.values.iter());
    let ends = (x.first().copied().unwrap_or(0.0), x.last().copied().unwrap_or(1.0));
    let pen = |i: usize| {
        let (colour, dash) = (COLOURS[i % COLOURS.len()], DASHES[i % DASHES.len()]);
        match (area, i) {
            (true, 0) => format!("fill=\"{colour}\" fill-opacity=\".35\" stroke=\"{colour}\" stroke-width=\".8\""),
            // In front of an area a line needs no dash to be told from it, and a dash is lost in what is steep.
            (true, 1) => format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\""),
            _ => format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" stroke-dasharray=\"{dash}\""),
        }
    };
    let mut keys: Vec<Key<'_>> = Vec::new();
    for (i, l) in lines.iter().enumerate() {
        let shape = if area && i == 0 { "M0 3H20V12H0Z" } else { "M0 8H20" };
        keys.push((format!("<path d=\"{shape}\" {}/>", pen(i)), l.name));
    }
    let mut glyphs: Vec<char> = Vec::new();
    for m in marks {
        if !glyphs.contains(&m.glyph) {
            glyphs.push(m.glyph);
            keys.push((format!("<text x=\"20\" y=\"12\" text-anchor=\"end\">{}</text>", m.glyph), m.kind));
        }
    }
    let top = (all().copied().fold(0.0, f64::max), whole(all()));
    let mut f = Frame::new(words, ends, top, &keys, glyphs.len(), BOTTOM);
    f.time_axis(epoch_ms);
    for (i, line) in lines.iter().enumerate() {
        let (mut path, _) = stairs(thin(x, &line.values).into_iter().map(|(t, v)| (f.x(t), f.y(v))));
        if path.is_empty() {
            continue;
        }
        let _ = write!(path, "H{:.1}", f.x(f.x1));
        if area && i == 0 {
            let _ = write!(path, "V{:.1}H{:.1}Z", f.y1, f.x(f.x0));
        }
        let _ = write!(f.out, "<path d=\"{path}\" {}/>", pen(i));
    }
    f.marks(marks, &glyphs);
    f.done()
}

/// Layers on top of one another over time. Layers that are always 0 are left out.
pub fn stacked(words: [&str; 3], epoch_ms: i64, x: &[f64], layers: &[Line<'_>]) -> String {
    let id = words[2];
    let layers: Vec<&Line<'_>> = layers.iter().filter(|l| l.values.iter().any(|v| *v > 0.0)).collect();
    let top = (0..x.len()).map(|i| layers.iter().map(|l| l.values[i]).sum::<f64>()).fold(0.0, f64::max);
    let ends = (x.first().copied().unwrap_or(0.0), x.last().copied().unwrap_or(1.0));
    let samples: Vec<Key<'_>> = layers
        .iter()
        .enumerate()
        .map(|(i, l)| (format!("<rect y=\"2\" width=\"20\" height=\"11\" fill=\"url(#{id}-p{i})\"/>"), l.name))
        .collect();
    let mut f = Frame::new(words, ends, (top, whole(layers.iter().flat_map(|l| &l.values))), &samples, 0, BOTTOM);
    f.time_axis(epoch_ms);
    f.out.push_str("<defs>");
    for (i, _) in layers.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let stroke = ["", "M0 6L6 0", "M0 0L6 6", "M3 0V6", "M0 3H6", "M0 6L6 0M0 0L6 6"][i % 6];
        let _ = write!(
            f.out,
            "<pattern id=\"{id}-p{i}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" fill=\"{colour}\" fill-opacity=\".85\"/><path d=\"{stroke}\" stroke=\"#fff\" stroke-opacity=\".5\"/></pattern>"
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
        let (mut path, _) = stairs(picks.iter().zip(&upper).map(|(p, v)| (f.x(x[*p]), f.y(*v))));
        let _ = write!(path, "H{:.1}", f.x(f.x1));
        for (k, p) in picks.iter().enumerate().rev() {
            // The way back needs a corner only where the layer below jumps.
            if k == 0 || base[k - 1] != base[k] || k + 1 == picks.len() {
                let _ = write!(path, "V{:.1}H{:.1}", f.y(base[k]), f.x(x[*p]));
            }
        }
        let _ =
            write!(f.out, "<path d=\"{path}Z\" fill=\"url(#{id}-p{i})\"><title>{}</title></path>", escape(layer.name));
        base = upper;
    }
    f.done()
}

/// Bars with a label under each.
pub fn columns(words: [&str; 3], values: &[(String, f64)]) -> String {
    let top = values.iter().map(|(_, v)| *v).fold(0.0, f64::max);
    let ends = (0.0, values.len().max(1) as f64);
    let mut f = Frame::new(words, ends, (top, whole(values.iter().map(|(_, v)| v))), &[], 1, BOTTOM);
    for (i, (name, v)) in values.iter().enumerate() {
        let (a, b, y) = (f.x(i as f64 + 0.1), f.x(i as f64 + 0.9), f.y(*v));
        let _ = write!(
            f.out,
            "<rect x=\"{a:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{}: {}</title></rect>",
            b - a,
            (f.y1 - y).max(0.0),
            COLOURS[0],
            escape(name),
            number(*v)
        );
        if *v > 0.0 {
            let _ = write!(
                f.out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                (a + b) / 2.0,
                y - 3.0,
                short(*v)
            );
        }
        f.under((a + b) / 2.0, name);
    }
    f.done()
}

/// Points, named; for cost against wait. Those on the front are filled and joined. A name that finds no free place is only
/// shown when pointed at.
pub fn scatter(words: [&str; 3], points: &[(String, f64, f64, bool)], x_name: &str) -> String {
    let top = points.iter().map(|p| p.2).fold(0.0, f64::max);
    let (right, step) = scale(points.iter().map(|p| p.1).fold(0.0, f64::max), false);
    let dot = |fill| format!("<circle cx=\"10\" cy=\"8\" r=\"4\" fill=\"{fill}\" stroke=\"{}\"/>", COLOURS[1]);
    let keys = [(dot(COLOURS[1]), "nothing is both cheaper and faster"), (dot("none"), "beaten")];
    let keys = &keys[..if points.iter().all(|p| p.3) { 1 } else { 2 }];
    let mut f = Frame::new(words, (0.0, right), (top, false), keys, 0, BOTTOM + ROW);
    for k in 0..=(right / step).round() as usize {
        let v = step * k as f64;
        f.under(f.x(v), &short(v));
    }
    let _ = write!(
        f.out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        WIDTH - RIGHT,
        f.height - 4.0,
        escape(x_name)
    );
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
    // Boxes taken by points and names: left, top, right, bottom.
    let mut taken: Vec<[f64; 4]> =
        points.iter().map(|p| (f.x(p.1), f.y(p.2))).map(|(x, y)| [x - 4.0, y - 4.0, x + 4.0, y + 4.0]).collect();
    for (name, x, y, on) in points {
        let (px, py) = (f.x(*x), f.y(*y));
        let fill = if *on { COLOURS[1] } else { "none" };
        let _ = write!(
            f.out,
            "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{}\"><title>{}</title></circle>",
            COLOURS[1],
            escape(name)
        );
        let wide = name.chars().count() as f64 * LETTER;
        let places = [
            (7.0, -5.0),
            (7.0, 14.0),
            (-7.0 - wide, -5.0),
            (-7.0 - wide, 14.0),
            (-wide / 2.0, -9.0),
            (-wide / 2.0, 20.0),
        ];
        let free =
            places.into_iter().map(|(dx, dy)| [px + dx, py + dy - 11.0, px + dx + wide, py + dy + 3.0]).find(|b| {
                b[0] >= LEFT
                    && b[2] <= WIDTH
                    && b[1] >= f.y0 - 10.0
                    && b[3] <= f.y1
                    && !taken.iter().any(|t| b[0] < t[2] && t[0] < b[2] && b[1] < t[3] && t[1] < b[3])
            });
        if let Some(b) = free {
            taken.push(b);
            let _ = write!(f.out, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", b[0], b[3] - 3.0, escape(name));
        }
    }
    f.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_and_counts_whole_ones() {
        assert_eq!(scale(17.0, true), (20.0, 5.0));
        assert_eq!(scale(126.0, true), (150.0, 50.0));
        assert_eq!(scale(1.0, true), (1.0, 1.0));
        assert_eq!(scale(0.9, false), (1.0, 0.5));
        assert_eq!([0.0, 20.0, 0.5, 15_000.0].map(short), ["0", "20", "0.5", "15 k"]);
    }

    #[test]
    fn charts_are_wellformed_and_carry_their_text() {
        let x: Vec<f64> = (0..5000).map(|i| i as f64 * 30_000.0).collect();
        let up: Vec<f64> = (0..5000).map(|i| (i / 100) as f64).collect();
        let l = [Line { name: "nodes <&>", values: up.clone() }, Line { name: "target", values: vec![7.0; 5000] }];
        let marks = [Mark { at: 60_000.0, glyph: '×', kind: "error", text: "an \"error\"".into() }];
        for svg in [
            lines(["T", "about it", "a"], 0, &x, &l, &marks, true),
            stacked(["T", "about it", "b"], 0, &x, &l),
            columns(["T", "about it", "c"], &[("< 1 m".into(), 3.0), ("more".into(), 0.0)]),
            scatter(["T", "about it", "d"], &[("f".into(), 1.0, 2.0, true), ("g".into(), 2.0, 1.0, true)], "cost"),
        ] {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
            assert!(svg.contains("role=\"img\"") && svg.contains("about it</desc>"));
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<&>"));
            assert_eq!(svg.matches('<').count(), svg.matches('>').count());
            assert!(svg.len() < 80_000, "{}", svg.len());
        }
        let empty = lines(["T", "", "e"], 0, &[], &[Line { name: "n", values: vec![] }], &[], true);
        assert!(!empty.contains("NaN"), "{empty}");
    }
}
