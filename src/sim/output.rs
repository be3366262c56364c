//! What a run leaves behind: records, logs, the digest, the trace.
//!
//! In: changes as they happen. Out: append-only logs that forks share. Never: an influence on the run.

use super::{
    config::Ms,
    log::{Log, Row, Table},
    machine::node::Why,
    resize::{Cause, ResizeError},
    trace::Trace,
    world::{Class, NodeState},
};
use crate::outcome::{EvalError, Outcome};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fate {
    /// Exit code 0.
    Success,
    /// Another exit code.
    Failure,
    /// Resource files or packages: never retried.
    PreProcessingError,
    /// Output files: never retried.
    UploadError,
    /// Ran into its wall-clock limit.
    WallClock,
    /// Ended by a user, a deallocation option or its job.
    Terminated,
    /// 180 days.
    Expired,
}

impl Fate {
    /// A word.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Success => "success",
            Fate::Failure => "failure",
            Fate::PreProcessingError => "preprocessingerror",
            Fate::UploadError => "uploaderror",
            Fate::WallClock => "maxwallclocktime",
            Fate::Terminated => "terminated",
            Fate::Expired => "expired",
        }
    }
}

impl Fate {
    const ALL: [Fate; 7] = [
        Fate::Success,
        Fate::Failure,
        Fate::PreProcessingError,
        Fate::UploadError,
        Fate::WallClock,
        Fate::Terminated,
        Fate::Expired,
    ];
    /// Category and code of the failure information the service shows, where it is known (pool.md §3.5, §8.1): for a task
    /// cut short it is the constant of the client library, its use assumed. Other codes depend on what went wrong outside.
    pub fn failure(self) -> Option<(&'static str, &'static str)> {
        (self == Fate::Terminated).then_some(("usererror", "TaskEnded"))
    }
}

/// One finished task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskRecord {
    /// Added.
    pub created: Ms,
    /// Last attempt started; `created` when it never did.
    pub start: Ms,
    /// Ended.
    pub end: Ms,
    /// Id: position in the workload, then explicit tasks in order of addition.
    pub id: u32,
    /// Job.
    pub job: u32,
    /// Node of the last attempt (`u32::MAX`: none).
    pub node: u32,
    /// Exit code.
    pub exit: i32,
    /// Milliseconds of attempts that came to nothing.
    pub wasted: u32,
    /// Attempts.
    pub attempts: u16,
    /// Retries.
    pub retries: u16,
    /// Requeues.
    pub requeues: u16,
    /// Slots.
    pub slots: u16,
    /// Instances.
    pub instances: u16,
    /// How it ended.
    pub fate: Fate,
}

impl Row for TaskRecord {
    type Words = [u64; 8];
    #[inline]
    fn words(&self) -> [u64; 8] {
        [
            self.created as u64,
            (self.start - self.created) as u64,
            (self.end - self.start) as u64,
            u64::from(self.id),
            u64::from(self.node),
            // What is the same for most, the likeliest to differ lowest.
            u64::from(self.exit as u32) | u64::from(self.wasted) << 32,
            u64::from(self.slots)
                | u64::from(self.attempts) << 16
                | u64::from(self.retries) << 32
                | u64::from(self.requeues) << 48,
            u64::from(self.job) | u64::from(self.instances) << 32 | (self.fate as u64) << 48,
        ]
    }
    fn of_words(words: &[u64; 8]) -> TaskRecord {
        let [created, wait, run, id, node, exit, counts, job] = *words;
        let start = created.wrapping_add(wait);
        TaskRecord {
            created: created as Ms,
            start: start as Ms,
            end: start.wrapping_add(run) as Ms,
            id: id as u32,
            job: job as u32,
            node: node as u32,
            exit: exit as i32,
            wasted: (exit >> 32) as u32,
            attempts: (counts >> 16) as u16,
            retries: (counts >> 32) as u16,
            requeues: (counts >> 48) as u16,
            slots: counts as u16,
            instances: (job >> 32) as u16,
            fate: Fate::ALL[(job >> 48) as usize],
        }
    }
}

/// A node's change of state and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeChange {
    /// When.
    pub at: Ms,
    /// Node.
    pub node: u32,
    /// From; none when it was created.
    pub from: Option<NodeState>,
    /// To; none when it was removed.
    pub to: Option<NodeState>,
    /// Why.
    pub why: Why,
}

