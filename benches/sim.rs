//! How fast the pool simulator is: a month of tasks on an autoscaled pool, scaling, forking, and the textbook loop beside it.
//!
//! Everything in one run, medians of interleaved rounds, thread CPU time where the system tells it. `SIM_BENCH_ROUNDS`
//! sets the rounds (default 5), `SIM_BENCH_HUGE=1` adds ten million tasks, `SIM_BENCH_ONLY=month` keeps the rows whose name
//! has the word. Memory is what the system says of a process that ran the month alone.

use poolcast::sim::{
    Simulation,
    autoscale::{Autoscaler, Compiler, FnAutoscaler, outcome},
    config::{Config, DAY, MINUTE, PoolConfig},
    workload::{Workload, WorkloadJob},
};
use poolcast::{DeallocationOption, Metric, Options, Snapshot};
use std::{cmp::Reverse, collections::BinaryHeap, collections::VecDeque, hint::black_box, sync::Arc, time::Instant};

const MONTH: i64 = 30 * DAY;

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

/// Poisson arrivals over a month, lognormal run times of such a mean (σ = 1), one slot each.
fn month(tasks: usize, mean_run_ms: f64) -> Arc<Workload> {
    let mut luck = Luck(7);
    let mut w = Workload { jobs: vec![WorkloadJob { id: "work".into(), priority: 0 }], ..Workload::default() };
    let mut at = 0.0;
    let gap = (MONTH - DAY) as f64 / tasks as f64;
    for _ in 0..tasks {
        at -= gap * (1.0 - luck.unit()).ln();
        let normal = (-2.0 * (1.0 - luck.unit()).ln()).sqrt() * (std::f64::consts::TAU * luck.unit()).cos();
        w.submit_ms.push((at as u64).min(MONTH as u64));
        w.run_ms.push((mean_run_ms * (normal - 0.5).exp()) as u32 + 1);
        w.slots.push(1);
        w.job.push(0);
    }
    Arc::new(w)
}

fn scenario(records: bool, max_nodes: u32) -> Config {
    let mut pool = PoolConfig { formula: Some(formula(max_nodes)), ..PoolConfig::default() };
    pool.autoscale.interval = 5 * MINUTE;
    pool.latency.alloc_rate = 0;
    let mut config = Config { horizon: MONTH, pools: vec![pool], ..Config::default() };
    config.accounts[0].dedicated_cores = 1_000_000;
    config.output.task_records = records;
    config
}

fn formula(max: u32) -> String {
    format!(
        "n = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute) < 60 ? 1 : \
         avg($PendingTasks.GetSample(5 * TimeInterval_Minute));\n\
         $TargetDedicatedNodes = min({max}, n * 1.1 + 1);\n$NodeDeallocationOption = taskcompletion;"
    )
}

/// The same decision as the formula, in Rust.
fn native(max: u32) -> Compiler {
    Compiler::new(move |_, _| {
        Ok(Box::new(FnAutoscaler::new(&[Metric::PendingTasks], move |s: &Snapshot<'_>| {
            let series = s.series.get(Metric::PendingTasks);
            let from = poolcast::Ticks(s.now.0 - 5 * 600_000_000);
            let window = series.window(s.now, from, s.now);
            let n = if window.len() < 6 { 1.0 } else { window.iter().sum::<f64>() / window.len() as f64 };
            let target = (n * 1.1 + 1.0).min(f64::from(max)) as u32;
            Ok(outcome(Some(target), None, DeallocationOption::TaskCompletion))
        })) as Box<dyn Autoscaler>)
    })
}

