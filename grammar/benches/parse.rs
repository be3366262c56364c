//! Speed of lexing and parsing, beside a winnow parser over the same tokens.
//!
//! `cargo bench -p poolcast-grammar --bench parse`; every ratio is within one run. Rows: `lex` is the logos lexer
//! alone; `parse` is text to arena with its allocations; `winnow` is the same lexer into a vector and a boxed tree by
//! winnow combinators (the usual way to write it); `broken` is `parse` of the same text with one `;` missing.
//!
//! Time is processor time of the thread, so a busy machine shows less. What was found (2 shared cores of an EPYC Zen 4,
//! x86-64 baseline, one run):
//!
//! | row | 8 KB | MB/s | six statements |
//! |---|--:|--:|--:|
//! | lex | 9.1 µs | 878 | 0.33 µs |
//! | parse | 43.9 µs | 182 | 2.0 µs |
//! | winnow | 100 µs | 79 | 4.6 µs |
//! | broken | 88 µs | 90 | 5.4 µs |
//! | format | 92 µs | 86 | 6.5 µs |
//!
//! - LALRPOP spends its time in reductions (35 % `reduce`, 31 % the table loop; lexing 11 %, interning 9 %), so the grammar
//!   avoids reductions that do nothing: inlining the unit rules took the 8 KB formula from 790 k to 722 k instructions,
//!   letting a lone operand skip the operator chain to 698 k (cachegrind, per parse).
//! - An action inside an inlined rule runs when the *outer* rule is reduced. Inlining the condition of `?:` was quicker
//!   still, and wrong: its chain was closed after the arms, which breaks the order of the arena.
//! - A token carries its own place, LALRPOP's location is `()`: its stack holds one word pair less per symbol.
//! - A broken formula costs two passes of tables, one scan and one mend: twice a sound one, and only then.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logos::Logos;
use poolcast_grammar::{ast, format, parse, span};
use std::hint::black_box;
use std::time::{Duration, SystemTime};
use token::Kind;
use token::Tok;

#[allow(dead_code)]
#[path = "../src/token.rs"]
mod token;

/// Six statements as people write them.
const SIX: &str = "\
cap = 40;
share = $PendingTasks.GetSamplePercent(4 * TimeInterval_Minute);
busy = share < 60 ? max(0, $PendingTasks.GetSample(1)) : avg($PendingTasks.GetSample(4 * TimeInterval_Minute));
nodes = ceil(busy / $TaskSlotsPerNode);
$TargetDedicatedNodes = max(1, min(cap, nodes));
$NodeDeallocationOption = taskcompletion;
";

/// A formula close to the limit of characters, with comments and every construct.
fn long() -> String {
    let mut text = String::new();
    let mut i = 0;
    while text.len() < 7950 {
        text += &match i % 5 {
            0 => format!("// step {i}: what the queue asked for lately\n"),
            1 => format!(
                "need_{i} = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * {i}) < 70 ? 1.5 : avg($ActiveTasks.GetSample(TimeInterval_Minute * {i}));\n"
            ),
            2 => format!("late_{i} = time().hour >= {} && !(time().weekday == 6 || time().weekday > 6);\n", i % 24),
            3 => format!("$mix_{i} = (need_{} * 2 + late_{} - 0.25) / (3 + {i}) + -1;\n", i - 2, i - 1),
            _ => format!("$TargetDedicatedNodes = max(0, min($mix_{}, {i} + $CurrentDedicatedNodes));\n", i - 1),
        };
        i += 1;
    }
    text
}

fn lex(text: &str) -> usize {
    Kind::lexer(text).filter(Result::is_ok).count()
}

mod peer {
    //! The winnow parser: same tokens, boxed tree.

    use super::ast::BinOp;
    use super::token::{Kind, Tok};
    use winnow::combinator::{alt, delimited, opt, preceded, repeat, separated, separated_foldl1, terminated};
    use winnow::error::ContextError;
    use winnow::prelude::*;
    use winnow::stream::TokenSlice;
    use winnow::token::any;

    pub type In<'t> = TokenSlice<'t, Tok>;
    type Out<T> = Result<T, ContextError>;

    /// A boxed tree as one would write it; only its building is of interest.
    #[allow(dead_code)]
    pub enum E {
        Leaf(Tok),
        Un(Kind, Box<E>),
        Bin(Kind, Box<E>, Box<E>),
        Tern(Box<E>, Box<E>, Box<E>),
        Call(Tok, Vec<E>),
        Dot(Box<E>, Tok, Option<Vec<E>>),
        Paren(Box<E>),
    }

    fn kind<'t>(k: Kind) -> impl Parser<In<'t>, Tok, ContextError> {
        any.verify(move |t: &&Tok| t.kind == k).map(|t: &Tok| *t)
    }

    fn args(i: &mut In<'_>) -> Out<Vec<E>> {
        delimited(kind(Kind::Open), separated(0.., expr, kind(Kind::Comma)), kind(Kind::Close)).parse_next(i)
    }

