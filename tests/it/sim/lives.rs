//! Lives of schedules, disks and samplers; refusals and failures that have a code of their own; findings told once.

use super::{rules::resize, support::*};
use poolcast::{
    DeallocationOption as Dealloc, Metric,
    sim::{
        Simulation,
        config::*,
        resize::code,
        world::{JobState, NodeState},
    },
};

/// A job every hour that runs ten minutes, on the pool that is there.
fn hourly(release: Ms) -> Simulation {
    let mut j = job("j", vec![TaskConfig::new("t", 0, 10 * MINUTE)]);
    j.on_all_tasks_complete = OnAllComplete::TerminateJob;
    j.preparation = Some(PreparationTask { duration: 0, failure: 0.0, wait_for_success: true, rerun_on_reboot: true });
    j.release = Some(ReleaseTask { duration: release, max_wall_clock: 15 * MINUTE });
    let schedule = ScheduleConfig { id: "s".into(), recurrence: HOUR, job: j, ..ScheduleConfig::default() };
    let pools = vec![instant_pool(1, 0)];
    simulate(Config { pools, schedules: vec![schedule], horizon: DAY, ..Config::default() })
}

fn ask(sim: &mut Simulation, action: fn(String) -> Action) -> Result<(), (u16, &'static str)> {
    let answer = sim.act(&action("s".into())).map_err(|r| (r.status, r.code));
    sim.check_invariants().unwrap();
    answer
}
const TERMINATE: fn(String) -> Action = |schedule| Action::TerminateSchedule { schedule };
const DELETE: fn(String) -> Action = |schedule| Action::DeleteSchedule { schedule };
const DISABLE: fn(String) -> Action = |schedule| Action::DisableSchedule { schedule };
const ENABLE: fn(String) -> Action = |schedule| Action::EnableSchedule { schedule };

#[test]
fn a_disabled_schedule_starts_nothing_until_it_is_enabled() {
    let mut sim = hourly(0);
    sim.run_until(90 * MINUTE);
    assert_eq!(ask(&mut sim, DISABLE), Ok(()));
    assert_eq!(ask(&mut sim, DISABLE), Err((409, "JobScheduleDisabled")));
    sim.run_until(250 * MINUTE);
    assert_eq!(sim.jobs().count(), 2);
    assert_eq!(ask(&mut sim, ENABLE), Ok(()));
    sim.run_until(310 * MINUTE);
    assert!(sim.jobs().count() > 2);
}

#[test]
fn a_terminated_schedule_is_over_when_its_job_is() {
    let mut sim = hourly(5 * MINUTE);
    sim.run_until(65 * MINUTE);
    assert_eq!(ask(&mut sim, TERMINATE), Ok(()));
    // The release task takes five minutes more.
    assert_eq!(sim.job("s:job-2"), Some((JobState::Terminating, Some("TerminateJobSchedule"))));
    assert_eq!(ask(&mut sim, TERMINATE), Err((409, "JobScheduleBeingTerminated")));
    sim.run_until(75 * MINUTE);
    assert_eq!(ask(&mut sim, ENABLE), Err((409, "JobScheduleCompleted")));
    sim.run();
    assert_eq!((sim.jobs().count(), sim.task_totals().1), (2, 2));
    assert_eq!(ask(&mut sim, DELETE), Ok(()));
    assert_eq!(ask(&mut sim, DELETE), Err((404, "JobScheduleNotFound")));
}

#[test]
fn a_deleted_schedule_takes_its_jobs_along() {
    let mut sim = hourly(5 * MINUTE);
    sim.run_until(65 * MINUTE);
    assert_eq!(ask(&mut sim, DELETE), Ok(()));
    assert_eq!(ask(&mut sim, DELETE), Err((409, "JobScheduleBeingDeleted")));
    let states = |sim: &Simulation| sim.jobs().map(|j| j.state).collect::<Vec<_>>();
    assert_eq!(states(&sim), [JobState::Removed, JobState::Deleting]);
    sim.run();
    assert_eq!(states(&sim), [JobState::Removed, JobState::Removed]);
    assert_eq!(ask(&mut sim, DELETE), Err((404, "JobScheduleNotFound")));
}

