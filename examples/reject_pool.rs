//! A gate in front of a scheduler: refuse a pool whose formula can ask for more than 40 nodes, whatever the samples.
//!
//! `cargo run --example reject_pool`. The bound is proved over all samples, instants and pool states, not tried; where the
//! formula really gets there, a witness shows how.

use poolcast::{
    Formula,
    bounds::{Assume, report},
};

const MOST: f64 = 40.0;
/// Evaluations spent on looking for a witness; the proof needs none.
const SEARCH: u32 = 20_000;

/// Why a pool with this formula is refused, if it is.
fn refusal(text: &str) -> Option<String> {
    let formula = match Formula::compile(text) {
        Ok(formula) => formula,
        Err(e) => return Some(e.to_string()),
    };
    let report = report(&formula, &Assume::default(), SEARCH, 0);
    // A node of either class counts.
    let most: f64 = report.targets.iter().map(|t| t.high.bound).sum();
    if most <= MOST {
        return None;
    }
    let mut why = format!("it can ask for {most} nodes, {MOST} are allowed");
    for target in &report.targets {
        if let Some((nodes, witness)) = &target.high.found {
            why += &format!("\n  {nodes} nodes with {}", witness.words());
        }
    }
    Some(why)
}

fn main() {
    let pools = [
        ("capped", "$TargetDedicatedNodes = min(40, avg($PendingTasks.GetSample(10)));"),
        (
            "two classes",
            "n = min(25, $PendingTasks.GetSample(1)); $TargetDedicatedNodes = n; $TargetLowPriorityNodes = n;",
        ),
        ("forgotten cap", "$TargetDedicatedNodes = max($PendingTasks.GetSample(10)) / 4;"),
        ("cap inside out", "$TargetDedicatedNodes = max(40, $PendingTasks.GetSample(1));"),
        ("broken", "$TargetDedicatedNodes = min(40, );"),
    ];
    let verdicts = pools.map(|(name, text)| {
        let verdict = refusal(text);
        println!("{name}: {}", verdict.as_deref().unwrap_or("accepted"));
        verdict.is_none()
    });
    assert_eq!(verdicts, [true, false, false, false, false]);
}
