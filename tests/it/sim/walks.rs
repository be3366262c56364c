//! Scripts that together take a node through every row of its transition table.
//!
//! In: nothing. Out: simulations, ended, with what they were made to show. Never: an assertion beyond the invariants.

use super::{rules::resize, support::*};
use poolcast::{
    DeallocationOption as Dealloc,
    sim::{Simulation, config::*, machine::node::TRANSITIONS, world::NodeState},
};

/// A pool of two dedicated and two Spot nodes with three tasks of an hour, and what happens to it.
pub struct Walk {
    pub title: &'static str,
    change: fn(&mut PoolConfig),
    script: Vec<(Ms, Action)>,
}

impl Walk {
    /// Plays it; `listen` sees the simulation before anything happens.
    pub fn play(&self, listen: impl FnOnce(&mut Simulation)) -> Simulation {
        let mut pool = quiet_pool(2, 2);
        pool.latency.alloc_median = 0;
        pool.spot.unusable_first_p = 0.0;
        pool.node.recovery_min = MINUTE;
        pool.node.recovery_max = MINUTE;
        (self.change)(&mut pool);
        let tasks = (0..3).map(|i| TaskConfig::new(format!("{i}"), 3 * MINUTE, HOUR)).collect();
        let mut sim = simulate(scenario(pool, vec![job("j", tasks)], 12 * HOUR));
        listen(&mut sim);
        for (at, action) in &self.script {
            sim.run_until(*at);
            let _ = sim.act(action);
            sim.check_invariants().unwrap();
        }
        sim.run();
        sim
    }
}

/// Each by the shortest way there.
pub fn walks() -> Vec<Walk> {
    let walk =
        |title, change: fn(&mut PoolConfig), script: &[(Ms, Action)]| Walk { title, change, script: script.to_vec() };
    let still = |_: &mut PoolConfig| {};
    let reboot = |node| Action::RebootNode { node, option: Dealloc::Requeue };
    let preempt = (10 * MINUTE, Action::PreemptNode { node: 2 });
    let mut walks = vec![
        walk(
            "rebooted, then reimaged",
            |p| p.reimage = true,
            &[(2 * MINUTE, reboot(0)), (10 * MINUTE, Action::ReimageNode { node: 0, option: Dealloc::Requeue })],
        ),
        walk(
            "taken offline and back, deallocated and started, upgraded, shrunk away",
            still,
            &[
                (2 * MINUTE, Action::DisableScheduling { node: 0, option: Dealloc::Requeue }),
                (4 * MINUTE, Action::EnableScheduling { node: 0 }),
                (5 * MINUTE, Action::DeallocateNode { node: 1, option: Dealloc::Requeue }),
                (10 * MINUTE, Action::StartNode { node: 1 }),
                (2 * HOUR, Action::UpgradeNode { node: 0 }),
                (4 * HOUR, resize(0, Dealloc::Requeue)),
            ],
        ),
        walk(
            "start tasks that fail seven times out of ten, with one retry",
            |p| (p.start_task.duration, p.start_task.failure, p.start_task.retries) = (1000, 0.7, 1),
            &[(MINUTE, reboot(0)), (MINUTE, reboot(1)), (MINUTE, reboot(2)), (MINUTE, reboot(3))],
        ),
        walk("packages that cannot be fetched", |p| p.start_task.package_failure = 0.7, &[]),
        walk("nodes that never report", |p| p.start_task.no_contact = 0.7, &[]),
        walk("hosts that fail every hour", |p| p.node.mtbf = HOUR, &[]),
        walk("evicted by way of unusable", |p| p.spot.unusable_first_p = 1.0, std::slice::from_ref(&preempt)),
        walk("evicted and cleaned up", |p| p.spot.cleanup_after = MINUTE, std::slice::from_ref(&preempt)),
        walk("evicted and restored", |p| p.spot.restore_mean = MINUTE, &[preempt]),
        walk(
            "a full disk, a failed host, a removed node, a deleted pool",
            still,
            &[
                (10 * MINUTE, Action::FailNode { node: 0, fault: NodeFault::DiskFull }),
                (10 * MINUTE, Action::FailNode { node: 1, fault: NodeFault::HostFailure }),
                (30 * MINUTE, Action::RemoveNodes { pool: "pool".into(), nodes: vec![0], timeout: None, option: None }),
                (HOUR, Action::DeletePool { pool: "pool".into() }),
            ],
        ),
        walk("a drain by taskcompletion that times out", still, &[(10 * MINUTE, resize(0, Dealloc::TaskCompletion))]),
        walk(
            "a drain by retaineddata that times out, its task finished",
            still,
            &[(64 * MINUTE, resize(0, Dealloc::RetainedData))],
        ),
    ];
    for at in 1..8 {
        let lose = |node| (at * 7 * MINUTE, Action::FailNode { node, fault: NodeFault::LostContact });
        walks.push(walk("contact lost with all four nodes", still, &[lose(0), lose(1), lose(2), lose(3)]));
    }
    walks
}

#[test]
fn every_node_transition_happens() {
    let seen: std::collections::BTreeSet<usize> =
        walks().iter().flat_map(|w| w.play(|_| {}).visited().collect::<Vec<_>>()).collect();
    let missing: Vec<_> =
        (0..TRANSITIONS.len()).filter(|row| !seen.contains(row)).map(|row| TRANSITIONS[row]).collect();
    assert!(missing.is_empty(), "never seen: {missing:#?}");
    assert_eq!(NodeState::ALL.len(), 16);
}
