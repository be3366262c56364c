//! `poolcast bounds`: what a formula can do, before it runs.
//!
//! In: a formula, assumptions, assertions. Out: proved ranges with replayable witnesses, verdicts, an exit code for CI.
//! Never: a bound of its own; those come from `bounds`.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    DeallocationOption, Engine, Error, Formula, Options, Rules,
    bounds::{
        self, Assume, Report, Witness,
        report::{NoSamples, TargetReport, TrapReport, name, unbounded},
        witness::shell,
    },
    claims::{
        Verdict, assertion,
        temporal::{self, Idle},
    },
    diag::render,
    sim::vm,
    wire::bounds::{self as wire, Cost, Judged},
};
use poolcast_grammar::LineIndex;
use std::{fmt::Write as _, path::PathBuf};

/// Hours of a month, as cloud prices count them.
const MONTH: f64 = 730.0;

/// Arguments of `bounds`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A range is proved: no evaluation on any admissible input leaves it. A witness was run on the engine; --witnesses \
prints the commands that run it again. Admissible are whole, non-negative counts, percentages from 0 to 100, a sample each 30 s with any gaps, \
and any instant from 1970 to 2099; --quota and --assume narrow that.
Assertions are conditions such as `$TargetDedicatedNodes <= 25`, or settles_to_zero, settles_to_zero(EVALUATIONS), \
never_below_running, steady, reacts_within(MINUTES); also as comments `//! assert …` in the formula.
Exit codes: 0 all assertions proved (or unknown), 1 one refuted, or unknown with --deny-unknown.")]
pub struct Bounds {
    /// A formula; `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// The pool never has more nodes of one kind than this.
    #[arg(long, value_name = "NODES")]
    quota: Option<u32>,
    /// What inputs are like: `$PendingTasks <= 500`. Repeatable.
    #[arg(long, value_name = "CONDITION")]
    assume: Vec<String>,
    /// What must hold after every evaluation. Repeatable.
    #[arg(long, value_name = "CONDITION")]
    assert: Vec<String>,
    /// An assertion that is neither proved nor refuted also fails.
    #[arg(long)]
    deny_unknown: bool,
    /// VM size, for the worst cost by the built-in table's prices.
    #[arg(long, value_name = "SIZE", conflicts_with = "price")]
    vm_size: Option<String>,
    /// Price of a dedicated node for an hour.
    #[arg(long, value_name = "PRICE")]
    price: Option<f64>,
    /// Price of a low-priority node for an hour; a fifth of --price when not given.
    #[arg(long, value_name = "PRICE")]
    low_priority_price: Option<f64>,
    /// Evaluations the search for witnesses may make.
    #[arg(long, default_value_t = bounds::search::BUDGET, value_name = "EVALUATIONS")]
    budget: u32,
    /// Seed of the search.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A choice where nobody knows what the service does. Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    rule: Vec<String>,
    /// Write a samples file for every witness, and print the command that runs it again (JSON has the samples).
    #[arg(long)]
    witnesses: bool,
    /// Where samples files and scenarios are written.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs; docs/bounds.md has the fields.
    Json,
}

/// A low-priority node's price as a share of a dedicated one's, where nothing better is known.
const LOW_PRIORITY: f64 = 0.2;

/// What a node costs for an hour: dedicated, low priority.
struct Prices {
    hourly: [f64; 2],
    source: String,
}

impl Prices {
    /// The worst a target can cost; none without a limit.
    fn worst(&self, t: &TargetReport) -> Option<Cost> {
        let hourly = self.hourly[t.which] * t.high.bound;
        (!unbounded(t.high.bound)).then_some(Cost { hourly, monthly: hourly * MONTH })
    }
}

