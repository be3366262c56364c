//! One test for each deallocation option, quota, resize error, refusal and node transition.

use super::support::*;
use poolcast::{
    DeallocationOption as Dealloc,
    sim::{
        Simulation,
        config::*,
        output::Fate,
        resize::{CATALOGUE, code},
        world::{AllocationState, JobState, PoolState},
    },
};

pub fn resize(n: u32, option: Dealloc) -> Action {
    Action::Resize { pool: "pool".into(), dedicated: Some(n), spot: None, timeout: None, option: Some(option) }
}

/// A pool with one node, busy for ten minutes from t = 0.
pub fn busy(retention: Ms) -> Simulation {
    let mut task = TaskConfig::new("t", 0, 10 * MINUTE);
    task.retention = Some(retention);
    simulate(scenario(instant_pool(1, 0), vec![job("j", vec![task])], 3 * DAY))
}

/// It is asked to shrink to nothing after a minute.
fn shrink_busy(option: Dealloc, retention: Ms) -> Simulation {
    let mut sim = busy(retention);
    sim.run_until(MINUTE);
    sim.act(&resize(0, option)).unwrap();
    sim
}

fn gone_at(sim: &Simulation) -> Ms {
    sim.output().node_changes.iter().find(|c| c.to.is_none()).map_or(-1, |c| c.at)
}

#[test]
fn requeue_kills_at_once_and_counts() {
    let mut sim = shrink_busy(Dealloc::Requeue, 0);
    sim.run_until(5 * MINUTE);
    // One minute of asking, five seconds of killing, one minute of deleting.
    assert_eq!(gone_at(&sim), 2 * MINUTE + 5 * SECOND);
    assert_eq!(sim.pool_by_id("pool").unwrap().counts.active, 1);
    sim.act(&resize(1, Dealloc::Requeue)).unwrap();
    sim.run();
    let r = sim.output().tasks.get(0).unwrap();
    assert_eq!((r.fate, r.requeues, r.retries, r.attempts, r.wasted), (Fate::Success, 1, 0, 2, 60_000));
}

#[test]
fn terminate_ends_the_task_for_good() {
    let mut sim = shrink_busy(Dealloc::Terminate, 0);
    sim.run_until(5 * MINUTE);
    let r = sim.output().tasks.get(0).unwrap();
    assert_eq!((r.fate, r.end, gone_at(&sim)), (Fate::Terminated, MINUTE, 2 * MINUTE + 5 * SECOND));
}

#[test]
fn taskcompletion_waits_for_the_task() {
    let mut sim = shrink_busy(Dealloc::TaskCompletion, DAY);
    sim.run();
    assert_eq!((sim.output().tasks.get(0).unwrap().end, gone_at(&sim)), (10 * MINUTE, 11 * MINUTE));
}

#[test]
fn retaineddata_waits_for_the_retention_too() {
    let mut sim = shrink_busy(Dealloc::RetainedData, 3 * MINUTE);
    sim.run();
    assert_eq!(gone_at(&sim), 14 * MINUTE);
    // A day of retention outlives the timeout: the node comes back and the pool shows it.
    let mut sim = shrink_busy(Dealloc::RetainedData, DAY);
    sim.run_until(HOUR);
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.current, view.allocation, view.errors[0].code), ([1, 0], AllocationState::Steady, code::TimedOut));
}