#[test]
fn a_disabled_schedule_still_counts_towards_the_quota_and_a_completed_one_does_not() {
    for (action, refused) in [(DISABLE, true), (TERMINATE, false)] {
        let mut config = hourly(0).config().clone();
        config.accounts[0].active_jobs = 1;
        let mut sim = simulate(config);
        sim.run_until(30 * MINUTE);
        // The first occurrence finds the quota used up by its own schedule.
        assert!(sim.output().refused.iter().any(|r| r.refusal.code == "ActiveJobAndScheduleQuotaReached"));
        ask(&mut sim, action).unwrap();
        let answer = sim.act(&Action::AddJob(Box::new(job("more", vec![])))).map_err(|r| r.code);
        assert_eq!(answer.is_err(), refused);
    }
}

#[test]
fn auto_pools_that_cannot_be_made_end_their_job_with_a_code() {
    let failed = |pool: PoolConfig, pools: u32| {
        let mut j = job("j", vec![TaskConfig::new("t", 0, MINUTE)]);
        let (prefix, lifetime) = ("auto".into(), PoolLifetime::Job);
        j.pool = PoolRef::Auto(Box::new(AutoPool { prefix, lifetime, keep_alive: false, pool }));
        let mut c = Config { jobs: vec![j], horizon: HOUR, ..Config::default() };
        c.accounts[0].pools = pools;
        let mut sim = simulate(c);
        sim.run();
        sim.job("j").unwrap()
    };
    let with = |formula: &str| PoolConfig { formula: Some(formula.into()), ..quiet_pool(0, 0) };
    let completed = |why| (JobState::Completed, Some(why));
    assert_eq!(failed(quiet_pool(1, 0), 0), completed("AutoPoolCreationFailedWithQuotaReached"));
    assert_eq!(failed(with("what is this"), 9), completed("InvalidAutoScaleFormulaInAutoPool"));
    assert_eq!(failed(with(&"x = 1;".repeat(2000)), 9), completed("InvalidAutoScaleFormulaInAutoPool"));
}

#[test]
fn a_terminated_task_tells_its_failure() {
    let mut sim = simulate(scenario(instant_pool(1, 0), vec![job("j", vec![TaskConfig::new("t", 0, HOUR)])], HOUR));
    sim.run_until(MINUTE);
    sim.act(&Action::TerminateTask { task: 0 }).unwrap();
    assert!(sim.why_task(0).iter().any(|line| line.ends_with("usererror TaskEnded")));
}

#[test]
fn virtual_machine_pools_refuse_to_reimage() {
    for reimage in [false, true] {
        let mut sim = simulate(scenario(PoolConfig { reimage, ..instant_pool(1, 0) }, vec![], HOUR));
        sim.run_until(MINUTE);
        let answer =
            sim.act(&Action::ReimageNode { node: 0, option: Dealloc::Requeue }).map_err(|r| (r.status, r.code));
        assert_eq!(answer, if reimage { Ok(()) } else { Err((409, "OperationNotValidOnNode")) });
        assert_eq!(sim.node_state(0) == Some(NodeState::Reimaging), reimage);
    }
}

#[test]
fn a_virtual_network_gives_fifty_nodes_per_set() {
    let mut c = scenario(PoolConfig { network_sets: 1, ..instant_pool(60, 0) }, vec![], HOUR);
    c.accounts[0].dedicated_cores = 1000;
    let mut sim = simulate(c);
    sim.run();
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.current, view.errors[0].code), ([50, 0], code::Failed));
}

#[test]
fn a_full_disk_recovers_if_it_is_said_to() {
    for recovers in [false, true] {
        let mut pool = instant_pool(1, 0);
        pool.node.disk_full_recovers = recovers;
        let mut sim = simulate(scenario(pool, vec![job("j", vec![TaskConfig::new("t", 0, 10 * MINUTE)])], 2 * HOUR));
        sim.run_until(MINUTE);
        sim.act(&Action::FailNode { node: 0, fault: NodeFault::DiskFull }).unwrap();
        assert_eq!(sim.node_state(0), Some(NodeState::Unusable));
        sim.run();
        let state = if recovers { NodeState::Idle } else { NodeState::Unusable };
        assert_eq!((sim.node_state(0), sim.task_totals().1), (Some(state), u64::from(recovers)));
    }
}

