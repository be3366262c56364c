//! Growing, running, shrinking, the digest, forks.

use super::support::*;
use poolcast::sim::{
    autoscale::Compiler,
    config::{Action, HOUR, MINUTE, SECOND, TaskConfig},
    world::AllocationState,
    Simulation,
};

#[test]
fn a_pool_grows_runs_its_tasks_and_shrinks() {
    let tasks = (0..6).map(|i| TaskConfig::new(format!("t{i}"), 0, 10 * MINUTE)).collect();
    let mut sim = simulate(scenario(quiet_pool(3, 0), vec![job("j", tasks)], 2 * HOUR));
    sim.run_until(MINUTE);
    assert_eq!(sim.pool_by_id("pool").unwrap().current, [3, 0]);
    sim.run_until(HOUR);
    sim.check_invariants().unwrap();
    let pool = sim.pool_by_id("pool").unwrap();
    assert_eq!((pool.allocation, pool.counts.succeeded), (AllocationState::Steady, 6));
    let ends: Vec<_> = sim.output().tasks.iter().map(|r| (r.start, r.end)).collect();
    let up = MINUTE + 2 * SECOND;
    assert_eq!(ends[0], (up, up + 10 * MINUTE));
    assert_eq!(ends[5], (up + 10 * MINUTE, up + 20 * MINUTE));
    sim.act(&Action::Resize { pool: "pool".into(), dedicated: Some(1), spot: None, timeout: None, option: None }).unwrap();
    sim.run();
    assert_eq!(sim.pool_by_id("pool").unwrap().current, [1, 0]);
    sim.check_invariants().unwrap();
}

#[test]
fn same_seed_same_digest_and_a_fork_replays() {
    let config = || {
        let mut c = scenario(quiet_pool(3, 2), vec![], 6 * HOUR);
        c.pools[0].latency.alloc_sigma = 0.4;
        c.pools[0].latency.schedule_max = 5000;
        c.pools[0].spot.eviction_p_per_hour = 0.5;
        c
    };
    let tasks = || work((0..200).map(|i| (i * 37_000, 60_000 + (i as u32 * 7919) % 300_000, 1)));
    let run = |seed| {
        let mut sim =
            Simulation::new(poolcast::sim::config::Config { seed, ..config() }, tasks(), Compiler::none()).unwrap();
        sim.run();
        sim
    };
    assert_eq!(run(1).digest(), run(1).digest());
    assert_ne!(run(1).digest(), run(2).digest());
    let mut sim = Simulation::new(config(), tasks(), Compiler::none()).unwrap();
    sim.run_until(2 * HOUR + 17);
    let mut fork = sim.clone();
    sim.run();
    fork.run();
    assert_eq!((sim.digest(), sim.events()), (fork.digest(), fork.events()));
}
