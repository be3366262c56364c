//! How long a key and a day take in a session.
//!
//! `completion/*`: one keystroke's candidates (the bound is 10 ms). `run_1d`: the example pool through a day, from a state that
//! is kept for `:undo`, so the fork it needs is part of the time (the bound is 50 ms).

use criterion::{Criterion, criterion_group, criterion_main};
use poolcast::{
    repl::{Files, NoFiles, Session, complete, step},
    wire::scenario::{self, Overrides, Scenario},
};
use std::path::Path;

struct Examples;

impl Files for Examples {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(name.into())
    }
    fn write(&mut self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn scenario(&self, name: &str, overrides: &Overrides) -> Result<Scenario, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios").join(name);
        scenario::load(&path, overrides).map_err(|e| e.to_string())
    }
}

fn bench(c: &mut Criterion) {
    let mut session = Session::new(Box::new(NoFiles));
    for i in 0..60 {
        step(&mut session, &format!("variable{i} = {i}"));
    }
    let words = complete::Vocabulary::of(&session);
    for (name, line) in [
        ("everything", "x = "),
        ("name", "x = min(10, max(variable3, $Pend"),
        ("method", "x = $PendingTasks.GetS"),
        ("knob", ":sim latency."),
        ("page", ":explain "),
    ] {
        c.bench_function(&format!("completion/{name}"), |b| {
            b.iter(|| complete::complete(line, line.len(), &words, &NoFiles))
        });
    }
    c.bench_function("expression", |b| b.iter(|| step(&mut session, "variable3 * 2 + variable7")));
    for file in ["shared_autoscale.toml", "spot_fallback.toml"] {
        let mut session = Session::new(Box::new(Examples));
        let reply = step(&mut session, &format!(":sim {file}"));
        assert!(!reply.failed, "{}", reply.text);
        c.bench_function(&format!("run_1d/{file}"), |b| {
            b.iter_custom(|n| {
                let mut total = std::time::Duration::ZERO;
                for _ in 0..n {
                    let begin = std::time::Instant::now();
                    let reply = step(&mut session, ":run 1d");
                    total += begin.elapsed();
                    assert!(!reply.failed, "{}", reply.text);
                    step(&mut session, ":undo");
                }
                total
            })
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
