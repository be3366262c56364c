//! The public interface as a whole: what it is (a snapshot), what it promises (`Send`, `Sync`, no panic from arguments).

use poolcast::{
    Error, EvalError, Evaluator, Feed, Formula, Inputs, Interval, Metric, Outcome, PoolState, Rules, SeriesStore,
    Snapshot, Target, Targets, Ticks, sim::Simulation,
};
use std::{fmt::Write as _, fs, path::Path};

/// Files whose public items are the stable interface: what the crate root re-exports.
const STABLE: &[&str] = &[
    "src/lib.rs",
    "src/error.rs",
    "src/feed.rs",
    "src/formula.rs",
    "src/inputs.rs",
    "src/many.rs",
    "src/outcome.rs",
    "src/diag/mod.rs",
    "runtime/src/metric.rs",
    "runtime/src/rules.rs",
    "runtime/src/series.rs",
    "runtime/src/snapshot.rs",
    "runtime/src/ticks.rs",
    "runtime/src/value.rs",
    "grammar/src/span.rs",
    "src/sim/engine.rs",
    "src/sim/config.rs",
    "src/wire/scenario.rs",
];

/// `docs/public-api.txt` is what the sources say. `BLESS=1` writes it anew: a line that goes or changes is a new major (before
/// 1.0: minor) version, a line that comes is not.
#[test]
fn the_public_interface_is_the_recorded_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = String::from("# The stable interface, item by item. Made by `BLESS=1 cargo test --test it api`.\n");
    for file in STABLE {
        let text = fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let _ = write!(found, "\n## {file}\n{}", items(&text));
    }
    let path = root.join("docs/public-api.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let gone = recorded.lines().find(|l| !found.lines().any(|f| f == *l));
    let come = found.lines().find(|l| !recorded.lines().any(|r| r == *l));
    assert!(
        found == recorded,
        "docs/public-api.txt is stale; `BLESS=1 cargo test --test it api`\ngone: {gone:?}\nnew: {come:?}"
    );
}

/// Public items of a source file, one a line, bodies left out. By text, so that it needs no compiler of its own: a line that
/// begins with `pub ` (or is a variant or attribute inside a public enum) up to its `{`, `;` or `,`.
fn items(text: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut enum_depth, mut pending) = (0i32, None, String::new());
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or("").trim();
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        let inside_enum = enum_depth == Some(depth);
        if !pending.is_empty() || code.starts_with("pub ") || code.starts_with("impl") && depth == 0 {
            pending.push_str(if pending.is_empty() { "" } else { " " });
            pending.push_str(code);
            let ends = if pending.starts_with("pub use") {
                pending.ends_with(';')
            } else {
                pending.contains('{') || pending.ends_with(';') || pending.ends_with(',') && !pending.contains('(')
            };
            if ends {
                let keep = pending.starts_with("pub use") || pending.starts_with("pub const");
                let head = if keep { pending.as_str() } else { pending.split(" {").next().unwrap_or("") };
                let _ = writeln!(
                    out,
                    "{}{}",
                    "  ".repeat(depth.max(0) as usize),
                    head.trim_end_matches([',', ';', '{', ' '])
                );
                if pending.starts_with("pub enum") && pending.ends_with('{') {
                    enum_depth = Some(depth + 1);
                }
                pending.clear();
            }
        } else if inside_enum && code.starts_with(char::is_uppercase) {
            let _ = writeln!(out, "{}{}", "  ".repeat(depth as usize), code.trim_end_matches([',', '{', ' ']));
        } else if code == "#[non_exhaustive]" {
            let _ = writeln!(out, "{}{code}", "  ".repeat(depth.max(0) as usize));
        }
        depth += code.matches('{').count() as i32 - code.matches('}').count() as i32;
        if enum_depth.is_some_and(|d| depth < d) {
            enum_depth = None;
        }
    }
    out
}

#[test]
fn everything_moves_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    fn moved<T: Send + 'static>() {}
    shared::<Formula>();
    shared::<Feed>();
    shared::<Inputs>();
    shared::<Outcome>();
    shared::<Targets>();
    shared::<Error>();
    shared::<EvalError>();
    shared::<SeriesStore>();
    shared::<Rules>();
    moved::<Evaluator>();
    moved::<Simulation>();
}

