//! Random scenarios, random actions: what must always hold, held after every event; and the same run twice.

use super::generate::*;
use poolcast::sim::{Simulation, config::HOUR};
use proptest::prelude::*;

/// Runs a scenario with actions thrown in; `check` after every event.
fn play(seed: u64, check: bool) -> Simulation {
    let mut l = Luck::seeded(seed);
    let mut sim = build(&mut l, seed);
    let (mut steps, mut before) = (0u32, sim.now());
    while sim.step() {
        steps += 1;
        assert!(sim.now() >= before, "seed {seed}, step {steps}: the clock went from {before} back to {}", sim.now());
        before = sim.now();
        if check {
            sim.check_invariants().unwrap_or_else(|v| panic!("seed {seed}, step {steps}, at {}: {v}", sim.now()));
        }
        if l.chance(4) {
            let what = action(&mut l);
            let answer = sim.act(&what);
            if check {
                sim.check_invariants().unwrap_or_else(|v| {
                    panic!("seed {seed}, step {steps}, {what:?} ({answer:?}) at {}: {v}", sim.now())
                });
            }
        }
        if steps > 30_000 {
            panic!("seed {seed}: no end in sight");
        }
    }
    sim
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_after_every_event(seed in any::<u64>()) {
        play(seed, true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_run_twice_has_one_digest(seed in any::<u64>()) {
        prop_assert_eq!(play(seed, false).digest(), play(seed, false).digest());
    }

    #[test]
    fn a_fork_goes_where_the_original_goes(seed in any::<u64>(), at in 0i64..4 * HOUR) {
        let start = || build(&mut Luck::seeded(seed), seed);
        let mut sim = start();
        sim.run_until(at);
        let mut fork = sim.clone();
        sim.run();
        fork.run();
        prop_assert_eq!((sim.digest(), sim.events()), (fork.digest(), fork.events()));
        let mut whole = start();
        whole.run();
        prop_assert_eq!(whole.digest(), sim.digest());
    }
}

#[test]
fn scenarios_that_once_failed() {
    for seed in
        [1562883875402179454, 1284169281578136446, 9326370014712264165, 9320936714819607681, 12499889713511953294]
    {
        play(seed, true);
    }
}
