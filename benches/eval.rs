//! Evaluating formulas: machine code against the same function written by hand in Rust over the same store, in one run.
//!
//! `cargo bench --bench eval --no-default-features --features jit` prints the tables of the README: medians over interleaved
//! rounds of thread CPU time, so the machine's drift and its other users hit all contenders alike. Read the ratios.
//! A word after `--` (`shapes`, `compile`, `backtest`, `hostile`, `memory`) prints that table alone.

mod shapes;

use cpu_time::ThreadTime;
use poolcast::{Engine, Formula, Inputs, Interval, Metric, Options, Rules, SeriesStore, Target, Ticks, backtest};
use shapes::{EVALS, Shape, shapes, snapshot, store};
use std::hint::black_box;

/// Batches are at least this long: much longer than a clock read.
const BATCH_NS: f64 = 4e6;

fn median(v: &mut [f64]) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

/// Median ns of one call of each contender, interleaved round by round. A contender does its `calls` calls as often as asked.
fn race<const N: usize>(rounds: usize, calls: usize, mut contenders: [&mut dyn FnMut(); N]) -> [f64; N] {
    let time = |c: &mut dyn FnMut(), reps: usize| {
        let start = ThreadTime::now();
        (0..reps).for_each(|_| c());
        start.elapsed().as_nanos() as f64 / reps as f64
    };
    let reps: Vec<usize> = contenders.iter_mut().map(|c| (BATCH_NS / time(c, 1).max(1.0)).ceil() as usize).collect();
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for ((t, c), reps) in times.iter_mut().zip(&mut contenders).zip(&reps) {
            t.push(time(c, *reps));
        }
    }
    times.map(|mut t| median(&mut t) / calls as f64)
}

fn compiled(shape: &Shape, engine: Engine) -> Formula {
    Formula::compile_with(&shape.formula, &Options { engine, ..Options::default() }).expect("a sound formula")
}

fn evaluation() {
    let store = store();
    println!("| formula | by hand, ns | machine code, ns | ratio | bar | interpreter, ns |\n|---|--:|--:|--:|--:|--:|");
    for shape in shapes() {
        let [mut jit, mut interp] = [Engine::Jit, Engine::Interp].map(|e| compiled(&shape, e).evaluator());
        for i in 0..EVALS {
            let s = snapshot(&store, i);
            if let Ok(t) = jit.targets(&s) {
                assert_eq!(t.dedicated, Target::Set((shape.by_hand)(&s)), "{} at {i}", shape.name);
            }
        }
        let [by_hand, machine, interpreter] = race(
            41,
            EVALS,
            [
                &mut || (0..EVALS).for_each(|i| _ = black_box((shape.by_hand)(black_box(&snapshot(&store, i))))),
                &mut || (0..EVALS).for_each(|i| _ = black_box(jit.targets(black_box(&snapshot(&store, i))))),
                &mut || (0..EVALS).for_each(|i| _ = black_box(interp.targets(black_box(&snapshot(&store, i))))),
            ],
        );
        let (name, bar, ratio) = (shape.name, shape.bar, machine / by_hand);
        println!("| {name} | {by_hand:.1} | {machine:.1} | {ratio:.2} | {bar:.2} | {interpreter:.0} |");
    }
}

fn compilation() {
    println!("\n| text → ready, µs | interpreter | machine code |\n|---|--:|--:|");
    for shape in shapes() {
        let compile = |engine| drop(black_box(compiled(&shape, engine)));
        let t = race(41, 1, [&mut || compile(Engine::Interp), &mut || compile(Engine::Jit)]);
        println!("| {} | {:.1} | {:.1} |", shape.name, t[0] / 1e3, t[1] / 1e3);
    }
}

fn backtests() {
    let mut month = SeriesStore::new(&Rules::default());
    for i in 0..86_400i64 {
        let at = Ticks(i * Interval::SAMPLE_PERIOD.0);
        month.push(Metric::PendingTasks, at, at, ((i * 7919) % 613) as f64).expect("samples in order");
    }
    let schedule = backtest::Schedule {
        from: Ticks(0),
        to: Ticks(86_399 * Interval::SAMPLE_PERIOD.0),
        every: Interval::SAMPLE_PERIOD,
    };
    println!("\n| backtest of a month, 86 400 evaluations | 15 min, ms | week, ms | ratio |\n|---|--:|--:|--:|");
    for f in ["avg", "max", "std"] {
        let mut runs = ["15 * TimeInterval_Minute", "TimeInterval_Week"].map(|window| {
            let source = format!("$TargetDedicatedNodes = {f}(0, {f}($PendingTasks.GetSample({window}, 0)));");
            let formula = Formula::compile(&source).expect("a sound formula");
            let mut inputs = Inputs::with_series(Ticks(0), month.clone());
            move || {
                let mut sum = 0u64;
                let row = |row: backtest::Row| {
                    sum += u64::from(row.targets[0]);
                    true
                };
                backtest::backtest(&formula, &mut inputs, schedule, row).expect("a sound schedule");
                black_box(sum);
            }
        });
        let [short, long] = &mut runs;
        let [short, long] = race(21, 1, [short, long]).map(|ns| ns / 1e6);
        println!("| {f} | {short:.2} | {long:.2} | {:.2} |", long / short);
    }
}

