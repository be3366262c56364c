//! The pool simulator beside general discrete-event crates on the part they can all do: a queue before k equal slots.
//!
//! `cargo run --release [jobs] [slots] [rounds]`. In one process, interleaved rounds, medians of thread CPU time. Everybody
//! is given the same columns of arrivals and run times, takes the next arrival when the last one has happened, and must
//! report the same total wait. Poolcast runs its whole pool: nodes, metrics, quotas, counts, the digest.

use nexosim::{
    model::{Context, Model, schedulable},
    simulation::{Mailbox, SimInit},
    time::MonotonicTime,
};
use poolcast::sim::{
    Simulation,
    autoscale::Compiler,
    config::{Config, DAY, NEVER, PoolConfig},
    workload::{Workload, WorkloadJob},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

struct Luck(u64);
impl Luck {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Poisson arrivals, lognormal run times of a minute (σ = 1), load 0.9.
fn work(jobs: usize, slots: u32) -> Arc<Workload> {
    let mut luck = Luck(7);
    let mut w = Workload { jobs: vec![WorkloadJob { id: "work".into(), priority: 0 }], ..Workload::default() };
    let (mean, mut at) = (60_000.0, 0.0);
    for _ in 0..jobs {
        at -= mean / 0.9 / f64::from(slots) * (1.0 - luck.unit()).ln();
        let normal = (-2.0 * (1.0 - luck.unit()).ln()).sqrt() * (std::f64::consts::TAU * luck.unit()).cos();
        w.submit_ms.push(at as u64);
        w.run_ms.push((mean * (normal - 0.5).exp()) as u32 + 1);
        w.slots.push(1);
        w.job.push(0);
    }
    Arc::new(w)
}

fn ours(w: &Arc<Workload>, slots: u32) -> u64 {
    let mut pool = PoolConfig { target_dedicated: slots, ..PoolConfig::default() };
    let l = &mut pool.latency;
    (l.alloc_median, l.alloc_rate, l.creating, l.starting, l.outlier) = (0, 0, 0, 0, 0.0);
    (l.schedule_min, l.schedule_max) = (0, 0);
    pool.node.mtbf = NEVER;
    pool.sampler.period = DAY;
    let horizon = w.submit_ms.last().map_or(0, |at| *at as i64) + DAY;
    let mut config = Config { horizon, pools: vec![pool], ..Config::default() };
    config.accounts[0].dedicated_cores = 1_000_000;
    config.output.task_records = false;
    let mut sim = Simulation::new(config, w.clone(), Compiler::none()).expect("scenario");
    sim.run();
    sim.output().wait.0 as u64
}

/// One binary heap of ends, arrivals from the column.
fn textbook(w: &Workload, slots: u32) -> u64 {
    let mut heap = BinaryHeap::new();
    let (mut free, mut queue, mut wait, mut next) = (slots, VecDeque::new(), 0u64, 0usize);
    loop {
        let arrival = w.submit_ms.get(next).copied().unwrap_or(u64::MAX);
        let now = match heap.peek() {
            Some(&Reverse((end, _))) if end < arrival => {
                heap.pop();
                free += 1;
                end
            }
            _ if arrival < u64::MAX => {
                queue.push_back(next as u32);
                next += 1;
                arrival
            }
            _ => return wait,
        };
        while free > 0
            && let Some(i) = queue.pop_front()
        {
            free -= 1;
            wait += now - w.submit_ms[i as usize];
            heap.push(Reverse((now + u64::from(w.run_ms[i as usize]), i)));
        }
    }
}

/// What the peers' components share: slots, the queue, the total wait.
#[derive(Default)]
struct Queue {
    work: Arc<Columns>,
    next: usize,
    free: u32,
    waiting: VecDeque<u32>,
    wait: u64,
}
#[derive(Default)]
struct Columns {
    submit: Vec<u64>,
    run: Vec<u32>,
    total: AtomicU64,
}

/// A model of nexosim must be one that can be saved; this one never is.
impl Serialize for Queue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_unit()
    }
}
impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Queue, D::Error> {
        <()>::deserialize(from).map(|()| Queue::default())
    }
}

impl Queue {
    fn new(w: &Workload, slots: u32) -> Queue {
        let work = Columns { submit: w.submit_ms.clone(), run: w.run_ms.clone(), total: AtomicU64::new(0) };
        Queue { work: Arc::new(work), free: slots, ..Queue::default() }
    }
    /// The tasks that arrive now are queued; when the next one will.
    fn arrive(&mut self, now: u64) -> Option<Duration> {
        loop {
            let at = *self.work.submit.get(self.next)?;
            if at > now {
                return Some(Duration::from_millis(at - now));
            }
            self.waiting.push_back(self.next as u32);
            self.next += 1;
        }
    }
    /// The next task that may start, and how long it runs.
    fn start(&mut self, now: u64) -> Option<Duration> {
        if self.free == 0 {
            return None;
        }
        let i = self.waiting.pop_front()? as usize;
        self.free -= 1;
        self.wait += now - self.work.submit[i];
        // Whoever asks last sees the whole sum.
        self.work.total.store(self.wait, Ordering::Relaxed);
        // No task takes no time.
        Some(Duration::from_millis(u64::from(self.work.run[i])))
    }
}

