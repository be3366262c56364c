//! The host side of one evaluation: what builtins may see and leave behind.
//!
//! In: a snapshot, rules, an arena. Out: notes, and the samples read when asked for. Never: a clock, a global, I/O.

use crate::{
    arena::Arena, metric::Metric, rng::Stream, rules::Rules, series::Series, snapshot::Snapshot, ticks::Ticks,
    trap::Trap,
};
use std::ops::{Deref, Range};

/// Something worth telling about an evaluation that went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// "No sample available": this function read or reduced nothing (language.md §2.7).
    NoSample(&'static str),
    /// A metric without a method had no sample and read as 0 (language.md §0.2).
    NoLatest(Metric),
    /// `HistoryBeginTime()` of an empty history.
    NoHistory(Metric),
}

/// The notes of a run: at most [`Notes::MOST`] different ones. A muted run keeps none, so that it never allocates.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    list: Vec<Note>,
    muted: bool,
}

impl Notes {
    /// How many different notes a run keeps.
    pub const MOST: usize = 16;
    /// Adds a note unless it is there already.
    pub fn push(&mut self, note: Note) {
        if !self.muted && self.list.len() < Notes::MOST && !self.list.contains(&note) {
            self.list.push(note);
        }
    }
    /// In the order they were made.
    pub fn iter(&self) -> impl Iterator<Item = Note> + '_ {
        self.list.iter().copied()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// How a read chose its samples.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ReadKind {
    /// The newest samples, at most this many.
    Last(usize),
    /// A window, ends in order, the later one cut at the evaluation's instant.
    Window {
        /// Start.
        lo: Ticks,
        /// End.
        hi: Ticks,
        /// How many samples it could hold.
        possible: f64,
        /// The percentage asked for; none for `GetSamplePercent`.
        wanted: Option<f64>,
    },
    /// The last sample, by a metric without a method.
    Latest,
    /// The whole history (`Count`, `HistoryBeginTime`).
    History,
}

/// One read of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Of which metric.
    pub metric: Metric,
    /// Which samples.
    pub kind: ReadKind,
    /// Their indices in the metric's series.
    pub range: Range<usize>,
}

impl Read {
    /// Samples found.
    pub fn found(&self) -> usize {
        self.range.len()
    }
}

/// Every read of an evaluation, in order. Kept only for `--steps` and `--why`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadLog {
    /// The reads.
    pub reads: Vec<Read>,
}

/// What a builtin's body gets besides its arguments.
#[derive(Debug)]
pub struct Cx<'r> {
    /// The world at this instant.
    pub snapshot: &'r Snapshot<'r>,
    /// The choices made.
    pub rules: &'r Rules,
    /// Storage for vectors.
    pub arena: &'r Arena,
    /// Notes made so far.
    pub notes: Notes,
    /// Reads so far, when asked for.
    pub log: Option<ReadLog>,
    /// Whether a body asked for the evaluation's instant. Lets the compiler fold `time("2024-05-31")`, which does not,
    /// and not `time("")`, which does.
    pub clock_read: bool,
    /// Made at the first draw: most formulas draw nothing.
    rng: Option<Stream>,
}

impl<'r> Cx<'r> {
    /// For one evaluation.
    pub fn new(snapshot: &'r Snapshot<'r>, rules: &'r Rules, arena: &'r Arena) -> Cx<'r> {
        Cx { snapshot, rules, arena, notes: Notes::default(), log: None, clock_read: false, rng: None }
    }
    /// Without notes: nobody will ask.
    pub fn muted(mut self) -> Cx<'r> {
        self.notes.muted = true;
        self
    }
    /// With a read log.
    pub fn logging(mut self) -> Cx<'r> {
        self.log = Some(ReadLog::default());
        self
    }
    /// The instant of the evaluation.
    pub fn now(&mut self) -> Ticks {
        self.clock_read = true;
        self.snapshot.now
    }
    /// The samples of a metric.
    pub fn series(&self, metric: Metric) -> &'r Series {
        self.snapshot.series.get(metric)
    }
    /// The next number of the run's own stream, in `[0, 1)`.
    pub fn random(&mut self) -> f64 {
        let seed = self.snapshot.seed;
        self.rng.get_or_insert_with(|| Stream::keyed(seed, Stream::RAND, 0)).next_f64()
    }
    /// What reading or reducing nothing gives: NaN and a note, or a trap under `strict_empty`.
    pub fn nothing(&mut self, function: &'static str) -> Result<f64, Trap> {
        if self.rules.strict_empty {
            return Err(Trap::NoSample);
        }
        self.notes.push(Note::NoSample(function));
        Ok(f64::NAN)
    }
    /// A slice of the run's arena, contents unspecified.
    pub fn alloc(&self, len: usize) -> Result<&'r mut [f64], Trap> {
        let arena: &'r Arena = self.arena;
        arena.alloc(len)
    }
    /// Logs a read.
    pub fn read(&mut self, metric: Metric, kind: ReadKind, range: &Range<usize>) {
        if let Some(log) = &mut self.log {
            log.reads.push(Read { metric, kind, range: range.clone() });
        }
    }
}

impl Deref for ReadLog {
    type Target = [Read];
    fn deref(&self) -> &[Read] {
        &self.reads
    }
}
