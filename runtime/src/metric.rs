//! The service metrics a formula can read: one row each.

/// Where a metric stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// In the current documentation.
    Current,
    /// An old name for a current metric; parsed to it with a warning.
    Alias,
    /// No longer documented; parsed, warned, never has samples from the service.
    Retired,
}

/// What a metric describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Counts of tasks.
    Task,
    /// Counts of nodes.
    Node,
    /// Resource use averaged over nodes.
    Resource,
}

macro_rules! metrics {
    ($( $id:ident $name:literal $kind:ident $status:ident $plain:literal $unit:literal $since:literal $evidence:literal $doc:literal; )*) => {
        /// A service metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Metric { $( #[doc = $doc] $id, )* }

        impl Metric {
            /// Every metric in catalogue order.
            pub const ALL: &'static [Metric] = &[ $( Metric::$id, )* ];
            /// Number of metrics.
            pub const COUNT: usize = Metric::ALL.len();
            /// Its row.
            pub fn row(self) -> &'static Row { &ROWS[self as usize] }
        }

        static ROWS: [Row; Metric::COUNT] = [ $( Row {
            metric: Metric::$id, name: $name, kind: Kind::$kind, status: Status::$status, plain: $plain,
            unit: $unit, since: $since, evidence: $evidence, doc: $doc,
        }, )* ];
    };
}

/// One row of the metric table.
#[derive(Debug)]
pub struct Row {
    /// The metric.
    pub metric: Metric,
    /// Its name with `$`.
    pub name: &'static str,
    /// Tasks, nodes or resources.
    pub kind: Kind,
    /// Current or retired.
    pub status: Status,
    /// Acts as a plain double without warning (language.md §0.2).
    pub plain: bool,
    /// Unit of the values.
    pub unit: &'static str,
    /// When it appeared, and when it went.
    pub since: &'static str,
    /// Evidence mark.
    pub evidence: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

metrics! {
    ActiveTasks "$ActiveTasks" Task Current false "tasks" "always" "DOC(S1)" "Tasks ready to run but not running; tasks with unmet dependencies are left out, multi-instance tasks count their instances.";
    RunningTasks "$RunningTasks" Task Current false "tasks" "always" "DOC(S1)" "Tasks in the running state.";
    PendingTasks "$PendingTasks" Task Current false "tasks" "2017-05" "DOC(S1)" "Active plus running tasks.";
    SucceededTasks "$SucceededTasks" Task Current false "tasks" "always" "DOC(S1)" "Tasks that finished successfully.";
    FailedTasks "$FailedTasks" Task Current false "tasks" "always" "DOC(S1)" "Tasks that failed.";
    TaskSlotsPerNode "$TaskSlotsPerNode" Node Current true "slots" "2021-04" "DOC(S2)" "Task slots each node of the pool has.";
    CurrentDedicatedNodes "$CurrentDedicatedNodes" Node Current true "nodes" "2017-05" "DOC(S1)" "Dedicated nodes in the pool now.";
    CurrentLowPriorityNodes "$CurrentLowPriorityNodes" Node Current true "nodes" "2017-05" "DOC(S1)" "Spot or low-priority nodes in the pool now, preempted ones included.";
    UsableNodeCount "$UsableNodeCount" Node Current false "nodes" "2024" "OBS(S11)" "Nodes that can run tasks.";
    PreemptedNodeCount "$PreemptedNodeCount" Node Current false "nodes" "2017-05" "DOC(S1)" "Nodes in the preempted state.";
    CpuPercent "$CPUPercent" Resource Current false "percent (scale not settled: documentation compares with 0.7)" "always" "DOC(S1)" "Average CPU use of the nodes.";
    SampleNodeCount "$SampleNodeCount" Node Retired false "nodes" "2016, gone by 2024" "DOC(S2)" "Nodes that delivered samples.";
    WallClockSeconds "$WallClockSeconds" Resource Retired false "seconds" "always, gone by 2024" "DOC(S2)" "Seconds consumed.";
    MemoryBytes "$MemoryBytes" Resource Retired false "megabytes, in spite of the name" "always, gone by 2024" "DOC(S2)" "Average memory in use.";
    DiskBytes "$DiskBytes" Resource Retired false "gigabytes, in spite of the name" "always, gone by 2024" "DOC(S2)" "Average disk space in use.";
    DiskReadBytes "$DiskReadBytes" Resource Retired false "bytes" "always, gone by 2024" "DOC(S2)" "Bytes read from disk.";
    DiskWriteBytes "$DiskWriteBytes" Resource Retired false "bytes" "always, gone by 2024" "DOC(S2)" "Bytes written to disk.";
    DiskReadOps "$DiskReadOps" Resource Retired false "operations" "always, gone by 2024" "DOC(S2)" "Disk reads.";
    DiskWriteOps "$DiskWriteOps" Resource Retired false "operations" "always, gone by 2024" "DOC(S2)" "Disk writes.";
    NetworkInBytes "$NetworkInBytes" Resource Retired false "bytes" "always, gone by 2024" "DOC(S2)" "Bytes received.";
    NetworkOutBytes "$NetworkOutBytes" Resource Retired false "bytes" "always, gone by 2024" "DOC(S2)" "Bytes sent.";
}

/// Old names of current metrics: (old, metric).
pub const ALIASES: &[(&str, Metric)] =
    &[("$CurrentDedicated", Metric::CurrentDedicatedNodes), ("$CurrentLowPriority", Metric::CurrentLowPriorityNodes)];

impl Metric {
    /// The name with `$`.
    pub fn name(self) -> &'static str {
        self.row().name
    }
    /// By name (with `$`), aliases included.
    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL
            .iter()
            .copied()
            .find(|m| m.name() == name)
            .or_else(|| ALIASES.iter().find(|(old, _)| *old == name).map(|(_, m)| *m))
    }
}
