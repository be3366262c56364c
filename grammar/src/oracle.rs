//! What must hold of the parser for any text. Property tests and the fuzz target ask here.
//!
//! In: a text. Out: nothing, or a panic that says what is broken. Never: compiled into a release.

use crate::token::{Kind, Tokens};
use crate::{Ast, builder, format, formula, mend, parse, print};
use logos::Logos;

/// What the tables say alone.
fn accepted(text: &str) -> bool {
    let mut builder = builder::Builder::new(text);
    let mut lexer = Kind::lexer(text);
    formula::FormulaParser::new().parse(&mut builder, Tokens(&mut lexer)).is_ok()
}

/// Everything that must hold of any text.
pub fn check(text: &str) {
    let m = mend::mend(text);
    assert_eq!(accepted(text), m.errors.is_empty(), "tables and mender disagree on {text:?}: {:?}", m.errors);
    let mut builder = builder::Builder::new(text);
    let tokens = m.tokens.iter().map(|t| Ok(((), *t, ())));
    let refused = formula::FormulaParser::new().parse(&mut builder, tokens).err();
    assert!(refused.is_none(), "{text:?} mended to {:?}: {refused:?}", m.tokens);
    let p = parse(text);
    if let Err(why) = p.ast.verify() {
        panic!("{text:?}: {why}");
    }
    for e in &p.errors {
        let places = std::iter::once(e.span).chain(e.related.iter().map(|r| r.0)).chain(e.fix.iter().map(|f| f.span));
        for span in places {
            assert!(text.get(span.range()).is_some(), "{text:?}: {e:?} points outside");
        }
    }
    if p.errors.is_empty() {
        let printed = print::print(&p.ast);
        assert!(p.ast.same_tree(&parse(&printed).ast), "{text:?} printed as {printed:?}");
        let tidy = format(text).unwrap();
        let again = parse(&tidy);
        assert!(again.errors.is_empty() && p.ast.same_tree(&again.ast), "{text:?} formatted to {tidy:?}");
        assert_eq!(format(&tidy).as_deref(), Ok(tidy.as_str()), "{text:?} formats twice");
        let comments =
            |ast: &Ast| ast.comments.iter().map(|c| c.text(ast.text()).trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(comments(&p.ast), comments(&again.ast), "{text:?}");
    }
    print::tree(&p.ast);
    print::tokens(text);
    assert!(p.errors.windows(2).all(|w| w[0].span.lo <= w[1].span.lo), "{text:?}: errors out of order");
}
