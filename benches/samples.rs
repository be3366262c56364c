//! Loading a million samples: ours beside the `csv` crate merely splitting the same bytes into fields.
//!
//! Run with `cargo bench --bench samples`. The claim is the ratio of the two, and a quarter of a second for the first.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use poolcast::wire::metrics::{Visibility, read};
use poolcast_runtime::{builtins::reduce::nearest_rank, rules::Rules, series::Series, ticks::Ticks};
use std::fmt::Write;

const ROWS: i64 = 1_000_000;

fn at(i: i64) -> Ticks {
    Ticks::from_unix_seconds(1_700_000_000 + 30 * i)
}

fn long() -> String {
    let mut text = String::from("time,metric,value\n");
    for i in 0..ROWS {
        let _ = writeln!(text, "{},$PendingTasks,{}", at(i).iso_trimmed(), i * 7919 % 2003);
    }
    text
}

fn load(c: &mut Criterion) {
    let text = long();
    let mut group = c.benchmark_group("samples/load a million");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("csv crate, fields only", |b| {
        b.iter(|| {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let mut record = csv::ByteRecord::new();
            let mut bytes = 0;
            while reader.read_byte_record(&mut record).unwrap() {
                bytes += record.iter().map(<[u8]>::len).sum::<usize>();
            }
            bytes
        });
    });
    group.bench_function("poolcast, long CSV", |b| {
        b.iter(|| read(text.as_bytes(), &Visibility::default(), &Rules::default()).unwrap().summary.rows);
    });
    group.finish();
}

fn windows(c: &mut Criterion) {
    let mut series = Series::default();
    for i in 0..8000 {
        if i % 12 != 5 {
            series.push(at(i), at(i + 2), (i * 7919 % 2003) as f64).unwrap();
        }
    }
    series.index_extremes();
    series.index_quantiles();
    let mut group = c.benchmark_group("samples/window");
    for (name, seconds) in [("180 s", 180), ("6 h", 6 * 3600), ("a week", 7 * 86_400)] {
        // Instants in steps of 30 s, as a backtest visits them; no division in the harness.
        let mut i = 0;
        let window = move || {
            i = (i + 1) & 4095;
            let now = Ticks(at(3900).0 + i * 300_000_000);
            (now, Ticks(now.0 - seconds * 10_000_000))
        };
        let mut w = window;
        group.bench_function(format!("range, {name}"), |b| {
            b.iter(|| {
                let (now, lo) = w();
                series.range(now, lo, now)
            });
        });
        let mut w = window;
        group.bench_function(format!("sum, {name}"), |b| {
            b.iter(|| {
                let (now, lo) = w();
                series.window_sum(series.range(now, lo, now))
            });
        });
        let mut w = window;
        group.bench_function(format!("max, {name}"), |b| {
            b.iter(|| {
                let (now, lo) = w();
                series.window_max(series.range(now, lo, now))
            });
        });
        let mut w = window;
        group.bench_function(format!("std, {name}"), |b| {
            b.iter(|| {
                let (now, lo) = w();
                series.window_std(series.range(now, lo, now))
            });
        });
        let mut w = window;
        group.bench_function(format!("p95, {name}"), |b| {
            b.iter(|| {
                let (now, lo) = w();
                let range = series.range(now, lo, now);
                let k = nearest_rank(95.0, range.len().max(1));
                series.window_nth(range, k)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, load, windows);
criterion_main!(benches);