#[test]
fn arguments_at_the_ends_of_their_ranges_give_errors() {
    let formula = Formula::compile(
        "a = avg($PendingTasks.GetSample(5 * TimeInterval_Minute));
         b = $ActiveTasks.GetSample(3);
         $TargetDedicatedNodes = a + len(b) + $CurrentDedicatedNodes + $TaskSlotsPerNode + time().weekday;",
    )
    .unwrap();
    let mut evaluator = formula.evaluator();
    for now in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX].map(Ticks) {
        for keep in [None, Some(Interval(i64::MIN)), Some(Interval::ZERO), Some(Interval(i64::MAX))] {
            let feed = Feed::keeping(keep, formula.rules());
            for at in [i64::MIN, -5, 0, 7, i64::MAX].map(Ticks) {
                for metric in Metric::ALL {
                    let _ = feed.push(*metric, at, f64::MAX);
                    let _ = feed.push_delayed(*metric, at, Ticks(i64::MIN), -f64::MIN_POSITIVE);
                }
            }
            feed.set_pool(PoolState {
                targets: [u32::MAX; 2],
                nodes: [u32::MAX; 2],
                task_slots: u32::MAX,
                seed: u64::MAX,
            });
            let _ = feed.evaluate(&mut evaluator, now);
            let _ = formula.evaluate(&feed.inputs(now));
            // A snapshot may be filled in by hand with anything.
            for x in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
                let view = feed.view();
                let odd = Snapshot { targets: [x; 2], current: [x; 2], task_slots: x, ..view.at(now) };
                let _ = evaluator.targets(&odd);
                let _ = evaluator.run(&odd);
            }
        }
    }
    assert!(Inputs::at("").is_err() && Inputs::at("99999999999999999999").is_err() && Inputs::at("\u{0}").is_err());
    assert!(Inputs::at_ticks(Ticks(i64::MIN)).samples(Metric::PendingTasks, vec![1.0; 5]).is_err());
    assert!(Inputs::at_ticks(Ticks(0)).samples(Metric::PendingTasks, [f64::NAN]).is_err());
    for text in ["", "\u{0}", ";", "\"", "a=", "💥"] {
        assert!(Formula::compile(text).is_err(), "{text:?}");
        let _ = Formula::compile_like_service(text);
    }
}

#[test]
fn a_feed_says_what_static_series_say() {
    let text = "
        share = $PendingTasks.GetSamplePercent(20 * TimeInterval_Minute);
        busy = share < 40 ? 2 : avg($PendingTasks.GetSample(20 * TimeInterval_Minute));
        top = max($PendingTasks.GetSample(5));
        $TargetDedicatedNodes = busy + top + $TargetDedicatedNodes;";
    let formula = Formula::compile(text).unwrap();
    let feed = Feed::for_formula(&formula);
    let mut inputs = Inputs::at_ticks(Ticks(0));
    let mut evaluator = formula.evaluator();
    for i in 0..3000i64 {
        let at = Ticks(Interval::SAMPLE_PERIOD.0 * i);
        if i % 7 != 3 {
            let value = ((i * 31) % 17) as f64;
            feed.push(Metric::PendingTasks, at, value).unwrap();
            inputs.series.push(Metric::PendingTasks, at, at, value).unwrap();
        }
        if i % 10 == 0 {
            inputs.now = at;
            inputs.targets = [3.0, 0.0];
            feed.set_pool(PoolState { targets: [3, 0], ..PoolState::default() });
            let want = formula.evaluate(&inputs).map(|o| o.targets());
            assert_eq!(feed.evaluate(&mut evaluator, at), want, "sample {i}");
        }
    }
    assert!(feed.view().series().len() < 400, "an hour more than the longest window is kept");
}

#[test]
fn many_pools_say_what_each_says() {
    let formula =
        Formula::compile("$TargetDedicatedNodes = avg($PendingTasks.GetSample(2 * TimeInterval_Minute));").unwrap();
    let pools: Vec<Inputs> = (0..1500)
        .map(|i| {
            let inputs = Inputs::at_ticks(Ticks(Interval::DAY.0));
            if i % 5 == 0 { inputs } else { inputs.samples(Metric::PendingTasks, [f64::from(i); 6]).unwrap() }
        })
        .collect();
    let snapshots: Vec<_> = pools.iter().map(Inputs::snapshot).collect();
    for n in [0, 1, 100, 1500] {
        let many = formula.evaluate_many(&snapshots[..n]);
        assert_eq!(many.len(), n);
        for (i, (got, pool)) in many.into_iter().zip(&pools).enumerate() {
            assert_eq!(got, formula.evaluate(pool).map(|o| o.targets()), "pool {i}");
        }
    }
    assert_eq!(formula.evaluate_many(&snapshots[7..8])[0].as_ref().unwrap().dedicated, Target::Set(7));
}
