//! What a session remembers: the formula so far, the hand-made world, the simulated pools, and the way back.
//!
//! In: changes by the commands. Out: inputs for an evaluation. Never: a terminal, a wall clock; files only through [`Files`].

use super::{pool::Future, words};
use crate::{Inputs, Rules};
use poolcast_grammar::{Ast, Expr, Stmt};
use poolcast_runtime::{
    metric::Metric,
    series::SeriesStore,
    ticks::{Interval, Ticks},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Most steps back.
pub const UNDO_STEPS: usize = 100;
/// Most memory the states behind us may hold, by estimate. Simulations are shared until one changes.
pub const UNDO_BYTES: usize = 256 << 20;

/// The files of a session: the disk, or a table in a test.
pub trait Files {
    /// Contents of a text file.
    fn read(&self, name: &str) -> Result<String, String>;
    /// Replaces a file.
    fn write(&mut self, name: &str, text: &str) -> Result<(), String>;
    /// Names in a folder that begin with a prefix; folders end in `/`.
    fn list(&self, prefix: &str) -> Vec<String>;
    /// A scenario, with changes to it.
    fn scenario(
        &self,
        name: &str,
        overrides: &crate::wire::scenario::Overrides,
    ) -> Result<crate::wire::scenario::Scenario, String>;
}

/// No files at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("cannot read {name}: this session has no files"))
    }
    fn write(&mut self, name: &str, _: &str) -> Result<(), String> {
        Err(format!("cannot write {name}: this session has no files"))
    }
    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn scenario(
        &self,
        name: &str,
        _: &crate::wire::scenario::Overrides,
    ) -> Result<crate::wire::scenario::Scenario, String> {
        Err(format!("cannot read {name}: this session has no files"))
    }
}

/// One assignment that was entered.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its text, no `;`.
    pub text: String,
    /// The name it assigns.
    pub target: String,
    /// Names it reads.
    pub reads: BTreeSet<String>,
    /// It draws random numbers or may stop: its place in the formula matters beyond names.
    pub sticky: bool,
}

impl Statement {
    /// Of a parsed statement; none for an expression that assigns nothing.
    pub fn of(ast: &Ast, stmt: &Stmt) -> Option<Statement> {
        let (name, _) = stmt.target?;
        let mut out = Statement::about(ast, stmt);
        out.target = ast.name(name).to_owned();
        Some(out)
    }
    /// Text and names of any statement.
    pub fn about(ast: &Ast, stmt: &Stmt) -> Statement {
        let mut reads = BTreeSet::new();
        let mut sticky = false;
        for id in ast.first[stmt.value.ix()]..=stmt.value.0 {
            match ast.exprs[id as usize] {
                Expr::Name(name) => {
                    reads.insert(ast.name(name).to_owned());
                }
                Expr::Call(name, _) => sticky |= matches!(ast.name(name), "rand" | "stop"),
                _ => {}
            }
        }
        let text = stmt.span.text(ast.text()).trim().trim_end_matches(';').trim_end().to_owned();
        Statement { text, target: String::new(), reads, sticky }
    }
}

/// The world made by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Hand {
    /// The instant.
    pub now: Ticks,
    /// Samples: measured when, value; ascending.
    pub samples: BTreeMap<Metric, Vec<(Ticks, f64)>>,
    /// Present targets: dedicated, low priority.
    pub targets: [f64; 2],
    /// Present nodes: dedicated, low priority.
    pub current: [f64; 2],
    /// Task slots per node.
    pub task_slots: f64,
    /// Seed of `rand()`.
    pub seed: u64,
}

