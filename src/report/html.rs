//! One page that tells what happened: self-contained, for a phone, a printer and a screen reader too.
//!
//! In: a finished (or interrupted) run. Out: HTML. Never: a script, a request, a meaning that only a colour carries.

use super::{
    measures::Measures,
    svg::{self, Line, Mark, escape},
    term::{number, span},
};
use crate::{
    Formula,
    diag::render,
    sim::{
        Simulation,
        findings::{Finding, Weight},
        output::{AutoScaleRun, SeriesRow},
        world::NodeState,
    },
    wire::{scenario::Scenario, time},
};
use std::fmt::Write;

/// Evaluations shown one by one; those that failed or changed something come first.
const SHOWN: usize = 300;

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8886;--soft:#8881}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.2rem;margin:2em 0 .4em;border-bottom:1px solid var(--line)}h3{font-size:1rem}
svg{width:100%;height:auto;display:block}
figure{margin:1rem 0}figcaption{font-size:.9rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15em .8em .15em 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right}
.scroll{overflow-x:auto}
pre{background:var(--soft);padding:.6em;overflow-x:auto;font-size:.85rem;white-space:pre-wrap}
details{margin:.3em 0}summary{cursor:pointer;padding:.25em 0}
ol.findings>li{margin:.5em 0}
.partial{border:2px solid;padding:.6em}
@media print{body{max-width:none;font-size:11pt}h2,figure{break-inside:avoid}details:not([open])>*:not(summary){display:none}}
";

/// What the page is made of besides the run.
pub struct Page<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The run.
    pub sim: &'a Simulation,
    /// Its measures.
    pub measures: &'a Measures,
    /// Findings, most important first.
    pub findings: &'a [Finding],
    /// The run was interrupted.
    pub partial: bool,
}