/// What bounds one evaluation when nobody means well: as many different windows, or vectors, as 8 KB of text and the memory
/// budget hold, each as long as it may be, over samples whose sums no index knows.
fn hostile() {
    let most = i64::from(Rules::default().window_samples.0);
    let history = |value: fn(i64) -> f64| {
        let mut store = SeriesStore::new(&Rules::default());
        for i in 0..1_000_000i64 {
            let at = Ticks(i * Interval::SAMPLE_PERIOD.0);
            store.push(Metric::PendingTasks, at, at, value(i)).expect("samples in order");
        }
        Inputs::with_series(Ticks(999_999 * Interval::SAMPLE_PERIOD.0), store)
    };
    // Of whole numbers too large to be summed in advance, deviations look at each number twice.
    let fractions = history(|i| (i * 7919 % 613) as f64 + 0.1);
    let large = history(|i| (i * 7919 % 613) as f64 + 2e9);
    println!("\n| one hostile evaluation, a million samples | times | ms |\n|---|--:|--:|");
    // A text of terms for its first part, then of windows: both are cut where the service would refuse the text.
    let text = |first: &[String], head: &str, tail: &str| {
        let mut text = format!("n={most};w=$PendingTasks.GetSample(n);x=0");
        let mut times = 0;
        let windows = (0..).map(|i| format!("{head}$PendingTasks.GetSample(n-{i}){tail}"));
        for term in first.iter().cloned().chain(windows) {
            if text.len() + term.len() > 8000 {
                break;
            }
            text = text + "+" + &term;
            times += 1;
        }
        (text + ";$TargetDedicatedNodes=x>0?1:0;", times)
    };
    let mut rows = Vec::new();
    for name in ["sum", "max", "std", "norm"] {
        rows.push((format!("{name} of windows, fractions"), text(&[], &format!("{name}("), ")"), &fractions));
    }
    rows.push(("std of windows, large numbers".into(), text(&[], "std(", ")"), &large));
    // A target that is no number of nodes is judged after the run, not by a second one.
    let (negative, times) = text(&[], "std(", ")");
    rows.push(("the same, for a negative target".into(), (negative.replace("x>0?1:0", "0-x"), times), &large));
    // A vector takes memory: as many as the budget holds, then windows for the rest of the text.
    let vectors = Rules::default().memory_budget.0 / 8 / most as usize;
    let selected: Vec<String> = (0..vectors).map(|i| format!("percentile(w,{i})")).collect();
    rows.push(("percentiles, then std of windows".into(), text(&selected, "std(", ")"), &large));
    let grown: Vec<String> = (0..vectors).map(|i| format!("std(w+{i})")).collect();
    rows.push(("std of vectors, then of windows".into(), text(&grown, "std(", ")"), &large));
    for (name, (text, times), inputs) in rows {
        let mut evaluator = Formula::compile(&text).expect("a sound formula").evaluator();
        let [ns] = race(
            5,
            1,
            [&mut || {
                // Within all limits, but for the target that is meant to be refused.
                if let Err(e) = black_box(evaluator.targets(&inputs.snapshot())) {
                    assert!(e.value.ends_with("is negative"), "{name}: {}", e.value);
                }
            }],
        );
        println!("| {name} | {times} | {:.1} |", ns / 1e6);
    }
}

fn memory() {
    let rss = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split_whitespace().nth(1).and_then(|p| p.parse::<i64>().ok()).unwrap_or(0) * 4
    };
    let formula = &shapes()[0].formula;
    let cycle = |n: usize| (0..n).for_each(|_| drop(black_box(Formula::compile(formula))));
    cycle(2_000);
    let before = rss();
    cycle(100_000);
    println!("\n100 000 compile-and-drop cycles moved resident memory by {} KiB", rss() - before);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if args.iter().any(|a| a == "--test") {
        return;
    }
    for (name, table) in [
        ("shapes", evaluation as fn()),
        ("compile", compilation as fn()),
        ("backtest", backtests as fn()),
        ("hostile", hostile as fn()),
        ("memory", memory as fn()),
    ] {
        if args.is_empty() || args.iter().any(|a| a == name) {
            table();
        }
    }
}
