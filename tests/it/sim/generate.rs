//! Random scenarios and random actions, for the tests here and for the fuzz target `scenario`.
//!
//! In: luck. Out: a simulation at its beginning, actions. Never: a check (that is whoever plays it).

use super::support::*;
use poolcast::sim::{
    Simulation,
    autoscale::Compiler,
    config::*,
    workload::{Exit, TaskExtra, Workload, WorkloadJob},
};
use poolcast::{DeallocationOption, Metric};
use std::sync::Arc;

/// Decisions: from bytes while there are any, so that a fuzzer can steer them one by one, then from a seed.
pub struct Luck {
    bytes: std::vec::IntoIter<u8>,
    seed: u64,
}

impl Luck {
    /// One number is one scenario.
    pub fn seeded(seed: u64) -> Luck {
        Luck { bytes: Vec::new().into_iter(), seed }
    }
    /// A few bytes are one scenario.
    #[allow(dead_code)] // for the fuzz target
    pub fn steered(bytes: &[u8]) -> Luck {
        Luck { bytes: Vec::from(bytes).into_iter(), seed: 0 }
    }
    fn next(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number below `n`, by as few bytes as can tell it.
    pub fn below(&mut self, n: u64) -> u64 {
        let wanted = (64 - (n - 1).leading_zeros() as usize).div_ceil(8).max(1);
        if self.bytes.len() < wanted {
            return self.next() % n;
        }
        self.bytes.by_ref().take(wanted).fold(0, |sum, b| sum << 8 | u64::from(b)) % n
    }
    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }
}

fn pool(l: &mut Luck, id: &str) -> PoolConfig {
    let mut p = quiet_pool(l.below(5) as u32, l.below(5) as u32);
    p.id = id.into();
    p.account = 0;
    p.create_at = if l.chance(80) { 0 } else { l.below(3_600_000) as i64 };
    p.task_slots = l.pick(&[1, 1, 2, 4, 8]);
    p.fill = l.pick(&[Fill::Spread, Fill::Pack]);
    p.job_order = l.pick(&[JobOrder::None, JobOrder::CreationTime]);
    p.strict_order = l.chance(15);
    p.inter_node = l.chance(30);
    p.subnet_addresses = if l.chance(10) { 4 } else { 0 };
    p.reimage = true;
    p.option = l.pick(&DeallocationOption::ALL);
    p.latency.alloc_sigma = l.pick(&[0.0, 0.4]);
    p.latency.alloc_median = l.pick(&[0, 60_000, 240_000]);
    p.latency.schedule_max = l.pick(&[0, 5000]);
    p.shrink.order = l.pick(&[
        ShrinkOrder::Ranked,
        ShrinkOrder::IdleFirst,
        ShrinkOrder::Random,
        ShrinkOrder::OldestFirst,
        ShrinkOrder::StaleView,
    ]);
    p.shrink.drain_timeout = l.pick(&[DrainTimeout::Revert, DrainTimeout::KeepDraining]);
    p.shrink.task_kill_latency = l.pick(&[0, 5000]);
    p.start_task.duration = l.pick(&[0, 20_000]);
    p.start_task.failure = l.pick(&[0.0, 0.3]);
    p.start_task.retries = l.pick(&[0, 2]);
    p.start_task.package_failure = l.pick(&[0.0, 0.1]);
    p.start_task.no_contact = l.pick(&[0.0, 0.1]);
    p.spot.eviction_p_per_hour = l.pick(&[0.0, 0.5, 0.95]);
    p.spot.storm_enter_per_hour = l.pick(&[0.0, 0.5]);
    p.spot.storm_batch = l.pick(&[0.0, 0.5]);
    p.spot.grace = l.pick(&[0, 30_000]);
    p.spot.cleanup_after = l.pick(&[NEVER, 1_800_000]);
    if l.chance(15) {
        p.spot.trace = (0..20).map(|_| l.chance(60)).collect();
        p.spot.trace_gap = 300_000;
    }
    p.node.mtbf = l.pick(&[NEVER, 3 * HOUR]);
    p.node.upgrade_interval = l.pick(&[NEVER, NEVER, 2 * HOUR]);
    p.node.upgrade_deferral = l.chance(50);
    p.autoscale.resize_overlap = l.pick(&[Overlap::Supersede, Overlap::Skip, Overlap::Queue]);
    p.autoscale.interval = 5 * MINUTE;
    if l.chance(50) {
        p.formula = Some("any".into());
    }
    p
}

