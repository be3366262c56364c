//! Properties over arbitrary texts: unicode, token soups, and generated trees.

use crate::token::{Kind, Tokens};
use crate::*;
use logos::Logos;
use proptest::prelude::*;

/// What the tables say alone.
fn accepted(text: &str) -> bool {
    let mut builder = builder::Builder::new(text);
    let mut lexer = Kind::lexer(text);
    formula::FormulaParser::new().parse(&mut builder, Tokens(&mut lexer)).is_ok()
}

/// Everything that must hold of any text.
pub(crate) fn check(text: &str) {
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
    assert!(p.errors.windows(2).all(|w| w[0].span.lo <= w[1].span.lo), "{text:?}: errors out of order");
}

const BITS: &[&str] = &[
    "a", "b", "$x", "1", "2.5", "\"s\"", "+", "-", "*", "/", "<", "<=", "==", "!=", "&&", "||", "!", "=", "=", "?", ":", ".", ",",
    "(", ")", "(", ")", ";", ";", "\n", " ", " ", "// c\n", "#", "/*", "*/", "'", "\"", "\\", "%", "[", "]", "{", "}", "^", "&",
    "|", "++", "+=", "and", "not", "max(", "é", "−", "“", "”", "\0", "@", "$", "0x1F", "1x", "\\\"", "\\n", "${", "}}", ">", "\u{a0}", "\r\n",
];

fn soup() -> impl Strategy<Value = String> {
    let all = prop::collection::vec(0..BITS.len(), 0..40).prop_map(|ix| ix.into_iter().map(|i| BITS[i]).collect::<String>());
    // mostly well-formed parts reach deeper
    let sane = prop::collection::vec(0..36usize, 0..40).prop_map(|ix| ix.into_iter().map(|i| BITS[i]).collect::<Vec<_>>().join(" "));
    prop_oneof![all, sane]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_token_soup_has_a_tree_and_agreed_errors(text in soup()) {
        check(&text);
    }

    #[test]
    fn any_text_has_a_tree(text in any::<String>()) {
        check(&text);
    }
}