impl Hand {
    /// Empty, at an instant.
    pub fn at(now: Ticks) -> Hand {
        Hand { now, samples: BTreeMap::new(), targets: [0.0; 2], current: [0.0; 2], task_slots: 1.0, seed: 0 }
    }
    /// As an evaluation wants it.
    pub fn inputs(&self, rules: &Rules) -> Inputs {
        let mut store = SeriesStore::new(rules);
        for (metric, samples) in &self.samples {
            for (at, value) in samples {
                // Only finite values in ascending order get in here.
                let _ = store.push(*metric, *at, *at, *value);
            }
        }
        Inputs {
            now: self.now,
            series: store,
            targets: self.targets,
            current: self.current,
            task_slots: self.task_slots,
            seed: self.seed,
        }
    }
    /// Samples as a list, oldest first, the last now.
    pub fn set_samples(&mut self, metric: Metric, values: &[Option<f64>]) {
        let n = values.len() as i64;
        let period = Interval::SAMPLE_PERIOD.0;
        let at = |i: usize| Ticks(self.now.0.saturating_sub(period.saturating_mul(n - 1 - i as i64)));
        let list = values.iter().enumerate().filter_map(|(i, v)| v.map(|v| (at(i), v))).collect();
        self.samples.insert(metric, list);
    }
    /// Moves everything in time.
    pub fn move_to(&mut self, now: Ticks) {
        let by = Interval(now.0.saturating_sub(self.now.0));
        for (at, _) in self.samples.values_mut().flatten() {
            *at = at.saturating_plus(by);
        }
        self.now = now;
    }
    /// Lets time pass; with `hold`, every metric goes on at its last value.
    pub fn pass(&mut self, until: Ticks, hold: bool) {
        if hold {
            for list in self.samples.values_mut() {
                let Some(&(last, value)) = list.last() else { continue };
                let mut at = last.saturating_plus(Interval::SAMPLE_PERIOD);
                let mut room = words::MOST_SAMPLES;
                while at <= until && room > 0 {
                    list.push((at, value));
                    at = at.saturating_plus(Interval::SAMPLE_PERIOD);
                    room -= 1;
                }
            }
        }
        self.now = until;
    }
}

/// Everything a line can change.
#[derive(Debug, Clone)]
pub struct State {
    /// The formula so far.
    pub program: Vec<Statement>,
    /// The statements behind `it`, the last value shown.
    pub it: Vec<Statement>,
    /// The choices where nobody knows what the service does.
    pub rules: Rules,
    /// The hand-made world.
    pub hand: Hand,
    /// Simulated pools by name.
    pub futures: BTreeMap<String, Future>,
    /// Which of them the language sees; the hand-made world when none.
    pub here: Option<String>,
}

impl State {
    /// Nothing yet, on a Monday morning: the same answers whenever it is asked.
    pub fn new() -> State {
        let now = Ticks::from_date(2026, 1, 5).unwrap_or_default().saturating_plus(Interval(8 * Interval::HOUR.0));
        State {
            program: Vec::new(),
            it: Vec::new(),
            rules: Rules::default(),
            hand: Hand::at(now),
            futures: BTreeMap::new(),
            here: None,
        }
    }
    /// The simulated pool we are at.
    pub fn future(&self) -> Option<&Future> {
        self.futures.get(self.here.as_ref()?)
    }
    /// Now, wherever we are.
    pub fn now(&self) -> Ticks {
        self.future().map_or(self.hand.now, Future::now)
    }
    /// What an evaluation sees, wherever we are.
    pub fn inputs(&self) -> Inputs {
        match self.future() {
            Some(future) => future.inputs(&self.rules),
            None => self.hand.inputs(&self.rules),
        }
    }
    /// The formula as text, one statement a line.
    pub fn formula(&self) -> String {
        self.program.iter().map(|s| format!("{};\n", s.text)).collect()
    }
    /// Appends an assignment. One that nobody read since gives way to it.
    pub fn push(&mut self, statement: Statement) {
        let program = &mut self.program;
        if let Some(old) = program.iter().rposition(|s| s.target == statement.target) {
            let read = program[old + 1..].iter().chain([&statement]).any(|s| s.reads.contains(&statement.target));
            if !read && !program[old].sticky && !statement.sticky {
                program.remove(old);
            }
        }
        program.push(statement);
    }
    /// Whether nothing differs that anybody could ask for.
    pub(super) fn same(&self, other: &State) -> bool {
        let one = |a: &Future, b: &Future| a.shares(b) && a.focus == b.focus && a.formula == b.formula;
        self.program == other.program
            && self.it == other.it
            && self.rules == other.rules
            && self.hand == other.hand
            && self.here == other.here
            && self.futures.len() == other.futures.len()
            && self.futures.iter().zip(&other.futures).all(|((m, a), (n, b))| m == n && one(a, b))
    }
    /// Bytes this state holds that the next one does not share, by estimate.
    fn weight(&self, next: &State) -> usize {
        let text: usize = self.program.iter().map(|s| s.text.len() + 64).sum();
        let samples: usize = self.hand.samples.values().map(|s| s.len() * 16).sum();
        let futures = self.futures.iter().filter(|(name, f)| !next.futures.get(*name).is_some_and(|n| n.shares(f)));
        1024 + text + samples + futures.map(|(_, f)| f.weight()).sum::<usize>()
    }
}