mod with_simrs {
    use super::*;
    use simrs::{Component, ComponentId, Key, Scheduler, State};

    #[derive(Debug)]
    pub enum Event {
        Arrive,
        End,
    }
    struct Pool(Key<Queue>);
    impl Component for Pool {
        type Event = Event;
        fn process_event(&self, me: ComponentId<Event>, event: &Event, scheduler: &mut Scheduler, state: &mut State) {
            let now = scheduler.time().as_millis() as u64;
            let Some(queue) = state.get_mut(self.0) else { return };
            match event {
                Event::Arrive => {
                    if let Some(gap) = queue.arrive(now) {
                        scheduler.schedule(gap, me, Event::Arrive);
                    }
                }
                Event::End => queue.free += 1,
            }
            while let Some(run) = queue.start(now) {
                scheduler.schedule(run, me, Event::End);
            }
        }
    }

    pub fn run(w: &Workload, slots: u32) -> u64 {
        let mut sim = simrs::Simulation::default();
        let queue = Queue::new(w, slots);
        let work = queue.work.clone();
        let key = sim.state.insert(queue);
        let pool = sim.add_component(Pool(key));
        sim.schedule(Duration::ZERO, pool, Event::Arrive);
        while sim.step() {}
        work.total.load(Ordering::Relaxed)
    }
}

#[Model]
impl Queue {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        cx.schedule_event(Duration::from_millis(1), schedulable!(Self::arrival), ()).expect("the future");
    }
    #[nexosim(schedulable)]
    async fn arrival(&mut self, _: (), cx: &Context<Self>) {
        if let Some(gap) = self.arrive(millis(cx)) {
            cx.schedule_event(gap, schedulable!(Self::arrival), ()).expect("the future");
        }
        self.starts(cx);
    }
    #[nexosim(schedulable)]
    async fn end(&mut self, _: (), cx: &Context<Self>) {
        self.free += 1;
        self.starts(cx);
    }
    fn starts(&mut self, cx: &Context<Self>) {
        while let Some(run) = self.start(millis(cx)) {
            cx.schedule_event(run, schedulable!(Self::end), ()).expect("the future");
        }
    }
}

fn millis<M: Model>(cx: &Context<M>) -> u64 {
    let t = cx.time();
    t.as_secs() as u64 * 1000 + u64::from(t.subsec_nanos()) / 1_000_000
}

fn with_nexosim(w: &Workload, slots: u32) -> u64 {
    let queue = Queue::new(w, slots);
    let work = queue.work.clone();
    let bench = SimInit::with_num_threads(1).add_model(queue, Mailbox::new(), "pool");
    let mut sim = bench.init(MonotonicTime::EPOCH).expect("bench");
    sim.run().expect("no deadlock");
    work.total.load(Ordering::Relaxed)
}

/// CPU nanoseconds of this thread (every contender has one), from the scheduler's statistics; wall time elsewhere.
fn clock(start: Instant) -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let cpu = stat.and_then(|s| s.split_whitespace().next()?.parse().ok());
    cpu.unwrap_or(start.elapsed().as_nanos() as u64)
}

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a number"));
    let jobs = args.next().unwrap_or(100_000);
    let slots = args.next().unwrap_or(100) as u32;
    let rounds = args.next().unwrap_or(7);
    let w = work(jobs, slots);
    let rows: [(&str, Box<dyn Fn() -> u64>); 4] = [
        ("textbook BinaryHeap loop", Box::new(|| textbook(&w, slots))),
        ("poolcast, the whole pool", Box::new(|| ours(&w, slots))),
        ("simrs 0.2.0", Box::new(|| with_simrs::run(&w, slots))),
        ("nexosim 1.0.0, one thread", Box::new(|| with_nexosim(&w, slots))),
    ];
    let mut times = vec![Vec::new(); rows.len()];
    let want = textbook(&w, slots);
    for _ in 0..rounds {
        for ((name, run), times) in rows.iter().zip(&mut times) {
            let start = Instant::now();
            let before = clock(start);
            let wait = run();
            let spent = clock(start).saturating_sub(before);
            // A queue that begins a millisecond late may differ by that much for those of the first millisecond.
            assert!(wait.abs_diff(want) <= 1000, "{name}: total wait {wait}, not {want}");
            times.push(spent.max(1) as f64 / jobs as f64);
        }
    }
    println!(
        "{jobs} jobs, {slots} slots, mean wait {:.4} s; CPU ns per job, median of {rounds}",
        want as f64 / 1e3 / jobs as f64
    );
    let medians: Vec<f64> = times
        .into_iter()
        .map(|mut t| {
            t.sort_by(f64::total_cmp);
            t[t.len() / 2]
        })
        .collect();
    for ((name, _), ns) in rows.iter().zip(&medians) {
        println!("{name:<32} {ns:>9.1} {:>7.2} of poolcast", ns / medians[1]);
    }
}