impl Row for NodeChange {
    type Words = [u64; 3];
    #[inline]
    fn words(&self) -> [u64; 3] {
        // States from 1 on, for 0 is none.
        let state = |state: Option<NodeState>| state.map_or(0, |s| s as u64 + 1);
        [self.at as u64, u64::from(self.node), self.why as u64 | state(self.from) << 8 | state(self.to) << 16]
    }
    fn of_words(&[at, node, what]: &[u64; 3]) -> NodeChange {
        let byte = |i: u32| usize::from((what >> (8 * i)) as u8);
        let state = |i: u32| byte(i).checked_sub(1).map(|s| NodeState::ALL[s]);
        NodeChange { at: at as Ms, node: node as u32, from: state(1), to: state(2), why: Why::ALL[byte(0)] }
    }
}

/// A stretch of a node's life that is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSpan {
    /// Node.
    pub node: u32,
    /// Pool.
    pub pool: u32,
    /// Class.
    pub class: Class,
    /// From.
    pub from: Ms,
    /// To.
    pub to: Ms,
    /// Millionths of the currency.
    pub cost: i64,
}

impl Row for NodeSpan {
    type Words = [u64; 5];
    #[inline]
    fn words(&self) -> [u64; 5] {
        let pool = u64::from(self.pool) << 1 | self.class as u64;
        [u64::from(self.node), pool, self.from as u64, (self.to - self.from) as u64, self.cost as u64]
    }
    fn of_words(&[node, pool, from, length, cost]: &[u64; 5]) -> NodeSpan {
        NodeSpan {
            node: node as u32,
            pool: (pool >> 1) as u32,
            class: Class::BOTH[(pool & 1) as usize],
            from: from as Ms,
            to: from.wrapping_add(length) as Ms,
            cost: cost as i64,
        }
    }
}

/// One resize.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResizeRecord {
    /// Pool.
    pub pool: u32,
    /// Started.
    pub start: Ms,
    /// Steady again.
    pub end: Ms,
    /// Who asked.
    pub cause: Cause,
    /// Nodes before.
    pub from: [u32; 2],
    /// Targets at the end.
    pub target: [u32; 2],
    /// Nodes at the end.
    pub current: [u32; 2],
    /// Option.
    pub option: &'static str,
    /// Errors.
    pub errors: Vec<ResizeError>,
}

/// One run of a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoScaleRun {
    /// Pool.
    pub pool: u32,
    /// When.
    pub at: Ms,
    /// What came of it.
    pub result: Result<Outcome, EvalError>,
    /// Targets before.
    pub before: [u32; 2],
    /// Nodes then.
    pub current: [u32; 2],
    /// A resize was started or changed.
    pub applied: bool,
}

/// One row of the time series of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesRow {
    /// When.
    pub at: Ms,
    /// Pool.
    pub pool: u32,
    /// Targets.
    pub target: [u32; 2],
    /// Nodes by class and state.
    pub nodes: [[u32; 16]; 2],
    /// Ready tasks.
    pub active: i64,
    /// Tasks held back by dependencies.
    pub waiting: i64,
    /// Preparing.
    pub preparing: i64,
    /// Running.
    pub running: i64,
    /// Finished with success.
    pub succeeded: i64,
    /// Finished without.
    pub failed: i64,
    /// Slots of idle and running nodes.
    pub slots: i64,
    /// Slots taken.
    pub slots_used: i64,
    /// Cost so far, millionths.
    pub cost: i64,
}