impl Page<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let (s, m) = (self.scenario, self.measures);
        let mut h = String::with_capacity(1 << 17);
        let _ = write!(
            h,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{0} – poolcast</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main><h1>{0}</h1><p>{1}</p>",
            escape(&s.name),
            escape(&s.about)
        );
        if self.partial {
            let _ = write!(
                h,
                "<p class=\"partial\"><strong>Partial:</strong> the run was stopped at {}; everything below is up to then.</p>",
                self.at(self.sim.now())
            );
        }
        self.findings(&mut h);
        self.numbers(&mut h, m);
        for (i, p) in self.sim.pools().enumerate() {
            self.pool(&mut h, i as u32, &p.id);
        }
        self.waits(&mut h);
        self.formulas(&mut h);
        let _ = writeln!(
            h,
            "<h2>How this was made</h2><p>poolcast {}, seed {}, digest {:016x}. Prices: {}. Times are UTC.</p></main></body></html>",
            env!("CARGO_PKG_VERSION"),
            s.config.seed,
            self.sim.digest(),
            escape(&s.prices)
        );
        h
    }

    fn epoch(&self) -> i64 {
        time::unix_ms_from_ticks(self.scenario.config.epoch)
    }

    fn at(&self, ms: i64) -> String {
        // Seconds are enough for a reader.
        time::print_instant((self.epoch() + ms) / 1000 * 1000).replace('T', " ").trim_end_matches('Z').to_string()
    }

    fn findings(&self, h: &mut String) {
        h.push_str("<h2>What happened</h2>");
        if self.findings.is_empty() {
            h.push_str("<p>Nothing out of the ordinary: the pool followed its targets, no work was lost, nothing was blocked.</p>");
            return;
        }
        h.push_str("<ol class=\"findings\">");
        for f in self.findings {
            let word = if f.weight == Weight::Problem { "Problem" } else { "Notice" };
            let when = f.at.map_or(String::new(), |at| format!(" <small>(first at {})</small>", self.at(at)));
            let _ = write!(h, "<li><strong>{word}:</strong> {}{when}", escape(&f.text));
            if !f.evidence.is_empty() {
                h.push_str("<details><summary>Evidence</summary><ul>");
                for e in &f.evidence {
                    let _ = write!(h, "<li>{}</li>", escape(e));
                }
                h.push_str("</ul></details>");
            }
            h.push_str("</li>");
        }
        h.push_str("</ol>");
    }

    fn numbers(&self, h: &mut String, m: &Measures) {
        h.push_str("<h2>In numbers</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">measure</th><th scope=\"col\" class=\"n\">value</th></tr></thead><tbody>");
        for ((_, title, unit, _), v) in Measures::ROWS.iter().zip(m.values()) {
            let _ = write!(h, "<tr><th scope=\"row\">{title}</th><td class=\"n\">{}</td></tr>", escape(&unit.show(v)));
        }
        h.push_str("</tbody></table></div>");
    }

    fn pool(&self, h: &mut String, pool: u32, id: &str) {
        let rows: Vec<&SeriesRow> = self.sim.output().series.iter().filter(|r| r.pool == pool).collect();
        let _ = write!(h, "<h2>Pool {}</h2>", escape(id));
        if rows.is_empty() {
            h.push_str("<p>No time series was kept for this pool.</p>");
            return;
        }
        for (chart, caption) in pool_charts(self.epoch(), self.sim, pool, id) {
            let _ = write!(h, "<figure>{chart}<figcaption>{}</figcaption></figure>", escape(&caption));
        }
        self.series_table(h, &rows);
        self.resizes(h, pool);
        self.evaluations(h, pool);
    }

    /// The charts' numbers for those who do not see them, at most two dozen rows.
    fn series_table(&self, h: &mut String, rows: &[&SeriesRow]) {
        h.push_str("<details><summary>The same as a table</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">time</th><th scope=\"col\" class=\"n\">target</th><th scope=\"col\" class=\"n\">nodes</th><th scope=\"col\" class=\"n\">waiting</th><th scope=\"col\" class=\"n\">running</th><th scope=\"col\" class=\"n\">cost</th></tr></thead><tbody>");
        for r in rows.iter().step_by(rows.len().div_ceil(24).max(1)) {
            let nodes: u32 = r.nodes.iter().flatten().sum();
            let _ = write!(
                h,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{nodes}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.2}</td></tr>",
                self.at(r.at),
                r.target[0] + r.target[1],
                r.active,
                r.running,
                r.cost as f64 / 1e6
            );
        }
        h.push_str("</tbody></table></div></details>");
    }

    fn resizes(&self, h: &mut String, pool: u32) {
        let all: Vec<_> = self.sim.output().resizes.iter().filter(|r| r.pool == pool).collect();
        let failed: Vec<_> = all.iter().filter(|r| !r.errors.is_empty()).collect();
        let _ = write!(h, "<h3>Resizes: {}, with errors: {}</h3>", all.len(), failed.len());
        if failed.is_empty() {
            return;
        }
        h.push_str("<details><summary>Those with errors</summary><ul>");
        for r in failed.iter().take(SHOWN) {
            let _ = write!(
                h,
                "<li>{} to {}: {}+{} nodes became {}+{} of {}+{} wanted",
                self.at(r.start),
                self.at(r.end),
                r.from[0],
                r.from[1],
                r.current[0],
                r.current[1],
                r.target[0],
                r.target[1]
            );
            for e in &r.errors {
                let _ = write!(h, "<br>{}: {}", escape(e.code), escape(&e.message));
            }
            h.push_str("</li>");
        }
        if failed.len() > SHOWN {
            let _ = write!(h, "<li>and {} more, in resizes.csv</li>", failed.len() - SHOWN);
        }
        h.push_str("</ul></details>");
    }

    fn evaluations(&self, h: &mut String, pool: u32) {
        let runs: Vec<&AutoScaleRun> = self.sim.output().runs.iter().filter(|r| r.pool == pool).collect();
        if runs.is_empty() {
            return;
        }
        let failed = runs.iter().filter(|r| r.result.is_err()).count();
        let _ = write!(h, "<h3>Evaluations: {}, failed: {failed}</h3>", runs.len());
        let all = runs.len() <= SHOWN;
        let mut shown = 0;
        for r in &runs {
            if !(all || r.result.is_err() || r.applied) || shown >= SHOWN {
                continue;
            }
            shown += 1;
            let (word, body) = match &r.result {
                Ok(o) => (if r.applied { "resized" } else { "no change" }, o.results.replace(';', ";\n")),
                Err(e) => {
                    ("failed", format!("{}: {}\n{}\n{}", e.code, e.message, e.value, e.results.replace(';', ";\n")))
                }
            };
            let _ = write!(
                h,
                "<details><summary>{} – {word}: targets {}+{}, nodes {}+{} before</summary><pre>{}</pre></details>",
                self.at(r.at),
                r.before[0],
                r.before[1],
                r.current[0],
                r.current[1],
                escape(&body)
            );
        }
        if shown < runs.len() {
            let _ = write!(
                h,
                "<p>{} of {} are shown, those that failed or resized first; all are in evaluations.csv.</p>",
                shown,
                runs.len()
            );
        }
    }

    fn waits(&self, h: &mut String) {
        let mut bins = wait_bins();
        let mut n = 0u64;
        for t in self.sim.output().tasks.iter().filter(|t| t.attempts > 0) {
            let wait = t.start - t.created;
            if let Some(bin) = bins.iter_mut().find(|b| wait < b.1) {
                bin.2 += 1.0;
                n += 1;
            }
        }
        if n == 0 {
            return;
        }
        let m = self.measures;
        let about = format!(
            "How long {} tasks waited from being added to starting: half at most {}, 95 % at most {}, the longest {}.",
            number(n as f64),
            span(m.wait_p50),
            span(m.wait_p95),
            span(m.wait_max)
        );
        let values: Vec<(String, f64)> = bins.into_iter().map(|(name, _, n)| (name.to_string(), n)).collect();
        let chart = svg::columns("Waits", &about, "waits", &values);
        let _ = write!(h, "<h2>Waits</h2><figure>{chart}<figcaption>{}</figcaption></figure>", escape(&about));
    }

    fn formulas(&self, h: &mut String) {
        let mut seen: Vec<&str> = Vec::new();
        for p in &self.scenario.config.pools {
            let Some(text) = p.formula.as_deref() else { continue };
            if seen.contains(&text) {
                continue;
            }
            seen.push(text);
            let _ = write!(h, "<h2>Formula of {}</h2><pre>{}</pre>", escape(&p.id), escape(text.trim()));
            let said = match Formula::compile(text) {
                Ok(f) => render::human("formula", text, f.diagnostics().iter(), false),
                Err(e) => e.to_string(),
            };
            if said.trim().is_empty() {
                h.push_str("<p>The checker has nothing to say about it.</p>");
            } else {
                let _ = write!(h, "<p>What the checker says:</p><pre>{}</pre>", escape(said.trim_end()));
            }
        }
    }
}