#[test]
fn a_task_is_reported_again_when_nodes_get_fewer_slots() {
    let mut wide = TaskConfig::new("wide", 0, MINUTE);
    wide.slots = 4;
    let pool = PoolConfig { task_slots: 2, ..instant_pool(0, 0) };
    let mut sim = simulate(scenario(pool, vec![job("j", vec![wide])], HOUR));
    let lines = super::golden::listen(&mut sim);
    for (at, task_slots) in [(10, 1), (20, 4), (30, 3)] {
        sim.run_until(at * MINUTE);
        sim.act(&Action::UpdatePool { pool: "pool".into(), task_slots }).unwrap();
    }
    sim.act(&resize(1, Dealloc::Requeue)).unwrap();
    sim.run();
    assert_eq!(sim.task_totals().1, 0);
    drop(sim);
    let fails: Vec<_> = lines.iter().filter(|l| l.event == "task_schedule_fail").map(|l| l.at).collect();
    assert_eq!(fails, [0, 10 * MINUTE, 30 * MINUTE]);
}

#[test]
fn the_phase_moves_every_sample() {
    for phase in [0, 20 * SECOND] {
        let mut pool = PoolConfig { create_at: MINUTE, ..instant_pool(1, 0) };
        pool.sampler.phase = phase;
        let mut c = scenario(pool, vec![], 10 * MINUTE);
        c.output.every_metric = true;
        let mut sim = simulate(c);
        sim.run();
        let samples = sim.samples(0);
        let samples = samples.get(Metric::ActiveTasks);
        let at: Vec<_> = (0..3).map(|i| samples.measured(i)).collect();
        let period = 30 * SECOND;
        assert_eq!(at, [0, 1, 2].map(|k| sim.instant(MINUTE + phase + k * period)));
    }
}

#[test]
fn most_nodes_at_once_is_no_sum_of_peaks() {
    let mut c = scenario(instant_pool(3, 0), vec![], 3 * HOUR);
    c.pools.push(PoolConfig { id: "late".into(), create_at: 2 * HOUR, ..instant_pool(2, 0) });
    c.actions = vec![TimedAction { at: HOUR, action: resize(1, Dealloc::Requeue) }];
    let mut sim = simulate(c);
    sim.run();
    let summary = sim.summary();
    assert_eq!(summary.pools.iter().map(|p| p.most_nodes[0]).sum::<u32>(), 5);
    assert_eq!(summary.most_nodes, 3);
}

#[test]
fn tasks_that_never_run_come_first_and_a_cause_is_told_once() {
    // Twenty cores are five nodes of four; growth beyond is asked for every hour, for a while with quota and no capacity.
    let mut wide = TaskConfig::new("wide", 0, MINUTE);
    wide.slots = 9;
    let mut c = scenario(quiet_pool(10, 0), vec![job("j", vec![wide])], DAY);
    c.accounts[0].dedicated_cores = 20;
    let action = || resize(10, Dealloc::Requeue);
    c.actions = (1..9).map(|k| TimedAction { at: k * HOUR, action: action() }).collect();
    let quota = |cores| Action::SetQuota { account: 0, dedicated_cores: Some(cores), spot_cores: None };
    let changes = [(4 * HOUR - 1, quota(100)), (6 * HOUR - 1, quota(20))];
    c.actions.extend(changes.map(|(at, action)| TimedAction { at, action }));
    c.capacity = vec![
        CapacityStep { from: 4 * HOUR, vm: None, dedicated: Some(0), spot: None, code: "AllocationTimedout".into() },
        CapacityStep { from: 6 * HOUR, vm: None, dedicated: None, spot: None, code: "AllocationTimedout".into() },
    ];
    let mut sim = simulate(c);
    sim.run();
    let found = sim.findings();
    assert_eq!(found[0].kind, "never-runs");
    assert!(found[0].text.contains("ask for fewer slots"), "{}", found[0].text);
    let quota: Vec<_> = found.iter().filter(|f| f.kind == "quota-blocked").collect();
    let lines = &quota[0].evidence;
    assert_eq!((quota.len(), lines.len()), (1, 1), "{lines:?}");
    assert!(lines[0].contains("AccountCoreQuotaReached (target 10+0, got 5+0), and "), "{lines:?}");
    let rest = found.iter().filter(|f| f.kind == "off-target").flat_map(|f| &f.evidence);
    assert!(rest.clone().any(|l| l.contains("AllocationTimedout")) && !rest.clone().any(|l| l.contains("Quota")));
}
