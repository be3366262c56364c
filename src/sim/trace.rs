//! The event log: canonical JSON lines for whoever wants them, and a running digest for everybody.
//!
//! In: notes of what happened. Out: lines, a 64-bit digest. Never: an influence on the run. A fork keeps the digest and
//! drops the sink.

use super::config::Ms;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Note {
    /// A task was added: id, job.
    TaskAdded = 1,
    /// An attempt began: id, node.
    TaskStarted,
    /// A task ended: id, fate.
    TaskEnded,
    /// A task went back to active: id, why.
    TaskRequeued,
    /// A node changed state: node, state.
    Node,
    /// A resize began or changed: pool, targets.
    ResizeStart,
    /// A resize ended: pool, nodes.
    ResizeComplete,
    /// A formula ran: pool, applied.
    Autoscale,
    /// A job changed state: job, state.
    Job,
    /// A pool changed state: pool, state.
    Pool,
    /// A task cannot be scheduled: id, node slots.
    ScheduleFail,
    /// A job preparation task failed: node, job.
    PreparationFailed,
}

impl Note {
    /// Event name, and the names of its two numbers.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Note::TaskAdded => ("task_added", "task", "job"),
            Note::TaskStarted => ("task_started", "task", "node"),
            Note::TaskEnded => ("task_ended", "task", "fate"),
            Note::TaskRequeued => ("task_requeued", "task", "why"),
            Note::Node => ("node", "node", "state"),
            Note::ResizeStart => ("resize_start", "pool", "targets"),
            Note::ResizeComplete => ("resize_complete", "pool", "nodes"),
            Note::Autoscale => ("autoscale", "pool", "result"),
            Note::Job => ("job", "job", "state"),
            Note::Pool => ("pool", "pool", "state"),
            Note::ScheduleFail => ("task_schedule_fail", "task", "slots"),
            Note::PreparationFailed => ("job_preparation_task_failed", "node", "job"),
        }
    }
}

/// Takes lines.
pub trait Sink: Send {
    /// One line, without its end.
    fn line(&mut self, line: &str);
}

impl Sink for Vec<String> {
    fn line(&mut self, line: &str) {
        self.push(line.to_string());
    }
}

/// Digest and sink.
#[derive(Default)]
pub struct Trace {
    digest: u64,
    notes: u64,
    sink: Option<Box<dyn Sink>>,
}

impl Clone for Trace {
    fn clone(&self) -> Self {
        Trace { digest: self.digest, notes: self.notes, sink: None }
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({:016x} after {} notes)", self.digest, self.notes)
    }
}

impl Trace {
    /// Where lines go from now on.
    pub fn attach(&mut self, sink: Box<dyn Sink>) {
        self.sink = Some(sink);
    }
    /// Whether anybody reads lines.
    #[inline]
    pub fn listening(&self) -> bool {
        self.sink.is_some()
    }
    /// The digest of everything noted so far.
    pub fn digest(&self) -> u64 {
        self.digest
    }
    /// How many notes there were.
    pub fn notes(&self) -> u64 {
        self.notes
    }
    /// Takes note. `word` is what the second number means, for the line.
    #[inline]
    pub fn note(&mut self, at: Ms, note: Note, id: u32, value: u64, word: impl FnOnce() -> Option<String>) {
        let mixed = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ (u64::from(id) | (note as u64) << 56).wrapping_mul(0xff51_afd7_ed55_8ccd)
            ^ value;
        self.digest = (self.digest.rotate_left(23) ^ mixed).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        self.notes += 1;
        if self.sink.is_some() {
            self.write(at, note, id, value, word());
        }
    }
    #[cold]
    fn write(&mut self, at: Ms, note: Note, id: u32, value: u64, word: Option<String>) {
        let (name, first, second) = note.names();
        let shown =
            word.map_or_else(|| value.to_string(), |w| format!("\"{}\"", w.replace('\\', "\\\\").replace('"', "\\\"")));
        if let Some(sink) = &mut self.sink {
            sink.line(&format!("{{\"t\":{at},\"ev\":\"{name}\",\"{first}\":{id},\"{second}\":{shown}}}"));
        }
    }
}
