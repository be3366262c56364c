//! Growing, running, shrinking, the digest, forks.

use super::support::*;
use poolcast::sim::{
    Simulation,
    autoscale::Compiler,
    config::{Action, HOUR, MINUTE, SECOND, TaskConfig},
    world::AllocationState,
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
    sim.act(&Action::Resize { pool: "pool".into(), dedicated: Some(1), spot: None, timeout: None, option: None })
        .unwrap();
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

#[test]
fn the_trace_is_json_lines_and_listening_changes_nothing() {
    use std::sync::mpsc::{Sender, channel};
    struct Post(Sender<String>);
    impl poolcast::sim::trace::Sink for Post {
        fn line(&mut self, line: &str) {
            self.0.send(line.to_string()).unwrap();
        }
    }
    let config = || scenario(quiet_pool(1, 1), vec![job("j", vec![TaskConfig::new("t", 0, MINUTE)])], HOUR);
    let (post, lines) = channel();
    let mut heard = simulate(config());
    heard.attach(Box::new(Post(post)));
    heard.run();
    let mut unheard = simulate(config());
    unheard.run();
    assert_eq!(heard.digest(), unheard.digest());
    drop(heard);
    let lines: Vec<String> = lines.iter().collect();
    assert!(lines.iter().all(|l| l.starts_with("{\"t\":") && l.ends_with('}')));
    let expected = format!("{{\"t\":{},\"ev\":\"task_started\",\"task\":0,\"node\":0}}", MINUTE + 2 * SECOND);
    assert!(lines.contains(&expected), "{lines:#?}");
    assert!(lines.iter().any(|l| l.contains("idle: the agent is ready")));
}

#[test]
fn summary_and_reasons_tell_what_happened() {
    let tasks = vec![TaskConfig::new("t", 0, 10 * MINUTE)];
    let mut sim = simulate(scenario(instant_pool(2, 0), vec![job("j", tasks)], HOUR));
    sim.run();
    let s = sim.summary();
    assert_eq!((s.tasks, s.wait.max, s.makespan), ((1, 1, 0), 0, 10 * MINUTE));
    assert_eq!(s.pools[0].utilisation, 83);
    assert!((s.pools[0].node_hours() - 2.0).abs() < 1e-9);
    assert!(sim.findings().iter().any(|f| f.kind == "idle-cost" && f.text.contains("idle")));
    assert!(sim.why_task(0)[0].contains("success"));
    assert_eq!(sim.jobs().next().map(|j| (j.id, j.counts.succeeded)), Some(("j".into(), 1)));
}
