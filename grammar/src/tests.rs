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

#[test]
fn show() {
    for t in [
        "x = 1\ny = 2;",
        "x = 1 # c\n;",
        "x = /* a */ 1;",
        "/* a\n * b\n */\nx = 1;",
        "x = 7 % 2;",
        "x = 70%;",
        "x = time('a');",
        "x = time(\\\"2020\\\");",
        "x = [1,2];",
        "x = v[0];",
        "x = {pool.N};",
        "x = ${n};",
        "x = (a = 1) ? 2 : 3;",
        "x = a = 1 ? 2 : 3;",
        "a = b = c = 1;",
        "x = 2 ^ 3;",
        "x = a & b | c;",
        "x++;",
        "x += 1;",
        "x = a ++ b;",
        "x = a ** 2;",
        "x = +1;",
        "x = a and b or c;",
        "x = not a;",
        "x = time(\"2020);\ny = 1;",
        "x = (a + b;\ny = 1;",
        "x = a + b);",
        "5 = x;",
        "x.y = 1;",
        "x = 0x1F;",
        "größe = 1; y = größe;",
        "x = 1\0;",
        "x = a − b;",
        "x = “a”;",
        "x = $;",
        "x = $1x;",
        "x = 1x;",
        "x = ;",
        "x = max(1,);",
        "x = max(a b);",
        "x = a ? b;",
        "x = (a ? b);",
        "x = a b c d e;",
        "x = 1 + * / 3;",
        "x = 1 +\ny = 2;",
        "if (a > 1) { x = 1; } else { x = 2; }",
        "this is prose\nand more prose\nx = 1;",
        "x = a.;",
        "x = a.5;",
        "x--;",
        "x = 1, y = 2;",
        "x = f(y = 1);",
        "x = a > = 1;",
        "((((",
        "))))",
        "[[[[",
        "]]]]",
        "{{{{",
        "}}}}",
        "????",
        "::::",
        ",,,,",
        "====",
        "....",
        "",
        " \n",
        "// a",
        ";;",
        "x = 1\\ny = 2\\n",
        "x = a.GetSample(1)[0].b",
        "x = (a)(b)",
        "x := 1;",
        "x = 1 €€€ 2",
        "@@@@",
        "x = a\n  ? b\n : c\ny = 1",
        "x = max(a, b\ny = 1",
    ] {
        let p = parse(t);
        println!("== {t:?}");
        for e in &p.errors {
            println!(
                "   {:?} {:?} {:?}{}",
                e.kind,
                e.span.text(t),
                e.span.lo,
                e.related.as_ref().map_or(String::new(), |r| format!("  [{:?} {}]", r.0.text(t), r.1))
            );
            if !e.fix.is_empty() {
                println!(
                    "      fix {:?}",
                    e.fix.iter().map(|f| (f.span.lo, f.span.text(t), f.text.as_str())).collect::<Vec<_>>()
                );
            }
        }
        p.ast.verify().unwrap();
        println!(
            "   stmts {:?}",
            p.ast.stmts.iter().map(|s| (s.target.map(|t| p.ast.name(t.0)), p.ast.expr(s.value))).collect::<Vec<_>>()
        );
    }
}
