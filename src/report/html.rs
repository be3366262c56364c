//! One page that tells what happened: self-contained, for a phone, a printer and a screen reader too.
//!
//! In: a finished (or interrupted) run. Out: HTML. Never: a script, a request, a meaning that only a colour carries.

use super::{
    measures::{Measures, Unit},
    page,
    steps::Steps,
    svg::{self, Line, Mark, escape},
    term::{number, span},
};
use crate::{
    sim::{
        Simulation,
        findings::{Finding, Weight},
        output::{AutoScaleRun, SeriesRow},
        sampler::ticks,
        world::NodeState,
    },
    wire::{scenario::Scenario, time},
};
use std::fmt::Write as _;

/// Evaluations and failed resizes shown one by one at most.
const SHOWN: usize = 300;

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
    /// What statements did, when that was kept.
    pub steps: &'a Steps,
}

impl Page<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let (s, m) = (self.scenario, self.measures);
        let mut h = page::open(&s.name, &s.about);
        if self.partial {
            let _ = write!(
                h,
                "<p class=\"partial\"><strong>Partial:</strong> the run was stopped at {}; everything below is up to then.</p>",
                self.at(self.sim.now())
            );
        }
        let mut sections = vec![("happened".into(), "What happened".into()), ("numbers".into(), "In numbers".into())];
        for (i, p) in self.sim.pools().enumerate() {
            sections.push((format!("pool{i}"), format!("Pool {}", p.id)));
        }
        sections.push(("formulas".into(), "Formula".into()));
        page::contents(&mut h, &sections);
        self.findings(&mut h);
        self.numbers(&mut h, m);
        for (i, p) in self.sim.pools().enumerate() {
            self.pool(&mut h, i as u32, &p.id);
        }
        self.formulas(&mut h);
        page::close(
            &mut h,
            &format!("seed {}, digest {:016x}. Prices: {}.", s.config.seed, self.sim.digest(), s.prices),
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
        h.push_str("<h2 id=\"happened\">What happened</h2>");
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
        let currency = page::currency(&self.scenario.prices);
        h.push_str("<h2 id=\"numbers\">In numbers</h2>");
        let figures = [
            ("Cost", format!("{:.2} {currency}", m.cost)),
            ("Mean wait", span(m.wait_mean)),
            ("95 % of tasks waited at most", span(m.wait_p95)),
            ("Tasks that succeeded", format!("{} of {}", number(m.succeeded), number(m.tasks))),
            ("Slots in use", Unit::Share.show(m.utilisation)),
        ];
        page::key_figures(h, &figures);
        let (groups, zero) = m.grouped();
        h.push_str("<div class=\"tables\">");
        for (group, rows) in groups {
            let unit = if group == "Cost" && !currency.is_empty() { format!(", {currency}") } else { String::new() };
            let _ = write!(h, "<table class=\"whole\"><caption>{group}{unit}</caption><tbody>");
            for (title, value) in rows {
                let _ = write!(h, "<tr><th scope=\"row\">{title}</th><td class=\"n\">{}</td></tr>", escape(&value));
            }
            h.push_str("</tbody></table>");
        }
        h.push_str("</div>");
        if !zero.is_empty() {
            let _ = write!(h, "<p>None: {}.</p>", zero.join(", "));
        }
        self.waits(h);
    }

    fn pool(&self, h: &mut String, pool: u32, id: &str) {
        let rows: Vec<SeriesRow> = self.sim.output().series.iter().filter(|r| r.pool == pool).collect();
        let _ = write!(h, "<h2 id=\"pool{pool}\">Pool {}</h2>", escape(id));
        if rows.is_empty() {
            h.push_str("<p>No time series was kept for this pool.</p>");
            return;
        }
        h.push_str("<div class=\"figures down\">");
        for (chart, caption) in pool_charts(self.epoch(), self.sim, pool, id, page::currency(&self.scenario.prices)) {
            page::figure(h, &chart, &caption);
        }
        h.push_str("</div>");
        self.series_table(h, &rows);
        self.resizes(h, pool);
        self.evaluations(h, pool, id);
    }

    /// The charts' numbers for those who do not see them, at most two dozen rows.
    fn series_table(&self, h: &mut String, rows: &[SeriesRow]) {
        h.push_str("<details><summary>The charts as a table</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">time</th><th scope=\"col\" class=\"n\">target</th><th scope=\"col\" class=\"n\">nodes</th><th scope=\"col\" class=\"n\">waiting</th><th scope=\"col\" class=\"n\">running</th><th scope=\"col\" class=\"n\">cost</th></tr></thead><tbody>");
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

    fn evaluations(&self, h: &mut String, pool: u32, id: &str) {
        let runs: Vec<&AutoScaleRun> = self.sim.output().runs.iter().filter(|r| r.pool == pool).collect();
        if runs.is_empty() {
            return;
        }
        let failed = runs.iter().filter(|r| r.result.is_err()).count();
        let applied = runs.iter().filter(|r| r.applied).count();
        let _ = write!(
            h,
            "<h3>Evaluations: {}, resized: {applied}, failed: {failed}</h3><p>Counts are dedicated + Spot nodes.",
            runs.len()
        );
        let steps = self.steps.of(id);
        let of = |r: &AutoScaleRun| steps.get(&ticks(self.scenario.config.epoch, r.at));
        let mut shown: Vec<&AutoScaleRun> = runs.clone();
        if steps.is_empty() {
            // All if they are few; else those that failed, then those that resized, then the others.
            shown.sort_by_key(|r| (r.result.is_ok(), !r.applied, r.at));
            shown.truncate(SHOWN);
            shown.sort_by_key(|r| r.at);
            h.push_str(" Open one for every variable the formula had.");
        } else {
            shown.retain(|r| of(r).is_some());
            h.push_str(
                " Open one for what every statement did: its value, the branches taken, the samples it read (with their age).",
            );
        }
        if shown.len() < runs.len() {
            let chosen = if steps.is_empty() {
                "those that failed or resized first"
            } else {
                "evenly chosen among those that failed, those that changed a target and the others"
            };
            let _ = write!(
                h,
                " {} of {} are here, {chosen}; <code>simulate --out DIR</code> writes the results of all to evaluations.csv.",
                shown.len(),
                runs.len()
            );
        }
        h.push_str("</p>");
        let day = |r: &AutoScaleRun| self.at(r.at).split(' ').next().unwrap_or("").to_owned();
        for runs in shown.chunk_by(|a, b| day(a) == day(b)) {
            let bad = runs.iter().filter(|r| r.result.is_err()).count();
            let bad = if bad > 0 { format!(", {bad} failed") } else { String::new() };
            let resized = runs.iter().filter(|r| r.applied).count();
            let _ = write!(
                h,
                "<details><summary>{}: {} evaluations, {resized} resized{bad}</summary>",
                day(runs[0]),
                runs.len()
            );
            for r in runs {
                self.evaluation(h, r, of(r));
            }
            h.push_str("</details>");
        }
    }

    fn evaluation(&self, h: &mut String, r: &AutoScaleRun, steps: Option<&String>) {
        let at = self.at(r.at);
        let time = at.split(' ').nth(1).unwrap_or("");
        let [d, s] = r.before;
        let lines = |results: &str| results.replace(';', ";\n");
        let (word, body) = match &r.result {
            Ok(o) => {
                let (to_d, to_s) = (o.dedicated.or(d), o.low_priority.or(s));
                let word = if (to_d, to_s) == (d, s) {
                    format!("target stays {d}+{s}")
                } else {
                    format!("target {d}+{s} becomes {to_d}+{to_s}")
                };
                let body = steps.map_or_else(|| lines(&o.results()), String::clone);
                (if r.applied { word + ", resized" } else { word }, body)
            }
            Err(e) => {
                let what = steps.map_or_else(|| lines(&e.results), String::clone);
                let word = format!("<strong>failed</strong>, target stays {d}+{s}");
                (word, format!("{}: {}\n{}\n{what}", e.code, e.message, e.value))
            }
        };
        let _ = write!(
            h,
            "<details><summary>{time}: {word}; {}+{} nodes there</summary><pre>{}</pre></details>",
            r.current[0],
            r.current[1],
            escape(body.trim_end())
        );
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
        let chart = svg::columns(["Tasks by how long they waited", &about, "waits"], &values);
        h.push_str("<div class=\"figures\">");
        page::figure(h, &chart, &about);
        h.push_str("</div>");
    }

    fn formulas(&self, h: &mut String) {
        h.push_str("<h2 id=\"formulas\">Formula</h2>");
        let mut seen: Vec<&str> = Vec::new();
        for p in self.scenario.config.all_pools() {
            let Some(text) = p.formula.as_deref() else { continue };
            if seen.contains(&text) {
                continue;
            }
            seen.push(text);
            let _ = write!(h, "<h3>Of pool {}</h3>", escape(&p.id));
            page::formula(h, text);
        }
        if seen.is_empty() {
            h.push_str("<p>No pool has one.</p>");
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

/// The four charts of a pool, each with what it shows in words.
pub fn pool_charts(epoch_ms: i64, sim: &Simulation, pool: u32, id: &str, currency: &str) -> Vec<(String, String)> {
    let rows: Vec<SeriesRow> = sim.output().series.iter().filter(|r| r.pool == pool).collect();
    let x: Vec<f64> = rows.iter().map(|r| r.at as f64).collect();
    let of = |f: &dyn Fn(&SeriesRow) -> f64| rows.iter().map(f).collect::<Vec<f64>>();
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
                kind: "evaluation failed",
                text: format!("evaluation failed: {} {}", e.code, e.value),
            });
        } else if r.applied {
            let text = "evaluation that resized".into();
            marks.push(Mark { at: r.at as f64, glyph: '|', kind: "evaluation that resized", text });
        }
    }
    let mut errors = 0;
    for r in sim.output().resizes.iter().filter(|r| r.pool == pool && !r.errors.is_empty()) {
        errors += 1;
        let codes: Vec<&str> = r.errors.iter().map(|e| e.code).collect();
        let text = format!("resize error: {}", codes.join(", "));
        marks.push(Mark { at: r.end as f64, glyph: '!', kind: "resize error", text });
    }
    // A row for each glyph, what went wrong first.
    marks.sort_by(|a, b| (a.glyph, a.at).partial_cmp(&(b.glyph, b.at)).unwrap_or(std::cmp::Ordering::Equal));
    let about = format!(
        "Targets reached {} and nodes {}; {failed} evaluations failed and {errors} resizes ended with an error.",
        top(&target),
        top(&nodes)
    );
    let mut out = vec![(
        svg::lines(
            [&format!("Targets and nodes of {id}"), &about, &format!("p{pool}n")],
            epoch_ms,
            &x,
            &[Line { name: "nodes", values: nodes }, Line { name: "target", values: target }],
            &marks,
            true,
        ),
        about,
    )];
    let about = format!("At most {} tasks waited and {} ran at once.", top(&waiting), top(&running));
    out.push((
        svg::lines(
            [&format!("Tasks of {id}"), &about, &format!("p{pool}t")],
            epoch_ms,
            &x,
            &[Line { name: "running", values: running }, Line { name: "waiting", values: waiting }],
            &[],
            true,
        ),
        about,
    ));
    // What works at the bottom, what is being lost on top: a steady ground is easier to read.
    let mut states: Vec<NodeState> = NodeState::ALL.to_vec();
    states.sort_by_key(|s| match s {
        NodeState::Running => 0,
        NodeState::Idle => 1,
        NodeState::LeavingPool => 3,
        NodeState::Preempted => 4,
        _ => 2,
    });
    let layers: Vec<Line<'_>> = states
        .iter()
        .map(|s| Line { name: s.name(), values: of(&|r| (r.nodes[0][*s as usize] + r.nodes[1][*s as usize]) as f64) })
        .collect();
    let present: Vec<&str> = layers.iter().filter(|l| l.values.iter().any(|v| *v > 0.0)).map(|l| l.name).collect();
    let about = format!("Nodes by state, one on top of the other: {}.", present.join(", "));
    out.push((
        svg::stacked([&format!("Nodes of {id} by state"), &about, &format!("p{pool}s")], epoch_ms, &x, &layers),
        about,
    ));
    let unit = if currency.is_empty() { String::new() } else { format!(", {currency}") };
    let cost = of(&|r| r.cost as f64 / 1e6);
    let about = format!("Cost adds up to {:.2} {currency}.", cost.last().copied().unwrap_or(0.0)).replace(" .", ".");
    out.push((
        svg::lines(
            [&format!("Cost of {id}{unit}"), &about, &format!("p{pool}c")],
            epoch_ms,
            &x,
            &[Line { name: "cost", values: cost }],
            &[],
            true,
        ),
        about,
    ));
    out
}
