//! What looking at a formula costs, side by side in one run: the shape alone, the shape and the types, and everything
//! `check` does, for a formula of six statements, for one of 8 KB, and for a thousand of median size.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use poolcast::{
    check::{self, author::author},
    diag::level::Levels,
};
use std::hint::black_box;

const SIX: &str = include_str!("../examples/formulas/backlog.txt");

/// Statements in the manner of real formulas until the limit is nearly reached.
fn large() -> String {
    let mut text = String::from("window = TimeInterval_Minute * 10;\n");
    let mut i = 0;
    while text.len() < 7900 && i < 95 {
        text.push_str(&format!(
            "n{i} = $PendingTasks.GetSamplePercent(window) < 70 ? max(0, $PendingTasks.GetSample({})) : avg($PendingTasks.GetSample(window));\n",
            i + 2
        ));
        i += 1;
    }
    let sum: Vec<String> = (0..i).map(|k| format!("n{k}")).collect();
    let mut end = format!("$TargetDedicatedNodes = ceil({});\n", sum.join(" + "));
    while text.len() + end.len() > 8192 {
        end = "$TargetDedicatedNodes = ceil(n0);\n".to_owned();
        text.truncate(text.len().min(8100));
        let cut = text.rfind('\n').map_or(0, |n| n + 1);
        text.truncate(cut);
    }
    text + &end
}

fn stages(c: &mut Criterion) {
    for (name, text) in [("six statements", SIX.to_owned()), ("8 KB", large())] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("parse", |b| b.iter(|| poolcast_grammar::parse(black_box(&text))));
        group.bench_function("parse + types", |b| {
            b.iter(|| check::check(&poolcast_grammar::parse(black_box(&text)).ast))
        });
        let levels = Levels::default();
        group.bench_function("check", |b| b.iter(|| author(black_box(&text), &levels)));
        group.finish();
    }
}

fn thousand(c: &mut Criterion) {
    let levels = Levels::default();
    let mut group = c.benchmark_group("formulas of median size");
    group.sample_size(10);
    group.bench_with_input(BenchmarkId::from_parameter(1000), &1000, |b, n| {
        b.iter(|| (0..*n).map(|_| author(black_box(SIX), &levels).diagnostics.len()).sum::<usize>())
    });
    group.finish();
}

criterion_group!(benches, stages, thousand);
criterion_main!(benches);
