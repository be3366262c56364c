//! Formulas side by side on one page.
//!
//! In: a comparison, and for its first seed the time series of every contender. Out: HTML in the house style. Never: a number
//! that `compare` does not print too.

use super::{
    measures::Measures,
    page,
    svg::{self, Line, escape},
    term::{number, span, table},
};
use crate::{
    compare::{Comparison, front},
    sim::output::SeriesRow,
};
use std::fmt::Write as _;

/// More lines than this in one chart cannot be told apart.
const LINES: usize = 6;

/// What the page is made of.
pub struct Versus<'a> {
    /// Name of the scenario.
    pub title: &'a str,
    /// The runs.
    pub comparison: &'a Comparison,
    /// Of each contender, its rows under the first seed.
    pub series: &'a [Vec<SeriesRow>],
    /// Ids of the pools.
    pub pools: &'a [String],
    /// Each contender's formula; none is the scenario's own.
    pub formulas: &'a [Option<String>],
    /// The scenario's own formulas, with their pools.
    pub own: &'a [(String, String)],
    /// First instant, ms of Unix time.
    pub epoch_ms: i64,
    /// Where prices come from.
    pub prices: &'a str,
}

/// A measure's mean in words, and the difference to the first contender with its confidence.
pub fn cell(c: &Comparison, contender: usize, row: usize) -> (String, String) {
    let unit = Measures::ROWS[row].2;
    let mean = unit.show(c.estimate(contender, row).mean);
    let d = c.difference(contender, row);
    if contender == 0 || d.mean == 0.0 {
        return (mean, String::new());
    }
    let sign = if d.mean > 0.0 { "+" } else { "−" };
    let half = d.half.map_or(String::new(), |h| format!(" ± {}", unit.show(h)));
    (mean, format!("{sign}{}{half}", unit.show(d.mean.abs())))
}

/// Mean cost and wait of each, and whether it is on the front.
pub fn trade(c: &Comparison) -> (Vec<(f64, f64)>, Vec<bool>) {
    let row = |name: &str| Measures::ROWS.iter().position(|(n, ..)| *n == name).unwrap_or(0);
    let points: Vec<(f64, f64)> =
        (0..c.names.len()).map(|k| (c.estimate(k, row("cost")).mean, c.estimate(k, row("wait_mean")).mean)).collect();
    let front = front(&points, &c.does_the_work());
    (points, front)
}

/// Cost against wait as a chart.
pub fn trade_chart(c: &Comparison, currency: &str) -> (String, String) {
    let (points, front) = trade(c);
    let about = "Cost to the right, mean wait upward: left and low is good. Filled points are on the front: nothing is both cheaper and faster.";
    let list: Vec<(String, f64, f64, bool)> =
        c.names.iter().zip(points).zip(front).map(|((n, (x, y)), on)| (n.clone(), x, y / 60_000.0, on)).collect();
    let x_name = format!("cost {currency}");
    (svg::scatter(["Mean wait in minutes against cost", about, "trade"], &list, x_name.trim_end()), about.to_owned())
}

/// What to say first: who is cheaper and by how much, and what is on the front.
pub fn sentences(c: &Comparison) -> Vec<String> {
    let (points, front) = trade(c);
    let on: Vec<String> = c
        .names
        .iter()
        .zip(points.iter().zip(&front))
        .filter(|(_, (_, on))| **on)
        .map(|(n, ((cost, wait), _))| format!("{n} ({cost:.2}, {})", span(*wait)))
        .collect();
    let mut out = vec![format!("Nothing is both cheaper and faster than: {}.", on.join("; "))];
    let works = c.does_the_work();
    for k in (0..c.names.len()).filter(|k| !works[*k]) {
        let undone = c.runs[k].iter().map(|m| m.unfinished).sum::<f64>() / c.seeds.len() as f64;
        out.push(format!(
            "{} leaves {} tasks undone: what it costs and how long its tasks waited says nothing, so it wins nothing.",
            c.names[k],
            number(undone)
        ));
    }
    for k in (1..c.names.len()).filter(|k| works[0] && works[*k]) {
        let d = c.difference(k, 0);
        let base = c.estimate(0, 0).mean;
        if base > 0.0 && d.mean != 0.0 {
            let sure = match d.half {
                None => "",
                Some(_) if d.is_sure() => ", beyond chance",
                Some(_) => ", within chance",
            };
            let word = if d.mean < 0.0 { "cheaper" } else { "dearer" };
            let share = (d.mean / base * 100.0).abs();
            out.push(format!("{} is {share:.0} % {word} than {}{sure}.", c.names[k], c.names[0]));
        }
    }
    out
}

/// The luck all contenders share, in words.
fn luck(c: &Comparison) -> String {
    match c.seeds.len() {
        1 => "one seed says nothing about chance, --seeds N does.".into(),
        n => format!("95 % confidence over {n} seeds, the same for all."),
    }
}

/// What stands under the table of measures.
pub fn legend(c: &Comparison) -> String {
    let with = if c.seeds.len() > 1 { " with its " } else { "; " };
    format!("the difference to {}{with}{}", c.names[0], luck(c))
}