#[test]
fn every_quota_stops_growth_with_its_code() {
    let grow = |spot: bool, change: &dyn Fn(&mut Config)| {
        let mut c = scenario(if spot { instant_pool(0, 10) } else { instant_pool(10, 0) }, vec![], HOUR);
        c.accounts[0].spot_cores = 400;
        change(&mut c);
        let mut sim = simulate(c);
        sim.run();
        let view = sim.pool_by_id("pool").unwrap();
        sim.check_invariants().unwrap();
        (view.current[usize::from(spot)], view.errors.first().map(|e| e.code))
    };
    assert_eq!(grow(false, &|_| {}), (10, None));
    assert_eq!(grow(false, &|c| c.accounts[0].dedicated_cores = 15), (3, Some(code::AccountCoreQuota)));
    let family = |c: &mut Config| c.accounts[0].per_family = vec![("STANDARDDDSV5FAMILY".into(), 8)];
    assert_eq!(grow(false, &family), (2, Some(code::FamilyQuota)));
    let unenforced = |c: &mut Config| {
        family(c);
        c.accounts[0].per_family_enforced = false;
    };
    assert_eq!(grow(false, &unenforced), (10, None));
    assert_eq!(grow(true, &|c| c.accounts[0].spot_cores = 7), (1, Some(code::LowPriorityQuota)));
    let user = |c: &mut Config| {
        c.accounts[0].spot_cores = 7;
        c.accounts[0].mode = AllocationMode::UserSubscription;
    };
    assert_eq!(grow(true, &user), (1, Some(code::SpotQuota)));
    let subnet = |c: &mut Config| c.pools[0].subnet_addresses = 4;
    assert_eq!(grow(false, &subnet), (4, Some(code::Failed)));
    let mpi = |c: &mut Config| {
        c.pools[0].inter_node = true;
        c.pools[0].target_dedicated = 120;
        c.accounts[0].dedicated_cores = 4000;
    };
    assert_eq!(grow(false, &mpi), (100, Some(code::InterNode)));
}

#[test]
fn two_pools_race_for_one_quota_and_the_earlier_one_wins() {
    let mut c = scenario(instant_pool(4, 0), vec![], HOUR);
    c.accounts[0].dedicated_cores = 24;
    c.pools.push(PoolConfig { id: "late".into(), create_at: 1, ..instant_pool(4, 0) });
    let mut sim = simulate(c);
    sim.run();
    assert_eq!(sim.pool_by_id("pool").unwrap().current, [4, 0]);
    assert_eq!(sim.pool_by_id("late").unwrap().current, [2, 0]);
}

#[test]
fn pool_and_job_quotas_refuse() {
    let mut c = scenario(instant_pool(0, 0), vec![job("a", vec![]), job("b", vec![])], HOUR);
    c.accounts[0].pools = 1;
    c.accounts[0].active_jobs = 1;
    c.pools.push(PoolConfig { id: "second".into(), ..instant_pool(0, 0) });
    let mut sim = simulate(c);
    sim.run();
    let codes: Vec<_> = sim.output().refused.iter().map(|r| r.refusal.code).collect();
    assert_eq!(codes, ["ActiveJobAndScheduleQuotaReached", "PoolQuotaReached"]);
}

#[test]
fn every_resize_error_of_the_catalogue_can_be_had() {
    for (name, text) in CATALOGUE {
        let mut c = scenario(instant_pool(if *name == code::RemoveFailed { 0 } else { 2 }, 0), vec![], HOUR);
        c.faults = vec![ResizeFault {
            from: 0,
            until: 30 * MINUTE,
            pool: "pool".into(),
            code: (*name).to_lowercase(),
            reason: Some(poolcast::sim::resize::INTERNAL_ERROR.into()),
        }];
        if *name == code::RemoveFailed {
            c.pools[0].create_at = 0;
            c.faults[0].code = code::RemoveFailed.into();
            c.pools[0].target_dedicated = 2;
        }
        let mut sim = simulate(c);
        sim.run_until(10 * MINUTE);
        if *name == code::RemoveFailed {
            sim.act(&resize(0, Dealloc::Requeue)).unwrap();
        }
        sim.run_until(29 * MINUTE);
        let view = sim.pool_by_id("pool").unwrap();
        assert_eq!(view.errors.first().map(|e| e.code), Some(*name), "{name}: {view:?}");
        assert_eq!(view.errors[0].message, text.replace("{class}", "dedicated"));
        // Persistent until the next resize, which succeeds.
        sim.run_until(31 * MINUTE);
        sim.act(&resize(1, Dealloc::Requeue)).unwrap();
        sim.run();
        let view = sim.pool_by_id("pool").unwrap();
        assert!(view.errors.is_empty() && view.current == [1, 0], "{name}: {view:?}");
    }
}

#[test]
fn stop_resize_keeps_what_there_is() {
    let mut sim = simulate(scenario(quiet_pool(5, 0), vec![], HOUR));
    sim.run_until(MINUTE / 2);
    sim.act(&Action::StopResize { pool: "pool".into() }).unwrap();
    sim.run();
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.current, view.target, view.errors[0].code), ([0, 0], [5, 0], code::Stopped));
}