fn task(l: &mut Luck, i: u64) -> TaskConfig {
    let mut t = TaskConfig::new(format!("{i}"), l.below(3_600_000) as i64, 1 + l.below(1_200_000) as i64);
    t.slots = l.pick(&[1, 1, 1, 2, 8]);
    t.retries = l.pick(&[None, Some(0), Some(2)]);
    t.max_wall_clock = l.pick(&[None, None, Some(300_000)]);
    t.retention = l.pick(&[None, Some(0), Some(600_000)]);
    if l.chance(20) && i > 0 {
        t.depends_on = vec![format!("{}", l.below(i))];
    }
    if l.chance(10) && i > 2 {
        t.depends_on_ranges = vec![(0, i / 2)];
    }
    if l.chance(15) {
        t.instances = 2;
    }
    if l.chance(20) {
        t.affinity_task = Some("0".into());
    }
    if l.chance(30) {
        t.exit = Some(ExitModel { codes: vec![(0, 0.5), (1, 0.5)], pre_processing_error: 0.1, upload_error: 0.1 });
    }
    if l.chance(20) {
        t.usage = Some(UsageModel::Uniform(Usage::default(), Usage { cpu: 50_000, memory: 9, ..Usage::default() }));
    }
    t
}

fn any_job(l: &mut Luck, id: &str) -> JobConfig {
    let n = l.below(8);
    let mut j = job(id, (0..n).map(|i| task(l, i)).collect());
    j.pool = PoolRef::Pool(l.pick(&["pool".to_string(), "other".to_string()]));
    j.priority = l.pick(&[0, 0, 10, -5]);
    j.max_parallel_tasks = l.pick(&[-1, -1, 2]);
    j.allow_task_preemption = l.chance(25);
    j.max_task_retry_count = l.pick(&[0, 1, -1]);
    j.max_wall_clock = l.pick(&[NEVER, NEVER, 2 * HOUR]);
    j.on_all_tasks_complete = l.pick(&[OnAllComplete::NoAction, OnAllComplete::TerminateJob]);
    j.on_task_failure = l.pick(&[OnTaskFailure::NoAction, OnTaskFailure::PerformExitOptionsJobAction]);
    j.exit_conditions.default =
        l.pick(&[None, Some(ExitAction { job: Some(JobAction::Disable), satisfy: Some(true) })]);
    if l.chance(30) {
        j.preparation = Some(PreparationTask {
            duration: l.pick(&[0, 30_000]),
            failure: l.pick(&[0.0, 0.5]),
            wait_for_success: l.chance(70),
            rerun_on_reboot: l.chance(50),
        });
        j.release = Some(ReleaseTask { duration: 60_000, max_wall_clock: 15 * MINUTE });
    }
    if l.chance(15) {
        j.manager = Some(ManagerTask {
            task: TaskConfig::new("manager", 0, 600_000),
            kill_job_on_completion: l.chance(50),
            run_exclusive: l.chance(50),
            allow_spot_node: l.chance(50),
        });
    }
    j
}

fn workload(l: &mut Luck) -> Workload {
    let n = l.below(40) as usize;
    let mut w = Workload { jobs: vec![WorkloadJob { id: "w".into(), priority: 0 }], ..Workload::default() };
    let mut at = 0;
    for i in 0..n as u32 {
        at += l.below(300_000);
        w.submit_ms.push(at);
        w.run_ms.push(l.below(900_000) as u32);
        w.slots.push(l.pick(&[1, 1, 2, 16]));
        w.job.push(0);
        w.exit.push(if l.chance(15) { Exit::Code(3) } else { Exit::Success });
        if l.chance(20) {
            let depends_on = if i > 0 && l.chance(50) { vec![l.below(u64::from(i)) as u32] } else { vec![] };
            w.extra.insert(
                i,
                TaskExtra { depends_on, instances: l.pick(&[1, 2]), cpu_percent: Some(30.0), ..TaskExtra::default() },
            );
        }
    }
    w
}