/// The comparison as a table with a legend, at most that many columns wide where that can be: measures are rows while
/// all formulas fit beside each other, else formulas are rows, in as many tables as the measures need.
pub fn told(c: &Comparison, rows: &[usize], width: usize) -> String {
    let fits = |t: &str| t.lines().next().unwrap_or("").chars().count() <= width;
    for (between, after, place) in [(" (", ")", "in brackets"), ("\n", "", "under a value")] {
        let mut header = vec!["measure"];
        header.extend(c.names.iter().map(String::as_str));
        let body: Vec<Vec<String>> = rows
            .iter()
            .map(|&row| {
                let mut cells = vec![Measures::ROWS[row].1.to_string()];
                for k in 0..c.names.len() {
                    let (mean, difference) = cell(c, k, row);
                    let best = if c.winner(row) == Some(k) { " *" } else { "" };
                    cells.push(match (difference.is_empty(), between) {
                        (true, _) => format!("{mean}{best}"),
                        (false, "\n") => format!("{mean}{best}\n{difference}"),
                        (false, _) => format!("{mean}{between}{difference}{after}{best}"),
                    });
                }
                cells
            })
            .collect();
        let t = table(&header, &body);
        if fits(&t) {
            return format!("{t}\n* is the best of the row; {place} {}\n", legend(c));
        }
    }
    let part = |rows: &[usize]| {
        let titles: Vec<String> = rows.iter().map(|row| stacked(Measures::ROWS[*row].1)).collect();
        let mut header = vec!["formula"];
        header.extend(titles.iter().map(String::as_str));
        let body: Vec<Vec<String>> = (0..c.names.len())
            .map(|k| {
                let value = |row: &usize| {
                    let d = c.difference(k, *row);
                    let chance = d.mean != 0.0 && d.half.is_some() && !d.is_sure();
                    let best = if c.winner(*row) == Some(k) { " *" } else { "" };
                    format!("{}{}{best}", cell(c, k, *row).0, if chance { " ~" } else { "" })
                };
                [vec![c.names[k].clone()], rows.iter().map(value).collect()].concat()
            })
            .collect();
        table(&header, &body)
    };
    let (mut out, mut rest) = (String::new(), rows);
    while !rest.is_empty() {
        let n = (2..=rest.len()).take_while(|n| fits(&part(&rest[..*n]))).last().unwrap_or(1);
        out += &part(&rest[..n]);
        out.push('\n');
        rest = &rest[n..];
    }
    let chance =
        if c.seeds.len() > 1 { format!("; ~ differs from {} within chance only", c.names[0]) } else { String::new() };
    format!("{out}* is the best of the column{chance}; {}\n", luck(c))
}

