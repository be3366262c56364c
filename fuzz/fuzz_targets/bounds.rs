//! Random formulas over admissible inputs: no run leaves what the bounds say, on the plain and the optimised program.
#![no_main]

mod formulas;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use poolcast::{
    Engine, Formula, Inputs, Metric, Options, Ticks, bounds,
    bounds::Assume,
    ir::lower::{Effort, lower},
};

#[derive(Debug)]
struct Case {
    formula: String,
    inputs: Inputs,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Case> {
        let formula = formulas::formula(u)?;
        let mut inputs = Inputs::at_ticks(Ticks(u.int_in_range(0..=20_000_000_000_000_000)?));
        for m in [Metric::PendingTasks, Metric::ActiveTasks, Metric::RunningTasks, Metric::CpuPercent] {
            let mut values = Vec::new();
            for _ in 0..u.int_in_range(0..=40)? {
                let small = f64::from(u.arbitrary::<u8>()?);
                values.push(match (m, u.ratio(1, 8)?) {
                    (Metric::CpuPercent, _) => small / 2.55,
                    (_, true) => f64::from(u.arbitrary::<i32>()? & i32::MAX),
                    _ => small,
                });
            }
            inputs = inputs.samples(m, values).expect("finite samples");
        }
        let inputs =
            inputs.targets(u.int_in_range(0..=300)?, u.int_in_range(0..=9)?).nodes(u.int_in_range(0..=300)?, 1);
        Ok(Case { formula, inputs: inputs.task_slots(u.int_in_range(1..=16)?).seed(u.arbitrary()?) })
    }
}

fuzz_target!(|case: Case| {
    if case.formula.len() > 8000 {
        return;
    }
    let options = Options { engine: Engine::Interp, like_service: true, ..Options::default() };
    let Ok(f) = Formula::compile_with(&case.formula, &options) else { panic!("does not compile:\n{}", case.formula) };
    let plain = lower(f.hir(), f.rules(), Effort::Plain);
    for p in [f.program(), &plain] {
        let analysis = bounds::analyse(p, &Assume::default());
        if let Some(wrong) = bounds::oracle::violation(&analysis, &case.inputs) {
            panic!("{wrong}\n{}", case.formula);
        }
    }
});