    fn primary(i: &mut In<'_>) -> Out<E> {
        alt((
            (kind(Kind::Name), opt(args)).map(|(n, a)| match a {
                Some(a) => E::Call(n, a),
                None => E::Leaf(n),
            }),
            kind(Kind::Number).map(E::Leaf),
            kind(Kind::Str).map(E::Leaf),
            delimited(kind(Kind::Open), expr, kind(Kind::Close)).map(|e| E::Paren(Box::new(e))),
        ))
        .parse_next(i)
    }

    fn postfix(i: &mut In<'_>) -> Out<E> {
        let mut e = primary(i)?;
        while let Some((n, a)) = opt(preceded(kind(Kind::Dot), (kind(Kind::Name), opt(args)))).parse_next(i)? {
            e = E::Dot(Box::new(e), n, a);
        }
        Ok(e)
    }

    fn unary(i: &mut In<'_>) -> Out<E> {
        alt(((alt((kind(Kind::Minus), kind(Kind::Not))), unary).map(|(t, e)| E::Un(t.kind, Box::new(e))), postfix))
            .parse_next(i)
    }

    macro_rules! level {
        ($name:ident, $next:ident, $($kind:pat_param)|+) => {
            fn $name(i: &mut In<'_>) -> Out<E> {
                let op = any.verify(|t: &&Tok| matches!(t.kind, $($kind)|+));
                separated_foldl1($next, op, |l, t: &Tok, r| E::Bin(t.kind, Box::new(l), Box::new(r))).parse_next(i)
            }
        };
    }
    level!(mul, unary, Kind::Op(BinOp::Mul) | Kind::Op(BinOp::Div));
    level!(add, mul, Kind::Op(BinOp::Add) | Kind::Minus);
    level!(rel, add, Kind::Op(BinOp::Lt) | Kind::Op(BinOp::Le) | Kind::Op(BinOp::Gt) | Kind::Op(BinOp::Ge));
    level!(equal, rel, Kind::Op(BinOp::Eq) | Kind::Op(BinOp::Ne));
    level!(and, equal, Kind::Op(BinOp::And));
    level!(or, and, Kind::Op(BinOp::Or));

    fn expr(i: &mut In<'_>) -> Out<E> {
        let c = or(i)?;
        Ok(match opt(preceded(kind(Kind::Question), (terminated(expr, kind(Kind::Colon)), expr))).parse_next(i)? {
            Some((t, e)) => E::Tern(Box::new(c), Box::new(t), Box::new(e)),
            None => c,
        })
    }

    fn statement(i: &mut In<'_>) -> Out<(Option<Tok>, E)> {
        (opt(terminated(kind(Kind::Name), kind(Kind::Assign))), expr).parse_next(i)
    }

    pub fn formula(i: &mut In<'_>) -> Out<Vec<(Option<Tok>, E)>> {
        repeat(0.., terminated(statement, kind(Kind::Semi))).parse_next(i)
    }
}

fn winnow(text: &str) -> usize {
    use winnow::Parser;
    let mut lexer = Kind::lexer(text);
    let tokens: Vec<Tok> = token::Tokens(&mut lexer).filter_map(|t| t.ok().map(|(_, t, _)| t)).collect();
    peer::formula.parse(peer::In::new(&tokens)).map_or(0, |f| f.len())
}

/// Time this thread spent on a processor, so that a busy machine does not show in the figures.
struct Processor;

impl Processor {
    fn now() -> Duration {
        // brings the kernel's account of this thread up to date
        std::thread::yield_now();
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        match stat.split(' ').next().and_then(|n| n.parse().ok()) {
            Some(n) if n > 0 => Duration::from_nanos(n),
            // elsewhere than on Linux: the wall clock
            _ => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
        }
    }
}

impl Measurement for Processor {
    type Intermediate = Duration;
    type Value = Duration;
    fn start(&self) -> Duration {
        Self::now()
    }
    fn end(&self, start: Duration) -> Duration {
        Self::now().saturating_sub(start)
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn benches(c: &mut Criterion<Processor>) {
    let long = long();
    for (name, text) in [("8k", long.as_str()), ("six", SIX)] {
        let broken = text.replacen(";\n", "\n", 1);
        let statements = parse(text).ast.stmts.len();
        assert!(parse(text).errors.is_empty() && winnow(text) == statements && parse(&broken).errors.len() == 1);
        let mut group =
            c.benchmark_group(format!("{name} ({} bytes, {} tokens, {statements} statements)", text.len(), lex(text)));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("lex", |b| b.iter(|| lex(black_box(text))));
        group.bench_function("parse", |b| b.iter(|| parse(black_box(text))));
        group.bench_function("winnow", |b| b.iter(|| winnow(black_box(text))));
        group.bench_function("broken", |b| b.iter(|| parse(black_box(&broken))));
        group.bench_function("format", |b| b.iter(|| format(black_box(text))));
        group.finish();
    }
}

criterion_group!(name = all; config = Criterion::default().with_measurement(Processor); targets = benches);
criterion_main!(all);
