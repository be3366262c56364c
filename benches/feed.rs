//! A live feed against static series, and one formula over many pools against a loop: side by side, in one run.
//!
//! `cargo bench --bench feed`. Ratios to watch: `push` (≤ 20 ns), `live / static` (≤ 1.2), `many / loop of evaluate` (≤ 1/3).

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use poolcast::{Feed, Formula, Inputs, Interval, Metric, Rules, SeriesStore, Ticks};
use std::hint::black_box;

const FORMULA: &str = "\
seen = $PendingTasks.GetSamplePercent(15 * TimeInterval_Minute);
busy = seen < 70 ? max(0, $PendingTasks.GetSample(1)) : max($PendingTasks.GetSample(1), avg($PendingTasks.GetSample(15 * TimeInterval_Minute)));
aim = busy > 0 ? busy : max(0, $TargetDedicatedNodes / 2);
$TargetDedicatedNodes = max(0, min(aim, 40));
$NodeDeallocationOption = taskcompletion;";

fn at(i: i64) -> Ticks {
    Ticks(1_767_600_000 * 10_000_000 + Interval::SAMPLE_PERIOD.0 * i)
}
fn value(i: i64) -> f64 {
    ((i * 7919) % 53) as f64
}

fn push(c: &mut Criterion) {
    let mut group = c.benchmark_group("push");
    const N: i64 = 10_000;
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("feed, keeping a day", |b| {
        let feed = Feed::new();
        let mut i = 0;
        b.iter(|| {
            for _ in 0..N {
                feed.push(Metric::PendingTasks, at(i), value(i)).unwrap();
                i += 1;
            }
        });
    });
    group.bench_function("feed, a batch under one lock", |b| {
        let feed = Feed::new();
        let mut i = 0;
        b.iter(|| {
            feed.extend(Metric::PendingTasks, (i..i + N).map(|i| (at(i), value(i)))).unwrap();
            i += N;
        });
    });
    group.bench_function("series store, no lock, no retention", |b| {
        b.iter_batched_ref(
            || SeriesStore::new(&Rules::default()),
            |store| (0..N).for_each(|i| store.push(Metric::PendingTasks, at(i), at(i), value(i)).unwrap()),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn evaluate(c: &mut Criterion) {
    let formula = Formula::compile(FORMULA).unwrap();
    let feed = Feed::keeping(None, &Rules::default());
    let mut inputs = Inputs::at_ticks(at(2880));
    for i in 0..=2880 {
        feed.push(Metric::PendingTasks, at(i), value(i)).unwrap();
        inputs.series.push(Metric::PendingTasks, at(i), at(i), value(i)).unwrap();
    }
    let mut group = c.benchmark_group("evaluate");
    let mut evaluator = formula.evaluator();
    let mut i = 0;
    let mut next = move || {
        i = (i + 1) % 2000;
        at(800 + i)
    };
    group.bench_function("static series", |b| {
        b.iter(|| {
            let mut snapshot = inputs.snapshot();
            snapshot.now = next();
            evaluator.targets(black_box(&snapshot))
        })
    });
    group.bench_function("live feed, a view each", |b| b.iter(|| feed.evaluate(&mut evaluator, next())));
    let view = feed.view();
    group.bench_function("live feed, one view", |b| b.iter(|| evaluator.targets(black_box(&view.at(next())))));
    group.finish();
}

fn many(c: &mut Criterion) {
    const POOLS: usize = 10_000;
    let formula = Formula::compile(FORMULA).unwrap();
    let pools: Vec<Inputs> = (0..POOLS as i64)
        .map(|p| {
            let mut inputs = Inputs::at_ticks(at(60));
            for i in 0..=60 {
                inputs.series.push(Metric::PendingTasks, at(i), at(i), value(i + p)).unwrap();
            }
            inputs
        })
        .collect();
    let snapshots: Vec<_> = pools.iter().map(Inputs::snapshot).collect();
    let mut group = c.benchmark_group("many pools");
    group.throughput(Throughput::Elements(POOLS as u64)).sample_size(20);
    group.bench_function("loop of evaluate", |b| {
        b.iter(|| pools.iter().map(|p| formula.evaluate(p).map(|o| o.targets())).collect::<Vec<_>>())
    });
    group.bench_function("loop of one evaluator", |b| {
        let mut evaluator = formula.evaluator();
        b.iter(|| snapshots.iter().map(|p| evaluator.targets(p)).collect::<Vec<_>>())
    });
    group.bench_function("evaluate_many", |b| b.iter(|| formula.evaluate_many(&snapshots)));
    group.finish();
}

criterion_group!(benches, push, evaluate, many);
criterion_main!(benches);