/// A title on lines of about a dozen characters.
fn stacked(title: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 12 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

impl Versus<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let c = self.comparison;
        let currency = page::currency(self.prices);
        let mut h = page::open(&format!("{}: {} formulas", self.title, c.names.len()), "");
        let mut sections: Vec<(String, String)> =
            [("found", "What came out"), ("measures", "Measures")].map(|(a, b)| (a.into(), b.into())).to_vec();
        sections.extend(self.pools.iter().enumerate().map(|(i, p)| (format!("pool{i}"), format!("Pool {p}"))));
        sections.push(("formulas".into(), "Formulas".into()));
        page::contents(&mut h, &sections);
        h.push_str("<h2 id=\"found\">What came out</h2><div class=\"figures\"><ol class=\"findings\">");
        for s in sentences(c) {
            let _ = write!(h, "<li>{}</li>", escape(&s));
        }
        h.push_str("</ol>");
        let (chart, about) = trade_chart(c, currency);
        page::figure(&mut h, &chart, &about);
        h.push_str("</div>");
        self.measures(&mut h);
        for (pool, id) in self.pools.iter().enumerate() {
            self.pool(&mut h, pool, id, currency);
        }
        h.push_str("<h2 id=\"formulas\">Formulas</h2>");
        for (name, text) in c.names.iter().zip(self.formulas) {
            let _ = write!(h, "<details><summary>{}</summary>", escape(name));
            match text {
                Some(text) => page::formula(&mut h, text),
                None => {
                    for (pool, text) in self.own {
                        let _ = write!(h, "<h3>Of pool {}</h3>", escape(pool));
                        page::formula(&mut h, text);
                    }
                }
            }
            h.push_str("</details>");
        }
        let seeds = match c.seeds.as_slice() {
            [one] => format!("seed {one}"),
            many => format!("{} seeds from {}", many.len(), many[0]),
        };
        page::close(&mut h, &format!("{seeds}, the same luck for every formula. Prices: {}.", self.prices));
        h
    }

    fn measures(&self, h: &mut String) {
        let c = self.comparison;
        h.push_str("<h2 id=\"measures\">Measures</h2><div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">measure</th>");
        for name in &c.names {
            let _ = write!(h, "<th scope=\"col\" class=\"n\">{}</th>", escape(name));
        }
        h.push_str("<th scope=\"col\">best</th></tr></thead><tbody>");
        for (row, (_, title, ..)) in Measures::ROWS.iter().enumerate() {
            if (0..c.names.len()).all(|k| c.estimate(k, row).mean == 0.0) {
                continue;
            }
            let _ = write!(h, "<tr><th scope=\"row\">{title}</th>");
            let winner = c.winner(row);
            for k in 0..c.names.len() {
                let (mean, difference) = cell(c, k, row);
                let mean = if winner == Some(k) { format!("<strong>{mean}</strong>") } else { mean };
                let _ = write!(h, "<td class=\"n\">{mean}");
                if !difference.is_empty() {
                    let _ = write!(h, "<small>{difference}</small>");
                }
                h.push_str("</td>");
            }
            let _ = write!(h, "<td>{}</td></tr>", winner.map_or("–".to_owned(), |w| escape(&c.names[w])));
        }
        let _ = write!(h, "</tbody></table></div><p>Under each mean {}</p>", escape(&legend(c)));
    }

    /// Nodes, targets, waiting tasks and cost of one pool, a line for each formula.
    fn pool(&self, h: &mut String, pool: usize, id: &str, currency: &str) {
        let rows: Vec<Vec<&SeriesRow>> = self
            .series
            .iter()
            .take(LINES)
            .map(|s| s.iter().filter(|r| r.pool as usize == pool).collect::<Vec<&SeriesRow>>())
            .collect();
        // Rows come at the same instants in every run; should one end early, all are shown up to there.
        let n = rows.iter().map(Vec::len).min().unwrap_or(0);
        let _ = write!(h, "<h2 id=\"pool{pool}\">Pool {}</h2>", escape(id));
        if n == 0 {
            h.push_str("<p>No time series was kept for this pool.</p>");
            return;
        }
        let x: Vec<f64> = rows[0][..n].iter().map(|r| r.at as f64).collect();
        let cost = if currency.is_empty() { "Cost".to_owned() } else { format!("Cost, {currency}") };
        let what: [(&str, &str, fn(&SeriesRow) -> f64); 4] = [
            ("Nodes", "n", |r| r.nodes.iter().flatten().sum::<u32>() as f64),
            ("Target nodes", "g", |r| (r.target[0] + r.target[1]) as f64),
            ("Tasks waiting", "t", |r| r.active as f64),
            (&cost, "c", |r| r.cost as f64 / 1e6),
        ];
        h.push_str("<div class=\"figures down\">");
        for (title, key, of) in what {
            let lines: Vec<Line<'_>> = rows
                .iter()
                .zip(&self.comparison.names)
                .map(|(r, name)| Line { name, values: r[..n].iter().map(|r| of(r)).collect() })
                .collect();
            let tops: Vec<String> = lines
                .iter()
                .map(|l| {
                    let top = l.values.iter().copied().fold(0.0, f64::max);
                    format!("{} {}", l.name, super::term::number(top))
                })
                .collect();
            let about = format!("At most: {}.", tops.join(", "));
            let chart = svg::lines(
                [&format!("{title} of {id}"), &about, &format!("p{pool}{key}")],
                self.epoch_ms,
                &x,
                &lines,
                &[],
                false,
            );
            page::figure(h, &chart, &about);
        }
        h.push_str("</div>");
        if self.series.len() > LINES {
            let _ = write!(h, "<p>The first {LINES} formulas are drawn, under the first seed.</p>");
        } else {
            h.push_str("<p>All under the first seed.</p>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(n: usize, seeds: usize) -> Comparison {
        let run = |k: usize, s: usize| Measures {
            cost: 1234.5 + 100.0 * k as f64 + s as f64,
            wait_mean: 3_725_000.0 - 60_000.0 * k as f64 * (s as f64 + 1.0),
            utilisation: 0.5,
            resize_errors: (k * s) as f64,
            tasks: 10.0,
            ..Measures::default()
        };
        Comparison {
            names: (0..n).map(|k| format!("formula_number_{k}")).collect(),
            seeds: (0..seeds as u64).collect(),
            runs: (0..n).map(|k| (0..seeds).map(|s| run(k, s)).collect()).collect(),
        }
    }

    #[test]
    fn a_comparison_fits_the_terminal() {
        let rows: Vec<usize> = (0..Measures::ROWS.len()).collect();
        for width in [80, 100, 200] {
            for n in 1..=8 {
                let text = told(&comparison(n, 5), &rows, width);
                let widest = text.lines().filter(|l| !l.starts_with('*')).map(|l| l.chars().count()).max();
                assert!(widest.is_some_and(|w| w <= width), "{n} formulas in {width}:\n{text}");
                for k in 0..n {
                    assert!(text.contains(&format!("formula_number_{k}")), "{text}");
                }
                assert!(text.contains("* is the best of the"), "{text}");
            }
        }
        assert!(told(&comparison(2, 5), &rows, 120).contains("(+100.00 ± 0.00)"));
        assert!(told(&comparison(8, 5), &rows, 80).contains('~'), "what is chance is told as such");
    }
}
