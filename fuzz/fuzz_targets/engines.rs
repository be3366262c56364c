//! Random well-formed formulas over random samples: interpreter and machine code give the same bits, trap and place, and the
//! targets alone are those of the whole outcome.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use poolcast::{Engine, Formula, Inputs, Metric, Options, Ticks, ir::lower::Effort};

mod formulas;

#[derive(Debug)]
struct Case {
    formula: String,
    inputs: Inputs,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Case> {
        let formula = formulas::formula(u)?;
        let mut inputs = Inputs::at_ticks(Ticks(u.int_in_range(0..=20_000_000_000_000_000)?));
        for m in [Metric::PendingTasks, Metric::ActiveTasks, Metric::CpuPercent] {
            // Sums of whole numbers are known at once, which is the quick way of machine code.
            let whole: bool = u.arbitrary()?;
            let mut values = Vec::new();
            for _ in 0..u.int_in_range(0..=40)? {
                values.push(if !whole && u.ratio(1, 4)? {
                    f64::from(u.arbitrary::<i16>()?) / 7.0
                } else {
                    f64::from(u.arbitrary::<u8>()?)
                });
            }
            inputs = inputs.samples(m, values).expect("finite samples");
        }
        Ok(Case { formula, inputs: inputs.targets(u.int_in_range(0..=9)?, 1).seed(u.arbitrary()?) })
    }
}

fuzz_target!(|case: Case| {
    if case.formula.len() > 8000 {
        return;
    }
    let compile =
        |engine| Formula::compile_with(&case.formula, &Options { engine, like_service: true, ..Options::default() });
    let (Ok(jit), Ok(interp)) = (compile(Engine::Jit), compile(Engine::Interp)) else {
        panic!("does not compile:\n{}", case.formula)
    };
    // NaN differs from itself, so the printed forms are compared; every variable is printed in full.
    let reference = format!("{:?}", interp.evaluate_at(Effort::Plain, &case.inputs));
    assert_eq!(format!("{:?}", interp.evaluate(&case.inputs)), reference, "optimised program:\n{}", case.formula);
    let machine = jit.evaluate(&case.inputs);
    assert_eq!(format!("{machine:?}"), reference, "machine code:\n{}", case.formula);
    let targets = jit.evaluator().targets(&case.inputs.snapshot());
    assert_eq!(targets, machine.map(|o| o.targets()), "targets alone:\n{}", case.formula);
});