/// What a textbook does: one binary heap of arrivals and ends, a count of free slots.
fn textbook(w: &Workload, slots: u32) -> u64 {
    let mut heap = BinaryHeap::new();
    for (i, at) in w.submit_ms.iter().enumerate() {
        heap.push(Reverse((*at, 0u8, i as u32)));
    }
    let (mut free, mut queue, mut sum) = (slots, VecDeque::new(), 0u64);
    while let Some(Reverse((at, kind, i))) = heap.pop() {
        if kind == 0 {
            queue.push_back(i);
        } else {
            free += 1;
        }
        while free > 0 {
            let Some(next) = queue.pop_front() else { break };
            free -= 1;
            sum = sum.wrapping_add(at);
            heap.push(Reverse((at + u64::from(w.run_ms[next as usize]), 1, next)));
        }
    }
    sum
}

/// The textbook with arrivals taken from the sorted column.
fn textbook_streamed(w: &Workload, slots: u32) -> u64 {
    let mut heap = BinaryHeap::new();
    let (mut free, mut queue, mut sum, mut next) = (slots, VecDeque::new(), 0u64, 0usize);
    loop {
        let arrival = w.submit_ms.get(next).copied().unwrap_or(u64::MAX);
        let at = match heap.peek() {
            Some(Reverse((end, _))) if *end < arrival => {
                let Some(Reverse((end, _))) = heap.pop() else { break };
                free += 1;
                end
            }
            _ if arrival < u64::MAX => {
                queue.push_back(next as u32);
                next += 1;
                arrival
            }
            _ => break,
        };
        while free > 0 {
            let Some(i) = queue.pop_front() else { break };
            free -= 1;
            sum = sum.wrapping_add(at);
            heap.push(Reverse((at + u64::from(w.run_ms[i as usize]), i)));
        }
    }
    sum
}

/// CPU nanoseconds of this thread, from the scheduler's statistics; wall time elsewhere.
fn clock(start: Instant) -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let cpu = stat.and_then(|s| s.split_whitespace().next()?.parse().ok());
    cpu.unwrap_or(start.elapsed().as_nanos() as u64)
}

fn timed<R>(f: impl FnOnce() -> R) -> (f64, R) {
    let start = Instant::now();
    let before = clock(start);
    let result = f();
    ((clock(start) - before) as f64, result)
}

fn median(mut xs: Vec<f64>) -> f64 {
    xs.sort_by(f64::total_cmp);
    xs[xs.len() / 2]
}

type Contender<'a> = (String, f64, Box<dyn FnMut() -> f64 + 'a>);

const RESIDENT: &str = "SIM_BENCH_RESIDENT";

/// What a finished month keeps in memory, in bytes: run in a process of its own, so that nothing else is counted.
fn resident(records: bool) -> f64 {
    let exe = std::env::current_exe().expect("this program");
    let out = std::process::Command::new(exe).env(RESIDENT, records.to_string()).output().expect("this program runs");
    String::from_utf8_lossy(&out.stdout).trim().parse().unwrap_or(f64::NAN)
}

