//! Any text: the checker and the lowering neither panic nor contradict themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolcast::{Formula, Rules, check, ir};

fuzz_target!(|text: &str| {
    let parsed = poolcast_grammar::parse(text);
    let checked = check::check(&parsed.ast);
    for d in &checked.diagnostics {
        assert!(d.span.hi as usize <= text.len() && d.span.lo <= d.span.hi, "{d:?}");
        assert!(text.is_char_boundary(d.span.lo as usize) && text.is_char_boundary(d.span.hi as usize), "{d:?}");
    }
    for effort in [ir::lower::Effort::Plain, ir::lower::Effort::Optimised] {
        let program = ir::lower::lower(&checked.hir, &Rules::default(), effort);
        assert_eq!(ir::verify::verify(&program), Ok(()), "{}", ir::print::print(&program));
    }
    // An author's formula is also one the service stores.
    if parsed.errors.is_empty() {
        assert!(Formula::compile_like_service(text).is_ok());
    }
    let _ = check::author::author(text, &Default::default());
});
