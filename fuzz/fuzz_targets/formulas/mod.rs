//! Random well-formed formulas, for the targets that run them.

use arbitrary::Unstructured;

const METRICS: [&str; 4] = ["$PendingTasks", "$ActiveTasks", "$CPUPercent", "$RunningTasks"];
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "2",
    "3.5",
    "70",
    "0.25",
    "100",
    "1000000",
    "time().hour",
    "$TargetDedicatedNodes",
    "$TaskSlotsPerNode",
    "rand()",
];
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
        2 => {
            *out +=
                &format!("{}.GetSamplePercent({} * TimeInterval_Second)", pick(u, &METRICS)?, u.int_in_range(0..=900)?)
        }
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
        3 => {
            *out += &format!(
                "{m}.GetSample({} * TimeInterval_Second, TimeInterval_Second * {}, {})",
                u.int_in_range(0..=600)?,
                u.int_in_range(0..=600)?,
                u.int_in_range(0..=100)?
            )
        }
        4 => *out += &format!("{m}.GetSample(time() - {} * TimeInterval_Second, 0)", u.int_in_range(0..=900)?),
        _ => {
            out.push('(');
            vector_leaf(u, out)?;
            *out += &format!(" {} ", pick(u, &["+", "-", "*", "/"])?);
            if u.arbitrary()? {
                vector_leaf(u, out)?
            } else {
                number(u, out, depth.min(1))?
            }
            out.push(')');
        }
    }
    Ok(())
}

fn vector_leaf(u: &mut Unstructured<'_>, out: &mut String) -> arbitrary::Result<()> {
    *out += &format!("{}.GetSample({})", pick(u, &METRICS)?, u.int_in_range(0..=4)?);
    Ok(())
}

/// Up to six statements in which every construct occurs.
pub fn formula(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
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
                formula +=
                    pick(u, &["a", "b", "c", "$TargetDedicatedNodes", "$TargetLowPriorityNodes", "$TargetDedicated"])?;
                formula += " = ";
                number(u, &mut formula, 3)?;
                formula += ";\n";
            }
        }
    }
    Ok(formula)
}