/// Something a user does.
pub fn action(l: &mut Luck) -> Action {
    let name = l.pick(&["pool".to_string(), "other".to_string()]);
    let job = l.pick(&["a".to_string(), "b".to_string(), "w".to_string()]);
    let node = l.below(12) as u32;
    let option = l.pick(&DeallocationOption::ALL);
    match l.below(24) {
        0..=3 => Action::Resize {
            pool: name,
            dedicated: Some(l.below(6) as u32),
            spot: Some(l.below(6) as u32),
            timeout: None,
            option: Some(option),
        },
        4 => Action::StopResize { pool: name },
        5 => Action::RemoveNodes { pool: name, nodes: vec![node], timeout: None, option: Some(option) },
        6 => Action::EnableAutoscale { pool: name, formula: Some("any".into()), interval: None },
        7 => Action::DisableAutoscale { pool: name },
        8 => Action::DisableJob {
            job,
            option: l.pick(&[DisableJobOption::Requeue, DisableJobOption::Terminate, DisableJobOption::Wait]),
        },
        9 => Action::EnableJob { job },
        10 => Action::TerminateJob { job },
        11 => Action::DeleteJob { job },
        12 => Action::AddTask { job, task: Box::new(task(l, 100 + node as u64)) },
        13 => Action::TerminateTask { task: l.below(50) as u32 },
        14 => Action::DeleteTask { task: l.below(50) as u32 },
        15 => Action::ReactivateTask { task: l.below(50) as u32 },
        16 => Action::RebootNode { node, option },
        17 => Action::ReimageNode { node, option },
        18 => Action::DeallocateNode { node, option },
        19 => Action::StartNode { node },
        20 => Action::DisableScheduling { node, option },
        21 => Action::EnableScheduling { node },
        22 => Action::PreemptNode { node },
        _ => match l.below(5) {
            0 => Action::DeletePool { pool: name },
            1 => Action::MoveJob { job, pool: name },
            2 => Action::SetQuota { account: 0, dedicated_cores: Some(20), spot_cores: None },
            3 => Action::UpgradeNode { node },
            _ => Action::FailNode {
                node,
                fault: l.pick(&[NodeFault::LostContact, NodeFault::HostFailure, NodeFault::DiskFull]),
            },
        },
    }
}

fn compiler() -> Compiler {
    formula(&[Metric::PendingTasks], |s| {
        let pending = s.series.get(Metric::PendingTasks).last(s.now, 1).first().copied().unwrap_or(2.0);
        let option = DeallocationOption::ALL[(pending as usize) % 4];
        (pending.min(6.0) as u32, option)
    })
}

/// A scenario at its beginning.
pub fn build(l: &mut Luck, seed: u64) -> Simulation {
    let mut config = Config { horizon: 4 * HOUR, seed, workload_pool: "pool".into(), ..Config::default() };
    config.accounts[0].dedicated_cores = l.pick(&[900, 12]);
    config.accounts[0].spot_cores = l.pick(&[100, 8]);
    config.accounts[0].per_family = l.pick(&[vec![], vec![("standardDDSv5Family".to_string(), 8)]]);
    config.pools = vec![pool(l, "pool"), pool(l, "other")];
    config.jobs = vec![any_job(l, "a"), any_job(l, "b")];
    if l.chance(20) {
        let mut job = any_job(l, "s");
        job.pool = PoolRef::Auto(Box::new(AutoPool {
            prefix: "auto".into(),
            lifetime: l.pick(&[PoolLifetime::Job, PoolLifetime::Schedule]),
            keep_alive: l.chance(30),
            pool: quiet_pool(2, 0),
        }));
        job.on_all_tasks_complete = OnAllComplete::TerminateJob;
        config.schedules = vec![ScheduleConfig { id: "s".into(), recurrence: HOUR, job, ..ScheduleConfig::default() }];
    }
    if l.chance(20) {
        config.capacity = vec![
            CapacityStep { from: 0, vm: None, dedicated: Some(2), spot: Some(1), code: "AllocationTimedout".into() },
            CapacityStep { from: HOUR, vm: None, dedicated: None, spot: Some(3), code: "AllocationFailed".into() },
        ];
    }
    Simulation::new(config, Arc::new(workload(l)), compiler()).expect("scenario")
}