fn main() {
    if let Ok(records) = std::env::var(RESIDENT) {
        let w = month(1_000_000, 600_000.0);
        let mut sim = Simulation::new(scenario(records == "true", 1000), w, Compiler::of_formulas(Options::default()))
            .expect("scenario");
        sim.run();
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = text.split_whitespace().nth(1).and_then(|p| p.parse::<u64>().ok()).unwrap_or(0);
        black_box(sim.digest());
        println!("{}", pages * 4096);
        return;
    }
    let rounds: usize = std::env::var("SIM_BENCH_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(5);
    let run = |w: &Arc<Workload>, records: bool, max: u32, compiler: Compiler| {
        let mut sim = Simulation::new(scenario(records, max), w.clone(), compiler).expect("scenario");
        let (ns, ()) = timed(|| sim.run());
        assert!(sim.task_totals().1 as usize > w.len() * 99 / 100, "tasks finished: {:?}", sim.task_totals());
        black_box(sim.digest());
        ns
    };
    let formulas = || Compiler::of_formulas(Options::default());
    let million = month(1_000_000, 600_000.0);
    let hundred = month(100_000, 600_000.0);
    let mut rows: Vec<Contender<'_>> = vec![
        ("textbook BinaryHeap loop, 300 slots, 1 M".into(), 1e6, Box::new(|| timed(|| textbook(&million, 300)).0)),
        (
            "textbook BinaryHeap, streamed arrivals, 1 M".into(),
            1e6,
            Box::new(|| timed(|| textbook_streamed(&million, 300)).0),
        ),
        (
            "month, 1 M tasks, native formula, no records".into(),
            1e6,
            Box::new(|| run(&million, false, 1000, native(1000))),
        ),
        ("month, 1 M tasks, native formula, records".into(), 1e6, Box::new(|| run(&million, true, 1000, native(1000)))),
        ("month, 1 M tasks, real formula, records".into(), 1e6, Box::new(|| run(&million, true, 1000, formulas()))),
        (
            "month, 100 k tasks, native formula, records".into(),
            1e5,
            Box::new(|| run(&hundred, true, 1000, native(1000))),
        ),
    ];
    // The same number of samples per task, so that the month's fixed cost does not hide the tasks'.
    let mut sizes = vec![10_000usize, 100_000, 1_000_000];
    if std::env::var("SIM_BENCH_HUGE").is_ok() {
        sizes.push(10_000_000);
    }
    for n in sizes {
        let w = month(n, 600_000.0 * 1e6 / n as f64);
        // As many runs as make a million tasks: the clock of a thread may tick every few milliseconds.
        let times = (1_000_000 / n).max(1);
        rows.push((format!("fixed pool, {n} tasks on 300 nodes"), n as f64, Box::new(move || fixed(&w, 300, times))));
    }
    for nodes in [10u32, 100, 1_000, 10_000] {
        let w = month(1_000_000, 0.8 * f64::from(nodes) * (MONTH - DAY) as f64 / 1e6);
        rows.push((format!("fixed pool, 1 M tasks on {nodes} nodes"), 1e6, Box::new(move || fixed(&w, nodes, 1))));
    }
    if let Ok(word) = std::env::var("SIM_BENCH_ONLY") {
        rows.retain(|row| row.0.contains(&word));
    }
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..rounds {
        for (row, times) in rows.iter_mut().zip(&mut times) {
            times.push((row.2)());
        }
    }
    println!("{:<48} {:>10} {:>9}", "", "ms", "ns/task");
    for ((name, n, _), t) in rows.iter().zip(times) {
        let ns = median(t);
        println!("{name:<48} {:>10.2} {:>9.1}", ns / 1e6, ns / n);
    }
    let mut sim = Simulation::new(scenario(true, 1000), hundred.clone(), native(1000)).expect("scenario");
    sim.run_until(MONTH / 2);
    // The clock of a thread may tick every few milliseconds, so a hundred forks are timed as one.
    let forks = |_| timed(|| (0..100).for_each(|_| drop(black_box(sim.clone())))).0 / 100.0;
    let kept = (resident(true) - resident(false)) / 1e6;
    println!("{:<48} {:>10.1}", "bytes in memory for the record of a finished task", kept);
    println!("{:<48} {:>10.3}", "fork of a 100 k month at its middle", median((0..rounds).map(forks).collect()) / 1e6);
}

/// A pool of fixed size without samples: the tasks alone.
fn fixed(w: &Arc<Workload>, nodes: u32, times: usize) -> f64 {
    let mut config = scenario(false, nodes);
    config.pools[0].formula = None;
    config.pools[0].target_dedicated = nodes;
    config.pools[0].sampler.period = DAY;
    config.pools[0].node.mtbf = poolcast::sim::config::NEVER;
    let one = || Simulation::new(config.clone(), w.clone(), Compiler::none()).expect("scenario");
    let mut sims: Vec<Simulation> = (0..times).map(|_| one()).collect();
    timed(|| sims.iter_mut().for_each(Simulation::run)).0 / times as f64
}
