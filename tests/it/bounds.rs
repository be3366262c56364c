//! Bounds: what is proved holds on every engine, and is tight where it can be.

use crate::support::formulas::{admissible, formula};
use poolcast::{Engine, Formula, Inputs, Options, bounds, bounds::Assume, ir::lower::{self, Effort}};
use proptest::prelude::*;

fn compile(source: &str) -> Formula {
    let options = Options { engine: Engine::Interp, like_service: true, ..Options::default() };
    Formula::compile_with(source, &options).unwrap_or_else(|e| panic!("{source}\n{e}"))
}

/// No run of the optimised or of the plain program leaves its bounds.
fn sound(source: &str, inputs: &Inputs) -> Result<(), TestCaseError> {
    let f = compile(source);
    let plain = lower::lower(f.hir(), f.rules(), Effort::Plain);
    for p in [f.program(), &plain] {
        let analysis = bounds::analyse(p, &Assume::default());
        if let Some(wrong) = bounds::oracle::violation(&analysis, inputs) {
            return Err(TestCaseError::fail(format!("{wrong}\n{source}\n{}", poolcast::ir::print::print(p))));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_run_leaves_its_bounds(source in formula(), inputs in admissible()) {
        sound(&source, &inputs)?;
    }
}
