//! Behaviour of the parser on whole formulas.

use crate::*;

#[test]
fn a_formula_of_every_construct_parses() {
    let text = "// head\n$n = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute) < 70\r\n\t? max(0, $PendingTasks.GetSample(1)) : -avg(a, b.c().d) + 2 * 3 - .5;;\nstop(); x = !(a || b && c == d < e)";
    let p = parse(text);
    assert_eq!(p.errors, []);
    p.ast.verify().unwrap();
    assert_eq!(p.ast.stmts.len(), 3);
    assert_eq!(p.ast.empty_stmts.len(), 1);
    assert_eq!(p.ast.comments.len(), 1);
}