/// Compile a formula for analysis, or put its diagnostics on the terminal.
pub(super) fn compile(file: &str, rules: &[String], term: &Term) -> Result<Result<Formula, Exit>, Complaint> {
    let source = output::read(file)?;
    let mut chosen = Rules::default();
    for text in rules {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("--rule takes NAME=VALUE, not `{text}`"))?;
        chosen.set(name, value).map_err(|e| e.to_string())?;
    }
    let options = Options { rules: chosen, engine: Engine::Auto, like_service: true, ..Options::default() };
    match Formula::compile_with(&source.text, &options) {
        Ok(f) => Ok(Ok(f)),
        Err(Error::Compile(list)) => {
            term.error(render::human(&source.name, &source.text, list.iter(), term.color).trim_end());
            Ok(Err(Exit::Rejected))
        }
        Err(e) => Err(e.to_string().into()),
    }
}

/// What is admissible by the command line.
pub(super) fn admissible(quota: Option<u32>, texts: &[String]) -> Result<Assume, Complaint> {
    let mut assume = quota.map_or_else(Assume::default, |n| Assume::default().quota(n));
    for text in texts {
        assume.narrow(text)?;
    }
    Ok(assume)
}

impl Verb for Bounds {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let formula = match compile(&self.file, &self.rule, term)? {
            Ok(f) => f,
            Err(exit) => return Ok(exit),
        };
        let assume = admissible(self.quota, &self.assume)?;
        let prices = self.prices()?;
        let report = bounds::report(&formula, &assume, self.budget, self.seed);
        let idle = |t: &TargetReport| (!t.zero_when_idle).then(|| temporal::idle(&formula, &assume, t.which));
        let idle: Vec<Option<Idle>> = report.targets.iter().map(idle).collect();
        let judged = self.judge(&formula, &assume)?;
        let out = match self.format {
            Format::Text => self.text(&formula, &report, &idle, prices.as_ref(), &judged)?,
            Format::Json => {
                let costs: Vec<Option<Cost>> =
                    report.targets.iter().map(|t| prices.as_ref().and_then(|p| p.worst(t))).collect();
                let found = wire::Found {
                    file: &self.file,
                    formula: &formula,
                    report: &report,
                    idle: &idle,
                    costs: &costs,
                    judged: &judged,
                };
                wire::bounds(&found)
            }
        };
        term.print(&out);
        let fails = |j: &Judged| match j.verdict {
            Verdict::Proved => false,
            Verdict::Unknown(_) => self.deny_unknown,
            Verdict::Refuted(_) => true,
        };
        Ok(if judged.iter().any(fails) { Exit::Rejected } else { Exit::Fine })
    }
}

fn number(n: f64) -> String {
    if unbounded(n) { "without limit".into() } else { poolcast_runtime::print::general(n) }
}

/// A file in a folder, which is made where there is none; as it goes on a command line.
fn path_in(dir: &std::path::Path, name: &str) -> Result<String, Complaint> {
    std::fs::create_dir_all(dir).map_err(|e| format!("cannot make the folder {}: {e}", dir.display()))?;
    let path = dir.join(name).to_string_lossy().into_owned();
    Ok(path.strip_prefix("./").map(str::to_owned).unwrap_or(path))
}

/// Writes a witness's samples beside the user's other files; the name as it goes on a command line.
pub(super) fn samples_file(dir: &std::path::Path, name: &str, w: &Witness) -> Result<String, Complaint> {
    let path = path_in(dir, name)?;
    if w.has_samples() {
        output::write(&path, &w.csv())?;
    }
    Ok(path)
}

impl Bounds {
    /// Assertions, from the formula's comments and the command line. Files for counterexamples are written.
    fn judge(&self, formula: &Formula, assume: &Assume) -> Result<Vec<Judged>, Complaint> {
        let mut all = Vec::new();
        for a in assertion::in_comments(formula.source()) {
            all.push(a.map_err(|why| format!("{}: {why}", self.file))?);
        }
        for text in &self.assert {
            all.push(assertion::parse(text, None)?);
        }
        let mut out = Vec::new();
        for (i, assertion) in all.into_iter().enumerate() {
            let place = assertion.line.map_or(String::new(), |l| format!("{}:{l}: ", self.file));
            let verdict = assertion::judge(formula, assume, &assertion, self.budget, self.seed)
                .map_err(|why| format!("{place}{why}"))?;
            let (mut eval, mut simulate) = (None, None);
            if let Verdict::Refuted(c) = &verdict {
                let stem = format!("counterexample-{}", i + 1);
                if let Some(w) = &c.witness {
                    let file = samples_file(&self.out, &format!("{stem}.csv"), w)?;
                    eval = Some(w.command(&self.file, &file));
                }
                if let Some(scenario) = &c.scenario {
                    let file = path_in(&self.out, &format!("{stem}.toml"))?;
                    output::write(&file, scenario)?;
                    simulate = Some(format!("poolcast simulate {}", shell(&file)));
                }
            }
            out.push(Judged { assertion, verdict, eval, simulate });
        }
        Ok(out)
    }

