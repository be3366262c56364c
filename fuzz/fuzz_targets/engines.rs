//! Random well-formed formulas over random samples: interpreter and machine code give the same bits, trap and place.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use poolcast::{Engine, Formula, Inputs, Metric, Options, Ticks, ir::lower::Effort};

const METRICS: [&str; 4] = ["$PendingTasks", "$ActiveTasks", "$CPUPercent", "$RunningTasks"];
const NUMBERS: [&str; 12] = ["0", "1", "2", "3.5", "70", "0.25", "100", "1000000", "time().hour", "$TargetDedicatedNodes", "$TaskSlotsPerNode", "rand()"];
const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&&", "||"];
const LISTS: [&str; 9] = ["min", "max", "avg", "sum", "len", "norm", "range", "std", "ceil"];

fn pick<'a>(u: &mut Unstructured<'_>, from: &[&'a str]) -> arbitrary::Result<&'a str> {
    Ok(from[u.choose_index(from.len())?])
}

fn number(u: &mut Unstructured<'_>, out: &mut String, depth: u32) -> arbitrary::Result<()> {
    let kind = if depth == 0 { u.int_in_range(0..=2)? } else { u.int_in_range(0..=9)? };
    match kind {
        0 => out.push_str(pick(u, &NUMBERS)?),
        1 => out.push_str(pick(u, &["a", "b", "c"])?),
        2 => *out += &format!("{}.GetSamplePercent({} * TimeInterval_Second)", pick(u, &METRICS)?, u.int_in_range(0..=900)?),
        3 | 4 => {
            out.push('(');
            number(u, out, depth - 1)?;
            *out += &format!(" {} ", pick(u, &OPERATORS)?);
            number(u, out, depth - 1)?;
            out.push(')');
        }
        5 => {
            out.push('(');
            number(u, out, depth - 1)?;
            out.push_str(" ? ");
            number(u, out, depth - 1)?;
            out.push_str(" : ");
            number(u, out, depth - 1)?;
            out.push(')');
        }
        6 => {
            out.push_str(pick(u, &["-", "!"])?);
            number(u, out, depth - 1)?;
        }
        7 => {
            out.push_str("val(");
            vector(u, out, depth - 1)?;
            out.push_str(", ");
            number(u, out, depth - 1)?;
            out.push(')');
        }
        _ => {
            // The vector forms of the rounding family are numbers again through `sum`.
            *out += &format!("sum({}(", pick(u, &LISTS)?);
            for i in 0..u.int_in_range(1..=3)? {
                if i > 0 {
                    out.push_str(", ");
                }
                if u.arbitrary()? { number(u, out, depth - 1)? } else { vector(u, out, depth - 1)? }
            }
            out.push_str("))");
        }
    }
    Ok(())
}

fn vector(u: &mut Unstructured<'_>, out: &mut String, depth: u32) -> arbitrary::Result<()> {
    let m = pick(u, &METRICS)?;
    match u.int_in_range(0..=5)? {
        0 | 1 => *out += &format!("{m}.GetSample({})", u.int_in_range(0..=8)?),
        2 => *out += &format!("{m}.GetSample({} * TimeInterval_Second)", u.int_in_range(-60..=900)?),
        3 => *out += &format!("{m}.GetSample({} * TimeInterval_Second, TimeInterval_Second * {}, {})", u.int_in_range(0..=600)?, u.int_in_range(0..=600)?, u.int_in_range(0..=100)?),
        4 => *out += &format!("{m}.GetSample(time() - {} * TimeInterval_Second, 0)", u.int_in_range(0..=900)?),
        _ => {
            out.push('(');
            vector_leaf(u, out)?;
            *out += &format!(" {} ", pick(u, &["+", "-", "*", "/"])?);
            if u.arbitrary()? { vector_leaf(u, out)? } else { number(u, out, depth.min(1))? }
            out.push(')');
        }
    }
    Ok(())
}

fn vector_leaf(u: &mut Unstructured<'_>, out: &mut String) -> arbitrary::Result<()> {
    *out += &format!("{}.GetSample({})", pick(u, &METRICS)?, u.int_in_range(0..=4)?);
    Ok(())
}

#[derive(Debug)]
struct Case {
    formula: String,
    inputs: Inputs,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Case> {
        let mut formula = String::from("a = 1; b = 2.5; c = 0;\n");
        for _ in 0..u.int_in_range(1..=6)? {
            match u.int_in_range(0..=5)? {
                0 => formula += "t = time() + a * TimeInterval_Minute; d = (t - time(\"2026-01-01\")) / 2;\n",
                1 => {
                    formula.push('(');
                    number(u, &mut formula, 2)?;
                    formula += ") ? stop() : 0;\n";
                }
                2 => {
                    formula += "v = ";
                    vector(u, &mut formula, 2)?;
                    formula += ";\n";
                }
                _ => {
                    formula += pick(u, &["a", "b", "c", "$TargetDedicatedNodes", "$TargetLowPriorityNodes", "$TargetDedicated"])?;
                    formula += " = ";
                    number(u, &mut formula, 3)?;
                    formula += ";\n";
                }
            }
        }
        let mut inputs = Inputs::at_ticks(Ticks(u.int_in_range(0..=20_000_000_000_000_000)?));
        for m in [Metric::PendingTasks, Metric::ActiveTasks, Metric::CpuPercent] {
            let mut values = Vec::new();
            for _ in 0..u.int_in_range(0..=40)? {
                values.push(if u.ratio(1, 4)? { f64::from(u.arbitrary::<i16>()?) / 7.0 } else { f64::from(u.arbitrary::<u8>()?) });
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
    let compile = |engine| Formula::compile_with(&case.formula, &Options { engine, like_service: true, ..Options::default() });
    let (Ok(jit), Ok(interp)) = (compile(Engine::Jit), compile(Engine::Interp)) else {
        panic!("does not compile:\n{}", case.formula)
    };
    // NaN differs from itself, so the printed forms are compared; every variable is printed in full.
    let reference = format!("{:?}", interp.evaluate_at(Effort::Plain, &case.inputs));
    assert_eq!(format!("{:?}", interp.evaluate(&case.inputs)), reference, "optimised program:\n{}", case.formula);
    assert_eq!(format!("{:?}", jit.evaluate(&case.inputs)), reference, "machine code:\n{}", case.formula);
});