impl Default for State {
    fn default() -> State {
        State::new()
    }
}

/// A session: one state, the states behind it, and the outside world as far as it is allowed in.
pub struct Session {
    /// Where we are.
    pub state: State,
    /// The way back: what was typed, the state before it, its weight.
    past: VecDeque<(String, State, usize)>,
    /// Files.
    pub files: Box<dyn Files>,
    /// Set from outside to end a running simulation where it stands.
    pub cancel: Arc<AtomicBool>,
    /// Whether diagnostics may be coloured.
    pub color: bool,
    /// Columns to draw in.
    pub width: usize,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("state", &self.state).field("past", &self.past.len()).finish_non_exhaustive()
    }
}

impl Session {
    /// A new session over some files.
    pub fn new(files: Box<dyn Files>) -> Session {
        Session {
            state: State::new(),
            past: VecDeque::new(),
            files,
            cancel: Arc::new(AtomicBool::new(false)),
            color: false,
            width: 100,
        }
    }
    /// Whether somebody asked to stop.
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
    /// Remembers the state before a line that changed it.
    pub(super) fn remember(&mut self, line: &str, before: State) {
        let weight = before.weight(&self.state);
        self.past.push_back((line.to_owned(), before, weight));
        while self.past.len() > UNDO_STEPS || self.past.iter().map(|p| p.2).sum::<usize>() > UNDO_BYTES {
            self.past.pop_front();
        }
    }
    /// Goes back; returns the lines undone, newest first.
    pub(super) fn undo(&mut self, steps: usize) -> Vec<String> {
        let mut undone = Vec::new();
        for _ in 0..steps {
            let Some((line, before, _)) = self.past.pop_back() else { break };
            self.state = before;
            undone.push(line);
        }
        undone
    }
    /// Steps left to go back, and what they hold in bytes.
    pub fn behind(&self) -> (usize, usize) {
        (self.past.len(), self.past.iter().map(|p| p.2).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<Statement> {
        let ast = poolcast_grammar::parse(text).ast;
        ast.stmts.iter().filter_map(|s| Statement::of(&ast, s)).collect()
    }

    #[test]
    fn an_assignment_nobody_read_gives_way() {
        let mut state = State::new();
        for s in statements("x = 1; y = 2; x = 3; z = x; x = 4; r = rand(); r = 5") {
            state.push(s);
        }
        assert_eq!(state.formula(), "y = 2;\nx = 3;\nz = x;\nx = 4;\nr = rand();\nr = 5;\n");
    }

    #[test]
    fn the_way_back_is_bounded() {
        let mut session = Session::new(Box::new(NoFiles));
        for n in 0..2 * UNDO_STEPS {
            let before = session.state.clone();
            session.state.hand.seed += 1;
            session.remember(&n.to_string(), before);
        }
        assert_eq!(session.behind().0, UNDO_STEPS);
        assert_eq!(session.undo(2), ["199", "198"]);
        assert_eq!(session.state.hand.seed, 198);
        assert_eq!(session.undo(1000).len(), UNDO_STEPS - 2);
    }
}