    fn text(
        &self,
        formula: &Formula,
        report: &Report,
        idle: &[Option<Idle>],
        prices: Option<&Prices>,
        judged: &[Judged],
    ) -> Result<String, Complaint> {
        let mut out = String::new();
        for (t, idle) in report.targets.iter().zip(idle) {
            self.target(&mut out, formula, t, idle.as_ref(), prices)?;
        }
        if report.targets.is_empty() {
            out.push_str("No run sets a target: the pool stays as it is.\n");
        }
        options(&mut out, report.options);
        self.failures(&mut out, formula, &report.traps, &report.no_samples)?;
        let _ = writeln!(out, "{} evaluations tried (--budget {})", report.made, self.budget);
        for j in judged {
            let place = j.assertion.line.map_or(String::new(), |l| format!("{}:{l}: ", self.file));
            let (verdict, lines) = match &j.verdict {
                Verdict::Proved => ("proved", Vec::new()),
                Verdict::Unknown(why) => ("unknown", vec![why.clone()]),
                Verdict::Refuted(c) => (
                    "refuted",
                    [Some(c.what.clone()), c.witness.as_ref().map(Witness::words)].into_iter().flatten().collect(),
                ),
            };
            let _ = writeln!(out, "{place}assert {}: {verdict}", j.assertion.text);
            for line in lines.iter().chain(&j.eval).chain(&j.simulate) {
                let _ = writeln!(out, "    {line}");
            }
        }
        Ok(out)
    }

    /// A witness under what it shows; with --witnesses also how to run it again.
    fn replay(&self, out: &mut String, w: &Witness, name: &str) -> Result<(), Complaint> {
        let _ = writeln!(out, "        {}", w.words());
        if self.witnesses {
            let file = samples_file(&self.out, &format!("{name}.csv"), w)?;
            let _ = writeln!(out, "        {}", w.command(&self.file, &file));
        }
        Ok(())
    }