#[test]
fn the_service_refuses_with_its_codes() {
    let mut sim = Simulation::new(
        scenario(quiet_pool(2, 0), vec![], HOUR),
        Default::default(),
        formula(&[], |_| (1, Dealloc::Requeue)),
    )
    .unwrap();
    sim.run_until(SECOND);
    let pool = || "pool".to_string();
    let code = |sim: &mut Simulation, a: Action| sim.act(&a).map_err(|r| (r.status, r.code));
    let enable = || Action::EnableAutoscale { pool: pool(), formula: Some("f".into()), interval: None };
    let resizing = Err((409, "PoolBeingResized"));
    assert_eq!(code(&mut sim, resize(1, Dealloc::Requeue)), resizing);
    assert_eq!(code(&mut sim, enable()), resizing);
    let remove = Action::RemoveNodes { pool: pool(), nodes: vec![0], timeout: None, option: None };
    assert_eq!(code(&mut sim, remove.clone()), resizing);
    sim.run_until(10 * MINUTE);
    let short = Action::Resize { pool: pool(), dedicated: Some(1), spot: None, timeout: Some(MINUTE), option: None };
    assert_eq!(code(&mut sim, short), Err((400, "InvalidPropertyValue")));
    assert_eq!(code(&mut sim, Action::DisableAutoscale { pool: pool() }), Err((409, "AutoScaleNotEnabled")));
    assert_eq!(code(&mut sim, enable()), Ok(()));
    assert_eq!(code(&mut sim, enable()), Err((409, "TooManyEnableAutoScaleRequests")));
    assert_eq!(code(&mut sim, resize(1, Dealloc::Requeue)), Err((409, "AutoScalingEnabled")));
    sim.run_until(20 * MINUTE);
    assert_eq!(sim.pool_by_id("pool").unwrap().current, [1, 0]);
    assert_eq!(code(&mut sim, Action::DeletePool { pool: pool() }), Ok(()));
    assert_eq!(code(&mut sim, Action::DeletePool { pool: pool() }), Err((409, "PoolBeingDeleted")));
    sim.run();
    assert_eq!(sim.pools().next().unwrap().state, PoolState::Removed);
    assert_eq!(code(&mut sim, Action::DeletePool { pool: pool() }), Err((404, "PoolNotFound")));
    assert_eq!(code(&mut sim, Action::TerminateJob { job: "x".into() }), Err((404, "JobNotFound")));
}

#[test]
fn removed_nodes_are_not_replaced() {
    let mut sim = simulate(scenario(instant_pool(3, 0), vec![], HOUR));
    sim.run_until(MINUTE);
    let action = Action::RemoveNodes { pool: "pool".into(), nodes: vec![1], timeout: None, option: None };
    sim.act(&action).unwrap();
    sim.run();
    assert_eq!((sim.nodes_of(0), sim.pool_by_id("pool").unwrap().target), (vec![0, 2], [2, 0]));
}

#[test]
fn a_gang_needs_idle_nodes_and_inter_node_communication() {
    let run = |inter_node| {
        let mut task = TaskConfig::new("mpi", 0, HOUR);
        task.instances = 3;
        let mut pool = instant_pool(0, 3);
        pool.inter_node = inter_node;
        let mut sim = simulate(scenario(pool, vec![job("j", vec![task])], 10 * HOUR));
        sim.run_until(30 * MINUTE);
        let running = sim.pool_by_id("pool").unwrap().counts.running;
        // Losing one node loses the whole task.
        sim.act(&Action::PreemptNode { node: 1 }).unwrap();
        sim.run_until(31 * MINUTE);
        sim.check_invariants().unwrap();
        (running, sim.pool_by_id("pool").unwrap().counts.active)
    };
    assert_eq!(run(true), (3, 3));
    assert_eq!(run(false), (0, 3));
}

#[test]
fn preemption_runs_the_task_again_without_a_retry() {
    let mut pool = instant_pool(0, 1);
    pool.spot.restore_mean = MINUTE;
    let mut sim = simulate(scenario(pool, vec![job("j", vec![TaskConfig::new("t", 0, HOUR)])], DAY));
    sim.run_until(30 * MINUTE);
    sim.act(&Action::PreemptNode { node: 0 }).unwrap();
    sim.run();
    let r = sim.output().tasks.get(0).unwrap();
    assert_eq!((r.fate, r.attempts, r.retries, r.requeues, r.node), (Fate::Success, 2, 0, 0, 0));
    assert!(sim.why_node(0).iter().any(|l| l.contains("evicted")));
}