/// Name, upper end in ms, count.
fn wait_bins() -> Vec<(&'static str, i64, f64)> {
    vec![
        ("< 10 s", 10_000, 0.0),
        ("< 1 m", 60_000, 0.0),
        ("< 5 m", 300_000, 0.0),
        ("< 15 m", 900_000, 0.0),
        ("< 1 h", 3_600_000, 0.0),
        ("< 4 h", 14_400_000, 0.0),
        ("< 1 d", 86_400_000, 0.0),
        ("more", i64::MAX, 0.0),
    ]
}

/// The three charts of a pool, each with what it shows in words.
pub fn pool_charts(epoch_ms: i64, sim: &Simulation, pool: u32, id: &str) -> Vec<(String, String)> {
    let rows: Vec<&SeriesRow> = sim.output().series.iter().filter(|r| r.pool == pool).collect();
    let x: Vec<f64> = rows.iter().map(|r| r.at as f64).collect();
    let of = |f: &dyn Fn(&SeriesRow) -> f64| rows.iter().map(|r| f(r)).collect::<Vec<f64>>();
    let target = of(&|r| (r.target[0] + r.target[1]) as f64);
    let nodes = of(&|r| r.nodes.iter().flatten().sum::<u32>() as f64);
    let waiting = of(&|r| r.active as f64);
    let running = of(&|r| r.running as f64);
    let top = |v: &[f64]| number(v.iter().copied().fold(0.0, f64::max));
    let mut marks: Vec<Mark> = Vec::new();
    let mut failed = 0;
    for r in sim.output().runs.iter().filter(|r| r.pool == pool) {
        if let Err(e) = &r.result {
            failed += 1;
            marks.push(Mark {
                at: r.at as f64,
                glyph: '×',
                text: format!("evaluation failed: {} {}", e.code, e.value),
            });
        } else if r.applied {
            marks.push(Mark { at: r.at as f64, glyph: '·', text: "evaluation that resized".into() });
        }
    }
    let mut errors = 0;
    for r in sim.output().resizes.iter().filter(|r| r.pool == pool && !r.errors.is_empty()) {
        errors += 1;
        let codes: Vec<&str> = r.errors.iter().map(|e| e.code).collect();
        marks.push(Mark { at: r.end as f64, glyph: '!', text: format!("resize error: {}", codes.join(", ")) });
    }
    // Errors are drawn before dots, so that a dot never hides one.
    marks.sort_by(|a, b| {
        (a.at, a.glyph == '·').partial_cmp(&(b.at, b.glyph == '·')).unwrap_or(std::cmp::Ordering::Equal)
    });
    let about = format!(
        "Targets reached {} and nodes {}; {failed} evaluations failed (×), {errors} resizes ended with an error (!), dots are evaluations that resized.",
        top(&target),
        top(&nodes)
    );
    let mut out = vec![(
        svg::lines(
            &format!("Targets and nodes of {id}"),
            &about,
            &format!("p{pool}n"),
            epoch_ms,
            &x,
            &[Line { name: "nodes", values: nodes }, Line { name: "target", values: target }],
            &marks,
        ),
        about,
    )];
    let about = format!("At most {} tasks waited and {} ran at once.", top(&waiting), top(&running));
    out.push((
        svg::lines(
            &format!("Tasks of {id}"),
            &about,
            &format!("p{pool}t"),
            epoch_ms,
            &x,
            &[Line { name: "running", values: running }, Line { name: "waiting", values: waiting }],
            &[],
        ),
        about,
    ));
    let layers: Vec<Line<'_>> = NodeState::ALL
        .iter()
        .map(|s| Line { name: s.name(), values: of(&|r| (r.nodes[0][*s as usize] + r.nodes[1][*s as usize]) as f64) })
        .collect();
    let present: Vec<&str> = layers.iter().filter(|l| l.values.iter().any(|v| *v > 0.0)).map(|l| l.name).collect();
    let about = format!("Nodes by state, one on top of the other: {}.", present.join(", "));
    out.push((
        svg::stacked(&format!("Node states of {id}"), &about, &format!("p{pool}s"), epoch_ms, &x, &layers),
        about,
    ));
    let cost = of(&|r| r.cost as f64 / 1e6);
    let about = format!("Cost adds up to {:.2}.", cost.last().copied().unwrap_or(0.0));
    out.push((
        svg::lines(
            &format!("Cost of {id}"),
            &about,
            &format!("p{pool}c"),
            epoch_ms,
            &x,
            &[Line { name: "cost", values: cost }],
            &[],
        ),
        about,
    ));
    out
}