    fn target(
        &self,
        out: &mut String,
        formula: &Formula,
        t: &TargetReport,
        idle: Option<&Idle>,
        prices: Option<&Prices>,
    ) -> Result<(), Complaint> {
        let (low, high) = (t.low.bound, t.high.bound);
        let range = match (low == high, unbounded(high)) {
            (true, _) => format!("always {}", number(low)),
            (_, true) => format!("{} or more, without limit", number(low)),
            _ => format!("{} to {}", number(low), number(high)),
        };
        let _ = writeln!(out, "{}: {range}", name(t.which));
        for (what, end) in [("lowest", &t.low), ("highest", &t.high)] {
            match &end.found {
                Some((n, w)) => {
                    let verdict = if end.reached() {
                        format!("{what} {}: reached", number(*n))
                    } else {
                        format!(
                            "{what} found {} (not proved to go no further than that, but never beyond {})",
                            number(*n),
                            number(end.bound)
                        )
                    };
                    let _ = writeln!(out, "    {verdict}");
                    self.replay(out, w, &format!("{what}-{}", ["dedicated", "low-priority"][t.which]))?;
                }
                None => {
                    let _ = writeln!(out, "    {what} {}: no run found that sets it", number(end.bound));
                }
            }
        }
        if t.kept {
            out.push_str("    some runs leave it as it is\n");
        }
        match prices.map(|p| (p, p.worst(t))) {
            None => {}
            Some((_, None)) => out.push_str("    worst cost: without limit\n"),
            Some((p, Some(c))) => {
                let _ =
                    writeln!(out, "    worst cost: {:.2} an hour, {:.2} a month ({})", c.hourly, c.monthly, p.source);
            }
        }
        let zero = if low > 0.0 {
            "never".to_owned()
        } else if t.low.found.as_ref().is_some_and(|f| f.0 == 0.0) {
            "yes".to_owned()
        } else {
            "not found".to_owned()
        };
        let _ = writeln!(out, "    can be 0: {zero}");
        let idle = match idle {
            None => "0 at the next evaluation (proved)".to_owned(),
            Some(Idle::Settles(n)) => format!("0 after at most {n} evaluations in every pool simulated"),
            Some(Idle::Stays(n, start)) => {
                format!("stays at {n} in a simulated pool, beginning with {}", start.words())
            }
            Some(Idle::Fails(start)) => {
                format!("evaluation fails in a simulated pool, so the target stays; beginning with {}", start.words())
            }
        };
        let _ = writeln!(out, "    without work: {idle}");
        let source = formula.source();
        let lines = LineIndex::new(source);
        out.push_str("    decided by\n");
        for s in &t.statements {
            let Some(stmt) = formula.hir().stmts.get(*s as usize) else { continue };
            let text: String = stmt.span.text(source).split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "      {:>4}  {}", lines.line_col(source, stmt.span.lo).0, shortened(&text));
        }
        Ok(())
    }

    /// Prices of both kinds of nodes, by size or as given.
    fn prices(&self) -> Result<Option<Prices>, Complaint> {
        if let Some(name) = &self.vm_size {
            let table = vm::VmTable::built_in();
            let size = table.get(name).map_err(|e| e.to_string())?;
            let none = || format!("the table has no price for {}; give --price", size.name);
            let dedicated = size.regular.ok_or_else(none)?.units();
            let low = size.preemptible(LOW_PRIORITY).map_or(dedicated * LOW_PRIORITY, vm::Micros::units);
            return Ok(Some(Prices { hourly: [dedicated, low], source: format!("{}; {}", size.name, table.source) }));
        }
        Ok(self.price.map(|p| Prices {
            hourly: [p, self.low_priority_price.unwrap_or(p * LOW_PRIORITY)],
            source: "--price".into(),
        }))
    }

    fn failures(
        &self,
        out: &mut String,
        formula: &Formula,
        traps: &[TrapReport],
        no_samples: &NoSamples,
    ) -> Result<(), Complaint> {
        match no_samples {
            NoSamples::Works => out.push_str("Empty history: evaluates (proved)\n"),
            NoSamples::Unknown => out.push_str("Empty history: not seen to fail, not proved\n"),
            NoSamples::Fails(fault, w) => {
                let _ = writeln!(out, "Empty history: fails, {}", fault.trap.detail());
                self.replay(out, w, "no-samples")?;
            }
        }
        if traps.is_empty() {
            out.push_str("Evaluation never fails (proved)\n");
            return Ok(());
        }
        out.push_str("Evaluation can fail:\n");
        let source = formula.source();
        let lines = LineIndex::new(source);
        for t in traps {
            let (line, col) = lines.line_col(source, t.trap.at);
            let seen = if t.witness.is_some() { "" } else { " (not excluded; no input found)" };
            let _ = writeln!(out, "    {line}:{col}: {}{seen}", t.trap.stop.words());
            if let Some(w) = &t.witness {
                self.replay(out, w, &format!("failure-{line}-{col}"))?;
            }
        }
        Ok(())
    }
}

fn options(out: &mut String, bits: u8) {
    let list: Vec<&str> =
        DeallocationOption::ALL.iter().filter(|o| bits >> (**o as u8) & 1 == 1).map(|o| o.keyword()).collect();
    let _ = writeln!(out, "$NodeDeallocationOption: {}", list.join(" or "));
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 100 { text.to_owned() } else { text.chars().take(99).chain(['…']).collect() }
}
