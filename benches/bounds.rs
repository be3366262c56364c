//! What proving costs, side by side in one run: compiling a formula, and bounding it, for six statements, for forty with
//! a condition in most of them, and for 8 KB of conditions.

use criterion::{Criterion, criterion_group, criterion_main};
use poolcast::{Engine, Formula, Options, bounds, bounds::Assume};
use std::hint::black_box;

const SIX: &str = include_str!("../examples/formulas/backlog.txt");

/// So many statements in the manner of real formulas: guarded windows, clamps, times of day.
fn many(n: usize) -> String {
    let mut text = String::from("w = TimeInterval_Minute * 10;\nt = 0;\n");
    for i in 0..n.saturating_sub(4) {
        text += &match i % 4 {
            0 => format!("s{i} = $PendingTasks.GetSamplePercent(w);\n"),
            1 => format!(
                "v{i} = s{} < 70 ? max(0, $PendingTasks.GetSample({i})) : avg($PendingTasks.GetSample(w));\n",
                i - 1
            ),
            2 => format!("h{i} = time().hour >= {} && time().hour < 20 ? 10 : 2;\n", i % 12),
            _ => format!("t = max(t, min(h{}, v{} / 4));\n", i - 1, i - 2),
        };
    }
    text + "$TargetDedicatedNodes = min(50, ceil(t));\n$NodeDeallocationOption = taskcompletion;\n"
}

fn bounding(c: &mut Criterion) {
    for (name, text) in
        [("six statements", SIX.to_owned()), ("forty statements", many(40)), ("a hundred statements", many(100))]
    {
        let options = Options { engine: Engine::Interp, ..Options::default() };
        let formula = Formula::compile_with(&text, &options).expect("compiles");
        let assume = Assume::default();
        let mut group = c.benchmark_group(name);
        group.bench_function("compile", |b| b.iter(|| Formula::compile_with(black_box(&text), &options)));
        group.bench_function("bounds", |b| b.iter(|| bounds::analyse(black_box(formula.program()), &assume).target(0)));
        group.finish();
    }
}

criterion_group!(benches, bounding);
criterion_main!(benches);