impl Row for SeriesRow {
    type Words = [u64; 28];
    #[inline]
    fn words(&self) -> [u64; 28] {
        // Spot above dedicated: mostly there is only one of them.
        let both = |[dedicated, spot]: [u32; 2]| u64::from(dedicated) | u64::from(spot) << 32;
        let mut words = [0; 28];
        let (row, nodes) = words.split_at_mut(12);
        let [dedicated, spot] = &self.nodes;
        nodes.iter_mut().zip(dedicated).zip(spot).for_each(|((word, d), s)| *word = both([*d, *s]));
        row.copy_from_slice(&[
            self.at as u64,
            u64::from(self.pool),
            both(self.target),
            self.active as u64,
            self.waiting as u64,
            self.preparing as u64,
            self.running as u64,
            self.succeeded as u64,
            self.failed as u64,
            self.slots as u64,
            self.slots_used as u64,
            self.cost as u64,
        ]);
        words
    }
    fn of_words(words: &[u64; 28]) -> SeriesRow {
        let [
            at,
            pool,
            target,
            active,
            waiting,
            preparing,
            running,
            succeeded,
            failed,
            slots,
            slots_used,
            cost,
            nodes @ ..,
        ] = words;
        SeriesRow {
            at: *at as Ms,
            pool: *pool as u32,
            target: [*target as u32, (*target >> 32) as u32],
            nodes: [nodes.map(|word| word as u32), nodes.map(|word| (word >> 32) as u32)],
            active: *active as i64,
            waiting: *waiting as i64,
            preparing: *preparing as i64,
            running: *running as i64,
            succeeded: *succeeded as i64,
            failed: *failed as i64,
            slots: *slots as i64,
            slots_used: *slots_used as i64,
            cost: *cost as i64,
        }
    }
}

/// Something about a job worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobChange {
    /// When.
    pub at: Ms,
    /// Job.
    pub job: u32,
    /// What.
    pub what: &'static str,
}

/// A scripted action the service refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedAction {
    /// When.
    pub at: Ms,
    /// What was asked.
    pub what: String,
    /// The answer.
    pub refusal: super::action::Refusal,
}

/// Everything kept.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Finished tasks.
    pub tasks: Table<TaskRecord>,
    /// Node histories.
    pub node_changes: Table<NodeChange>,
    /// Paid stretches.
    pub spans: Table<NodeSpan>,
    /// Resizes.
    pub resizes: Log<ResizeRecord>,
    /// Formula runs.
    pub runs: Log<AutoScaleRun>,
    /// Time series.
    pub series: Table<SeriesRow>,
    /// Job changes.
    pub jobs: Log<JobChange>,
    /// Refused actions.
    pub refused: Log<RefusedAction>,
    /// Finished tasks, kept or not.
    pub finished: u64,
    /// Σ (start − created) of finished tasks that started, and how many.
    pub wait: (i128, u64),
    /// Digest and sink.
    pub trace: Trace,
    /// Rows of `TRANSITIONS` taken.
    pub visited: u128,
    /// Failed evaluations.
    pub failed_runs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_their_words() {
        let mut x = 7u64;
        let mut luck = || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            x >> 33 >> (x % 31)
        };
        for fate in Fate::ALL {
            // An attempt may be cut short before it starts.
            let created = luck() as Ms;
            let start = created + luck() as Ms;
            let record = TaskRecord {
                created,
                start,
                end: start - 1 + luck() as Ms,
                id: luck() as u32,
                job: luck() as u32,
                node: u32::MAX,
                exit: -(luck() as i32),
                wasted: u32::MAX,
                attempts: luck() as u16,
                retries: luck() as u16,
                requeues: u16::MAX,
                slots: luck() as u16,
                instances: luck() as u16,
                fate,
            };
            assert_eq!(TaskRecord::of_words(&record.words()), record);
            assert_eq!(TaskRecord::of_words(&TaskRecord { end: created, ..record }.words()).end, created);
            let row = SeriesRow {
                at: created,
                pool: luck() as u32,
                target: [luck() as u32, u32::MAX],
                nodes: std::array::from_fn(|_| std::array::from_fn(|_| luck() as u32)),
                active: luck() as i64,
                waiting: luck() as i64,
                preparing: luck() as i64,
                running: -1,
                succeeded: luck() as i64,
                failed: luck() as i64,
                slots: luck() as i64,
                slots_used: luck() as i64,
                cost: -(luck() as i64),
            };
            assert_eq!(SeriesRow::of_words(&row.words()), row);
            let state = |x: u64| NodeState::ALL.get(x as usize % 17).copied();
            let (from, to, why) = (state(luck()), state(luck()), Why::ALL[luck() as usize % Why::ALL.len()]);
            let change = NodeChange { at: created, node: luck() as u32, from, to, why };
            assert_eq!(NodeChange::of_words(&change.words()), change);
            let span = NodeSpan {
                node: luck() as u32,
                pool: luck() as u32,
                class: Class::BOTH[luck() as usize % 2],
                from: created,
                to: start,
                cost: luck() as i64,
            };
            assert_eq!(NodeSpan::of_words(&span.words()), span);
        }
    }
}
