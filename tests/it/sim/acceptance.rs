//! The eight acceptance scenarios taken from users' threads (pool.md (c)).

use super::support::*;
use poolcast::{
    DeallocationOption as Dealloc, Options,
    sim::{Simulation, autoscale::Compiler, config::*, resize::code, world::AllocationState},
};
use std::sync::Arc;

fn auto(formula: &str, pool: PoolConfig, jobs: Vec<JobConfig>, horizon: Ms) -> Simulation {
    let pool = PoolConfig { formula: Some(formula.into()), ..pool };
    Simulation::new(scenario(pool, jobs, horizon), Arc::default(), Compiler::of_formulas(Options::default())).unwrap()
}

fn long_tasks(n: u32, run: Ms) -> Vec<TaskConfig> {
    (0..n).map(|i| TaskConfig::new(format!("t{i}"), 0, run)).collect()
}

/// batch-shipyard#218: three long tasks under a formula that counts one metric and requeues.
pub fn s1(metric: &str) -> Simulation {
    let formula = format!(
        "n = {metric}.Count() == 0 ? 0 : {metric}.GetSample(1);\n$TargetDedicatedNodes = n;\n$NodeDeallocationOption = requeue;"
    );
    let mut pool = quiet_pool(0, 0);
    pool.autoscale.interval = 15 * MINUTE;
    auto(&formula, pool, vec![job("j", long_tasks(3, 3 * HOUR))], 6 * HOUR)
}

#[test]
fn s1_active_tasks_kill_what_they_started_and_pending_tasks_do_not() {
    let run = |metric: &str| {
        let mut sim = s1(metric);
        sim.run();
        (sim.pool_by_id("pool").unwrap().totals.lost[0], sim.task_totals().1)
    };
    let (killed, finished) = run("$ActiveTasks");
    assert!(killed >= 9 && finished == 0, "{killed} killed, {finished} finished");
    assert_eq!(run("$PendingTasks"), (0, 3));
}

/// batch-shipyard#138: a fresh pool whose formula wants seventy percent of ten minutes of samples.
pub fn s2() -> Simulation {
    let formula = "$s = $ActiveTasks.GetSample(10 * TimeInterval_Minute, 70); $TargetDedicatedNodes = max($s);";
    let mut pool = quiet_pool(0, 0);
    pool.autoscale.interval = 5 * MINUTE;
    auto(formula, pool, vec![job("j", long_tasks(2, HOUR))], HOUR)
}

#[test]
fn s2_insufficient_samples_until_fourteen_of_twenty_are_visible() {
    let mut sim = s2();
    sim.run();
    let runs: Vec<(Ms, bool)> = sim.output().runs.iter().map(|r| (r.at / MINUTE, r.result.is_ok())).collect();
    assert_eq!(&runs[..4], [(0, false), (5, false), (10, true), (15, true)]);
    let first = sim.output().runs.get(0).unwrap();
    assert_eq!(first.result.as_ref().unwrap_err().code, "InsufficientSampleData");
    assert_eq!((first.before, first.applied), ([0, 0], false));
    assert!(sim.findings().iter().any(|f| f.kind == "failed-evaluation"));
}

/// Azure/Batch#117: a task of eight slots, nodes of four.
pub fn s3() -> Simulation {
    let mut pool = quiet_pool(0, 0);
    pool.task_slots = 4;
    let mut tasks = long_tasks(1, HOUR);
    tasks[0].slots = 8;
    let formula =
        "n = $PendingTasks.Count() == 0 ? 0 : $PendingTasks.GetSample(1); $TargetDedicatedNodes = n > 0 ? 5 : 0;";
    auto(formula, pool, vec![job("j", tasks)], DAY)
}

#[test]
fn s3_a_task_wider_than_a_node_holds_the_pool_at_its_maximum_for_ever() {
    let mut sim = s3();
    sim.run();
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.current, view.counts.active, view.counts.running), ([5, 0], 1, 0));
    let never = sim.findings().into_iter().find(|f| f.kind == "never-runs").unwrap();
    assert!(never.text.contains("need 8 slots"), "{}", never.text);
    assert!(sim.why_task(0).iter().any(|l| l.contains("never run")));
}

