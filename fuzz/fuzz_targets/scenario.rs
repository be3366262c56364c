//! Random scenarios and random actions: the invariants of the pool hold after every event, and a fork goes where its
//! original goes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)] // the tests use more of it
#[path = "../../tests/it/sim/generate.rs"]
mod generate;
#[allow(dead_code)]
#[path = "../../tests/it/sim/support.rs"]
mod support;

use generate::{Luck, action, build};

/// A scenario that retries a task of no length for ever has no end worth waiting for.
const MOST_EVENTS: u64 = 5_000;

fuzz_target!(|bytes: &[u8]| {
    let mut luck = Luck::steered(bytes);
    let mut sim = build(&mut luck, 0);
    let mut twin: Option<poolcast::sim::Simulation> = None;
    let mut on = true;
    while on && sim.events() < MOST_EVENTS {
        let mut steps = 0;
        for _ in 0..1 + luck.below(50) {
            steps += u64::from(on);
            on = on && sim.step();
            if let Err(violation) = sim.check_invariants() {
                panic!("after {} events, at {}: {violation}", sim.events(), sim.now());
            }
        }
        // From here on the twin is told the same and must answer the same. The last step, too, finds tasks their places.
        match &mut twin {
            Some(twin) => (0..steps).for_each(|_| _ = twin.step()),
            None if luck.chance(10) => twin = Some(sim.clone()),
            None => {}
        }
        let what = action(&mut luck);
        let answer = sim.act(&what);
        if let Err(violation) = sim.check_invariants() {
            panic!("{what:?} ({answer:?}) at {}: {violation}", sim.now());
        }
        if let Some(twin) = &mut twin {
            assert_eq!(twin.act(&what), answer, "{what:?} at {}", sim.now());
            assert_eq!(twin.digest(), sim.digest(), "a fork went another way before {}", sim.now());
        }
    }
});
