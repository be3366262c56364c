//! Any text: no panic, and what `poolcast_grammar::oracle` says of a parser holds.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| poolcast_grammar::oracle::check(text));