#[test]
fn retries_wall_clock_and_exit_conditions() {
    let mut failing = TaskConfig::new("failing", 0, MINUTE);
    failing.exit = Some(ExitModel { codes: vec![(7, 1.0)], ..ExitModel::default() });
    failing.retries = Some(2);
    let mut slow = TaskConfig::new("slow", 0, HOUR);
    slow.max_wall_clock = Some(5 * MINUTE);
    let mut blocked = TaskConfig::new("blocked", 0, MINUTE);
    blocked.depends_on = vec!["slow".into()];
    let mut after = TaskConfig::new("9", 0, MINUTE);
    after.depends_on = vec!["failing".into()];
    let mut ranged = TaskConfig::new("ranged", 0, MINUTE);
    ranged.depends_on_ranges = vec![(9, 9)];
    let satisfy = ExitAction { job: Some(JobAction::None), satisfy: Some(true) };
    failing.exit_conditions = Some(ExitConditions { codes: vec![(7, satisfy)], ..ExitConditions::default() });
    let jobs = vec![job("j", vec![failing, slow, blocked, after, ranged])];
    let mut sim = simulate(scenario(instant_pool(5, 0), jobs, DAY));
    sim.run();
    let fate = |id: u32| sim.output().tasks.iter().find(|r| r.id == id).map(|r| (r.fate, r.attempts, r.end));
    assert_eq!(fate(0), Some((Fate::Failure, 3, 3 * MINUTE)));
    assert_eq!(fate(1), Some((Fate::WallClock, 1, 5 * MINUTE)));
    assert_eq!(fate(2), None);
    assert_eq!(fate(3), Some((Fate::Success, 1, 4 * MINUTE)));
    assert_eq!(fate(4), Some((Fate::Success, 1, 5 * MINUTE)));
    assert_eq!(sim.pool_by_id("pool").unwrap().counts.waiting, 1);
}

#[test]
fn jobs_close_by_themselves_with_prep_and_release() {
    let mut j = job("j", vec![TaskConfig::new("t", 0, MINUTE)]);
    j.on_all_tasks_complete = OnAllComplete::TerminateJob;
    j.preparation =
        Some(PreparationTask { duration: MINUTE, failure: 0.0, wait_for_success: true, rerun_on_reboot: true });
    j.release = Some(ReleaseTask { duration: HOUR, max_wall_clock: 15 * MINUTE });
    let mut sim = simulate(scenario(instant_pool(1, 0), vec![j], DAY));
    sim.run_until(10 * MINUTE);
    assert_eq!(sim.job("j"), Some((JobState::Terminating, Some("AllTasksComplete"))));
    assert_eq!(sim.output().tasks.get(0).map(|r| (r.start, r.end)), Some((MINUTE, 2 * MINUTE)));
    sim.run_until(17 * MINUTE);
    assert_eq!(sim.job("j").unwrap().0, JobState::Completed);
}

#[test]
fn priority_fill_and_affinity() {
    let mut low = job("low", vec![TaskConfig::new("l", 0, HOUR)]);
    low.priority = -10;
    let mut high = job("high", vec![TaskConfig::new("h", 0, HOUR)]);
    high.priority = 10;
    let mut sim = simulate(scenario(quiet_pool(1, 0), vec![low, high], DAY));
    sim.run();
    let order: Vec<_> = sim.output().tasks.iter().map(|r| sim.task_name(r.id)).collect();
    assert_eq!(order, ["h", "l"]);
    for (fill, nodes) in [(Fill::Spread, vec![0, 1, 2, 0]), (Fill::Pack, vec![0, 0, 0, 0])] {
        let mut pool = instant_pool(3, 0);
        pool.task_slots = 4;
        pool.fill = fill;
        let tasks = (0..4).map(|i| TaskConfig::new(format!("{i}"), i, HOUR)).collect();
        let mut sim = simulate(scenario(pool, vec![job("j", tasks)], DAY));
        sim.run();
        let mut got: Vec<_> = sim.output().tasks.iter().map(|r| (r.id, r.node)).collect();
        got.sort_unstable();
        assert_eq!(got.into_iter().map(|(_, n)| n).collect::<Vec<_>>(), nodes, "{fill:?}");
    }
}