/// Takes no account of preempted nodes.
pub const S4_NAIVE: &str = "n = $PendingTasks.Count() == 0 ? 1 : $PendingTasks.GetSample(1); \
     $TargetLowPriorityNodes = min(40, n); $NodeDeallocationOption = taskcompletion;";
/// Gives the preempted nodes back first.
pub const S4_CORRECTED: &str = "n = $PendingTasks.Count() == 0 ? 1 : $PendingTasks.GetSample(1); \
     p = $PreemptedNodeCount.Count() == 0 ? 0 : $PreemptedNodeCount.GetSample(1); \
     $TargetLowPriorityNodes = p > 0 ? max(0, $CurrentLowPriorityNodes - p) : min(40, n); \
     $NodeDeallocationOption = taskcompletion;";

/// nextflow#5545: Spot nodes that live for an hour and never come back.
pub fn s4(formula: &str) -> Simulation {
    let mut pool = quiet_pool(0, 0);
    pool.spot.eviction_p_per_hour = 0.632;
    pool.spot.restore_mean = NEVER;
    pool.spot.unusable_first_p = 0.0;
    pool.autoscale.interval = 5 * MINUTE;
    let mut c = scenario(PoolConfig { formula: Some(formula.into()), ..pool }, vec![], 12 * HOUR);
    c.accounts[0].spot_cores = 4000;
    c.jobs = vec![job("j", long_tasks(400, 40 * MINUTE))];
    Simulation::new(c, Arc::default(), Compiler::of_formulas(Options::default())).unwrap()
}

#[test]
fn s4_preempted_nodes_pile_up_unless_the_formula_subtracts_them() {
    let share = |formula: &str| {
        let mut sim = s4(formula);
        sim.run_until(4 * HOUR);
        let view = sim.pool_by_id("pool").unwrap();
        let preempted = view.nodes[1][poolcast::sim::world::NodeState::Preempted as usize];
        (preempted, view.nodes[1].iter().sum::<u32>(), view.counts.succeeded)
    };
    let (naive, corrected) = (share(S4_NAIVE), share(S4_CORRECTED));
    assert!(naive.0 * 10 >= naive.1 * 8, "naive: {naive:?}");
    assert!(corrected.0 * 2 < corrected.1.max(1), "corrected: {corrected:?}");
    assert!(corrected.2 > 2 * naive.2, "{corrected:?} {naive:?}");
}

/// A quota of twenty cores, nodes of four, a target of ten.
pub fn s5() -> Simulation {
    let mut c = scenario(quiet_pool(10, 0), vec![], DAY);
    c.accounts[0].dedicated_cores = 20;
    simulate(c)
}

#[test]
fn s5_twenty_cores_are_five_nodes_and_one_error_until_the_next_resize() {
    let mut sim = s5();
    sim.run_until(HOUR);
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.current, view.allocation), ([5, 0], AllocationState::Steady));
    let codes: Vec<_> = view.errors.iter().map(|e| e.code).collect();
    assert_eq!(codes, [code::AccountCoreQuota]);
    sim.run_until(20 * HOUR);
    assert_eq!(sim.pool_by_id("pool").unwrap().errors.len(), 1);
    sim.act(&Action::Resize { pool: "pool".into(), dedicated: Some(5), spot: None, timeout: None, option: None })
        .unwrap();
    assert!(sim.pool_by_id("pool").unwrap().errors.is_empty());
    sim.run();
    assert!(sim.findings().iter().any(|f| f.kind == "quota-blocked"));
}

