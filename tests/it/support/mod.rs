//! Shared by the rooms' tests: running a formula on every engine, and saying where two runs differ.

pub mod formulas;

use poolcast::{Engine, EvalError, Formula, Inputs, Options, Outcome, OwnedValue, Rules, ir::lower::Effort};

/// One run's result in a form that compares bit for bit (NaN payloads aside).
#[derive(Debug, Clone, PartialEq)]
pub enum Ran {
    /// Results string, and every variable's bits.
    Done(String, Vec<(String, Vec<u64>)>),
    /// Code, value text and place.
    Failed(String, String, u32),
}

fn bits(v: &OwnedValue) -> Vec<u64> {
    let b = |x: f64| if x.is_nan() { u64::MAX } else { x.to_bits() };
    match v {
        OwnedValue::Double(x) => vec![b(*x)],
        OwnedValue::Vec(x) => x.iter().map(|x| b(*x)).collect(),
        OwnedValue::Str(s) => s.bytes().map(u64::from).collect(),
        OwnedValue::Time(t) => vec![t.0 as u64],
        OwnedValue::Interval(i) => vec![i.0 as u64],
        _ => vec![],
    }
}

/// The comparable form of a result.
pub fn ran(result: Result<Outcome, EvalError>) -> Ran {
    match result {
        Ok(o) => Ran::Done(o.results(), o.variables.into_iter().map(|(n, v)| (n.to_string(), bits(&v))).collect()),
        Err(e) => Ran::Failed(e.code.into(), e.value.clone(), e.span.lo),
    }
}

/// Evaluate on the interpreter over the plain and the optimised program and on machine code; all must agree.
pub fn everywhere(source: &str, inputs: &Inputs, rules: &Rules) -> Ran {
    let compile = |engine| {
        let options = Options { rules: *rules, engine, like_service: true, ..Options::default() };
        Formula::compile_with(source, &options).unwrap_or_else(|e| panic!("{source}\n{e}"))
    };
    let interp = compile(Engine::Interp);
    let reference = ran(interp.evaluate_at(Effort::Plain, inputs));
    let optimised = ran(interp.evaluate(inputs));
    assert_eq!(
        reference,
        optimised,
        "plain and optimised programs differ:\n{source}\n{}",
        poolcast::ir::print::print(interp.program())
    );
    #[cfg(feature = "jit")]
    {
        let jit = compile(Engine::Jit);
        let machine = ran(jit.evaluate(inputs));
        assert_eq!(
            reference,
            machine,
            "interpreter and machine code differ:\n{source}\n{}",
            poolcast::ir::print::print(jit.program())
        );
        // The quick path that a scheduler uses says the same.
        let mut evaluator = jit.evaluator();
        let quick = evaluator.targets(&inputs.snapshot());
        match (&reference, quick, jit.evaluate(inputs)) {
            (Ran::Done(..), Ok(t), Ok(o)) => assert_eq!(t, o.targets(), "{source}"),
            (Ran::Failed(_, value, _), Err(e), _) => assert_eq!(*value, e.value, "{source}"),
            (r, q, _) => panic!("{source}\n{r:?}\n{q:?}"),
        }
    }
    reference
}