#[test]
fn schedules_and_auto_pools_live_and_die() {
    let mut j = job("j", vec![TaskConfig::new("t", 0, 10 * MINUTE)]);
    j.on_all_tasks_complete = OnAllComplete::TerminateJob;
    j.pool = PoolRef::Auto(Box::new(AutoPool {
        prefix: "nightly".into(),
        lifetime: PoolLifetime::Job,
        keep_alive: false,
        pool: quiet_pool(1, 0),
    }));
    let schedule = ScheduleConfig { id: "s".into(), recurrence: HOUR, job: j, ..ScheduleConfig::default() };
    let mut sim = simulate(Config { schedules: vec![schedule], horizon: 5 * HOUR - 1, ..Config::default() });
    sim.run();
    assert_eq!(sim.task_totals().1, 5);
    assert_eq!(sim.pools().filter(|p| p.state == PoolState::Removed).count(), 5);
    sim.check_invariants().unwrap();
}

/// A job manager on node 0, another job's task on node 1 (none: its own job's); then node 0 fails. Requeues of the task,
/// and when the manager started again.
fn manager_restarts(other: Option<i32>) -> (u16, Ms) {
    let manager = ManagerTask {
        task: TaskConfig::new("manager", 0, 10 * MINUTE),
        kill_job_on_completion: false,
        run_exclusive: other.is_none(),
        allow_spot_node: true,
    };
    let task = |submit| TaskConfig::new("task", submit, 2 * HOUR);
    let own = JobConfig { manager: Some(manager), ..job("own", vec![]) };
    let jobs = match other {
        None => vec![JobConfig { tasks: vec![task(SECOND)], ..own }],
        Some(priority) => {
            vec![own, JobConfig { priority, create_at: SECOND, ..job("other", vec![task(0)]) }]
        }
    };
    let mut pool = instant_pool(2, 0);
    (pool.node.recovery_min, pool.node.recovery_max) = (30 * MINUTE, 30 * MINUTE);
    let mut sim = simulate(scenario(pool, jobs, DAY));
    sim.run_until(MINUTE);
    sim.act(&Action::FailNode { node: 0, fault: NodeFault::HostFailure }).unwrap();
    sim.run();
    sim.check_invariants().unwrap();
    let record = |name: &str| sim.output().tasks.iter().find(|r| sim.task_name(r.id) == name).unwrap();
    assert_eq!((record("manager").attempts, record("task").fate), (2, Fate::Success));
    (record("task").requeues, record("manager").start)
}

#[test]
fn a_job_manager_that_restarts_may_take_the_room_of_a_task() {
    // Of its own job, and of one that matters less; five seconds to kill.
    let at_once = (1, MINUTE + 5 * SECOND);
    assert_eq!(manager_restarts(None), at_once);
    assert_eq!(manager_restarts(Some(-1)), at_once);
    // Across jobs only priorities count: it waits for its node.
    let recovered = (0, 31 * MINUTE);
    assert_eq!(manager_restarts(Some(0)), recovered);
    assert_eq!(manager_restarts(Some(10)), recovered);
}

#[test]
fn a_task_wider_than_a_node_is_reported_once_in_any_order() {
    for strict_order in [false, true] {
        let mut wide = TaskConfig::new("wide", 0, MINUTE);
        wide.slots = 2;
        let pool = PoolConfig { strict_order, create_at: MINUTE, ..instant_pool(1, 0) };
        let mut sim = simulate(scenario(pool, vec![job("j", vec![wide, TaskConfig::new("t", HOUR, MINUTE)])], DAY));
        let lines = super::golden::listen(&mut sim);
        sim.run();
        // Strict order holds the other task back for ever.
        assert_eq!(sim.task_totals().1, u64::from(!strict_order));
        drop(sim);
        let fails: Vec<_> = lines.iter().filter(|l| l.event == "task_schedule_fail").map(|l| (l.at, l.ids.0)).collect();
        assert_eq!(fails, [(MINUTE, 0)]);
    }
}
