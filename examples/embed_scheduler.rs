//! A toy scheduler that drives its own pool by a formula: `cargo run --example embed_scheduler`.
//!
//! It does what any scheduler would: every 30 seconds it tells the feed what it sees, every five minutes it asks the formula
//! how many nodes to have, and it starts and releases nodes accordingly. Time is simulated, so that a day takes no time.

use poolcast::{Feed, Formula, Metric, PoolState, Ticks};

const FORMULA: &str = "
// Until a quarter of an hour of samples is there, three nodes; then the mean backlog, one node for two tasks.
known = $PendingTasks.GetSamplePercent(15 * TimeInterval_Minute);
backlog = known < 70 ? 6 : avg($PendingTasks.GetSample(15 * TimeInterval_Minute));
$TargetDedicatedNodes = min(12, ceil(backlog / 2));
$NodeDeallocationOption = taskcompletion;
";

const STEP: i64 = 30;
const BOOT: i64 = 180;
const RUN: i64 = 600;

/// A pool of this scheduler: nodes that boot for three minutes and run one task of ten minutes at a time.
#[derive(Default)]
struct Pool {
    booting: Vec<i64>,
    running: Vec<i64>,
    idle: usize,
    queue: usize,
    done: usize,
}

impl Pool {
    fn nodes(&self) -> u32 {
        (self.booting.len() + self.running.len() + self.idle) as u32
    }

    /// Tasks end, nodes come up, waiting tasks start.
    fn advance(&mut self, now: i64) {
        let ended = self.running.iter().filter(|end| **end <= now).count();
        self.running.retain(|end| *end > now);
        let booted = self.booting.iter().filter(|ready| **ready <= now).count();
        self.booting.retain(|ready| *ready > now);
        self.done += ended;
        self.idle += ended + booted;
        while self.idle > 0 && self.queue > 0 {
            self.idle -= 1;
            self.queue -= 1;
            self.running.push(now + RUN);
        }
    }

    /// Grows at once; shrinks by what is idle and leaves the rest to finish, as the formula's option asks.
    fn resize(&mut self, target: u32, now: i64) {
        let (have, want) = (self.nodes(), target);
        for _ in have..want {
            self.booting.push(now + BOOT);
        }
        self.idle -= (have.saturating_sub(want) as usize).min(self.idle);
    }
}

fn main() -> Result<(), poolcast::Error> {
    let formula = Formula::compile(FORMULA)?;
    for read in formula.reads() {
        println!("collects {} over {:?}", read.metric.name(), read.look_back.map(|i| i.iso8601()));
    }
    let feed = Feed::for_formula(&formula);
    let mut evaluator = formula.evaluator();
    let mut pool = Pool::default();
    let mut target = 0;

    let start = 1_767_571_200; // 2026-01-05T00:00:00Z
    for now in (start..=start + 86_400).step_by(STEP as usize) {
        // A wave of work in the morning and a smaller one in the afternoon.
        let hour = (now - start) / 3600;
        if (now - start) % 120 == 0 && [8, 9, 14].contains(&hour) {
            pool.queue += 2;
        }
        pool.advance(now);

        let at = Ticks::from_unix_seconds(now);
        feed.push(Metric::PendingTasks, at, (pool.queue + pool.running.len()) as f64)?;
        feed.set_pool(PoolState { targets: [target, 0], nodes: [pool.nodes(), 0], ..PoolState::default() });

        if (now - start) % 300 == 0 {
            match feed.evaluate(&mut evaluator, at) {
                Ok(asked) => target = asked.dedicated.or(target),
                // As the service does: the pool stays as it is, and the next evaluation may do better.
                Err(e) => eprintln!("{}: {e}", at.iso_trimmed()),
            }
            pool.resize(target, now);
        }
        if (now - start) % 3600 == 0 {
            println!(
                "{}  {:>3} waiting  {:>2} nodes  {:>4} done",
                at.iso_trimmed(),
                pool.queue,
                pool.nodes(),
                pool.done
            );
        }
    }
    assert_eq!((pool.queue, pool.done), (0, 180), "all work is done at the end of the day");
    Ok(())
}