/// azure-docs#47753: three nodes with three tasks drain to one node, as Example 2 has it when one task waits.
pub fn s6() -> Simulation {
    let mut pool = quiet_pool(3, 0);
    pool.autoscale.interval = 15 * MINUTE;
    let mut tasks = long_tasks(3, 40 * MINUTE);
    tasks.push(TaskConfig::new("fourth", 10 * MINUTE, MINUTE));
    let mut c = scenario(pool, vec![job("j", tasks)], 3 * HOUR);
    c.actions = vec![TimedAction {
        at: 5 * MINUTE,
        action: Action::Resize {
            pool: "pool".into(),
            dedicated: Some(1),
            spot: None,
            timeout: Some(2 * HOUR),
            option: Some(Dealloc::TaskCompletion),
        },
    }];
    simulate(c)
}

#[test]
fn s6_a_drain_blocks_and_the_fourth_task_waits_for_a_running_one() {
    let mut sim = s6();
    sim.run();
    let end_of_first = sim.output().tasks.iter().map(|r| r.end).min().unwrap();
    let fourth = sim.output().tasks.iter().find(|r| r.id == 3).unwrap();
    assert_eq!(fourth.start, end_of_first);
    assert_eq!(sim.pool_by_id("pool").unwrap().totals.lost, [0; 3]);
}

/// Scale to zero with `taskcompletion` while a two-hour task runs.
pub fn s7() -> Simulation {
    let mut pool = quiet_pool(0, 0);
    pool.autoscale.interval = 15 * MINUTE;
    // One node at creation, zero from the second evaluation on.
    let formula =
        "n = $ActiveTasks.Count() == 0 ? 1 : 0; $TargetDedicatedNodes = n; $NodeDeallocationOption = taskcompletion;";
    auto(formula, pool, vec![job("j", long_tasks(1, 2 * HOUR))], 4 * HOUR)
}

#[test]
fn s7_scale_to_zero_with_a_two_hour_task_times_out_and_tries_again() {
    let mut sim = s7();
    sim.run_until(31 * MINUTE);
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!(view.errors.len(), 1, "{view:?}");
    assert!(view.errors[0].message.contains("could not be allocated as the resize timeout was reached"));
    assert_eq!(sim.output().resizes.last().map(|r| (r.end, r.current)), Some((30 * MINUTE, [1, 0])));
    sim.run();
    let timeouts = sim.output().resizes.iter().filter(|r| r.errors.iter().any(|e| e.code == code::TimedOut)).count();
    assert!(timeouts >= 4, "{timeouts}");
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.current, view.counts.succeeded, view.totals.lost), ([0, 0], 1, [0; 3]));
}

/// nextflow#7312: no capacity at first, then a target of zero for ever.
pub fn s8() -> Simulation {
    let mut pool = quiet_pool(0, 0);
    pool.autoscale.interval = 5 * MINUTE;
    pool.autoscale_resize_timeout = 6 * MINUTE;
    let formula = "$TargetDedicatedNodes = $ActiveTasks.Count() == 0 ? 3 : 0;";
    let mut c = scenario(PoolConfig { formula: Some(formula.into()), ..pool }, vec![], DAY);
    c.capacity =
        vec![CapacityStep { from: 0, vm: None, dedicated: Some(0), spot: None, code: "AllocationTimedout".into() }];
    c.pools[0].autoscale.resize_overlap = Overlap::Skip;
    // The pool asks for three and gets none; later evaluations say 0, which is what it has.
    c.pools[0].sampler.visibility_delay = 7 * MINUTE;
    Simulation::new(c, Arc::default(), Compiler::of_formulas(Options::default())).unwrap()
}

#[test]
fn s8_an_old_error_outlives_evaluations_that_change_nothing() {
    let mut sim = s8();
    sim.run_until(8 * MINUTE);
    assert_eq!(sim.pool_by_id("pool").unwrap().errors[0].code, code::TimedOut);
    sim.run();
    let view = sim.pool_by_id("pool").unwrap();
    assert_eq!((view.target, view.errors[0].code, sim.output().resizes.len()), ([0, 0], code::TimedOut, 1));
    let runs = sim.output().runs.iter().filter(|r| r.applied).count();
    assert!(runs == 1 && sim.output().runs.len() > 200);
}
