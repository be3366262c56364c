//! Evaluation against languages people embed for such formulas: `cd benches/peers && cargo run --release`.
//!
//! In: the formulas of `benches/eval`, written for each language over fused host functions (`avg(metric, seconds)` is one
//! call into the same store), which is the best case for a language without windows of its own. Out: a table of medians
//! over interleaved rounds of thread CPU time. Every contender's results are compared with the function written by hand
//! before it is timed.

#[allow(dead_code)] // the bars are for the other bench
#[path = "../../shapes/mod.rs"]
mod shapes;

use cpu_time::ThreadTime;
use poolcast::{Formula, Interval, Metric, SeriesStore, Snapshot, Target, Ticks};
use shapes::{EVALS, Shape, shapes, snapshot, store};
use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

static STORE: LazyLock<SeriesStore> = LazyLock::new(store);
/// Which evaluation of the pass it is.
static AT: AtomicUsize = AtomicUsize::new(0);

fn now() -> Snapshot<'static> {
    snapshot(&STORE, AT.load(Relaxed))
}

// ---- what a host would offer ----

fn metric(which: f64) -> Metric {
    if which == 0.0 { Metric::PendingTasks } else { Metric::ActiveTasks }
}
fn range(which: f64, seconds: f64) -> std::ops::Range<usize> {
    let s = now();
    STORE.get(metric(which)).range(s.now, Ticks(s.now.0 - seconds as i64 * Interval::SECOND.0), s.now)
}
fn pct(which: f64, seconds: f64) -> f64 {
    (range(which, seconds).len() as f64 / (seconds / 30.0) * 100.0).min(100.0)
}
fn avg(which: f64, seconds: f64) -> f64 {
    let r = range(which, seconds);
    let n = r.len() as f64;
    STORE.get(metric(which)).window_sum(r).unwrap_or(0.0) / n
}
/// The newest sample; `otherwise` when there is none.
fn newest(which: f64, otherwise: f64) -> f64 {
    STORE.get(metric(which)).last(now().now, 1).first().copied().unwrap_or(otherwise)
}
/// Five statistics by one call each, over copies where they sort.
fn statistic(kind: f64, which: f64, seconds: f64) -> f64 {
    let (series, r) = (STORE.get(metric(which)), range(which, seconds));
    let v = &series.values()[r.clone()];
    match kind as u8 {
        0 => {
            let mut sorted = v.to_vec();
            let rank = ((0.95f64 * v.len() as f64).ceil() as usize).clamp(1, v.len());
            *sorted.select_nth_unstable_by(rank - 1, f64::total_cmp).1
        }
        1 => {
            let mean = series.window_sum(r).unwrap_or(0.0) / v.len() as f64;
            (v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (v.len() - 1) as f64).sqrt()
        }
        2 => v.iter().copied().fold(f64::MIN, f64::max),
        _ => v.iter().copied().fold(f64::MAX, f64::min),
    }
}
fn given(which: f64) -> f64 {
    let s = now();
    match which as u8 {
        0 => s.current[0],
        1 => s.current[1],
        2 => s.task_slots,
        _ => s.targets[0],
    }
}
fn min(x: f64, y: f64) -> f64 {
    f64::min(x, y)
}
fn max(x: f64, y: f64) -> f64 {
    f64::max(x, y)
}

// ---- the formulas, as (name, expression) statements over a small common notation ----

/// A conditional is `?(condition, then, else)`; each language writes it its own way.
type Statements = Vec<(String, String)>;

fn statements(shape: usize) -> Statements {
    let own = |list: &[(&str, &str)]| list.iter().map(|(n, e)| ((*n).to_owned(), (*e).to_owned())).collect();
    match shape {
        0 => own(&[
            ("cap", "25.0"),
            ("seen", "pct(0.0, 180.0)"),
            ("wanted", "?(seen < 70.0, 1.0, avg(0.0, 180.0))"),
            ("r", "min(cap, wanted)"),
        ]),
        1 => own(&[
            ("seen", "pct(1.0, 900.0)"),
            ("mean", "?(seen < 70.0, 0.0, avg(1.0, 900.0))"),
            ("tasks", "max(mean, newest(1.0, mean))"),
            ("cores", "given(3.0) * 4.0"),
            ("extra", "((tasks - cores) + 3.0) / 4.0"),
            ("r", "max(0.0, min(given(3.0) + extra, 3.0))"),
        ]),
        2 => {
            let mut all: Statements = own(&[("a", "given(0.0)"), ("b", "given(1.0)"), ("c", "given(2.0)")]);
            let name = |i: usize| match i {
                0 => "a".to_owned(),
                1 => "b".to_owned(),
                2 => "c".to_owned(),
                i => format!("s{i}"),
            };
            for i in 0..40 {
                let (x, y, z) = (name(i + 2), name(i + 1), name(i));
                let e = match i % 5 {
                    0 => format!("{x} + {y} / 4.0"),
                    1 => format!("max({x} - {z}, {y})"),
                    2 => format!("?({x} > {y}, {x} - 1.5, {z} + 2.0)"),
                    3 => format!("min({x} * 0.5, {y} + {z})"),
                    _ => format!("({x} + {y} - {z}) / 8.0"),
                };
                all.push((name(i + 3), e));
            }
            all.push(("r".to_owned(), format!("max(0.0, min(100.0, {}))", name(42))));
            all
        }
        _ => own(&[
            ("p", "statistic(0.0, 0.0, 21600.0)"),
            ("m", "avg(0.0, 21600.0)"),
            ("d", "statistic(1.0, 0.0, 21600.0)"),
            ("h", "statistic(2.0, 0.0, 21600.0)"),
            ("l", "statistic(3.0, 0.0, 21600.0)"),
            ("r", "(p + m + d + h - l) / 4.0"),
        ]),
    }
}

/// Rewrites `?(c, a, b)`, which is never nested and only ever a whole expression.
fn conditional(e: &str, write: impl Fn(&str, &str, &str) -> String) -> String {
    let Some(inner) = e.strip_prefix("?(").and_then(|e| e.strip_suffix(')')) else { return e.to_owned() };
    let (mut depth, mut parts, mut from) = (0, Vec::new(), 0);
    for (i, ch) in inner.char_indices() {
        match ch {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(inner[from..i].trim());
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(inner[from..].trim());
    write(parts[0], parts[1], parts[2])
}

type Contender = (&'static str, Box<dyn FnMut() -> f64>);

// ---- the languages ----

fn rhai(shape: usize) -> Contender {
    let mut engine = rhai::Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::Full);
    engine.register_fn("pct", pct).register_fn("avg", avg).register_fn("newest", newest);
    engine.register_fn("statistic", statistic).register_fn("given", given);
    engine.register_fn("min", min).register_fn("max", max);
    let mut text = String::new();
    for (n, e) in statements(shape) {
        text += &format!("let {n} = {};\n", conditional(&e, |c, a, b| format!("if {c} {{ {a} }} else {{ {b} }}")));
    }
    // Folding must not run the host's functions: they are not pure.
    engine.set_optimization_level(rhai::OptimizationLevel::Simple);
    let ast = engine.compile(text + "r").expect("rhai");
    ("Rhai", Box::new(move || engine.eval_ast::<f64>(&ast).expect("rhai")))
}

fn evalexpr(shape: usize) -> Contender {
    use evalexpr::{
        ContextWithMutableFunctions, ContextWithMutableVariables, DefaultNumericTypes, EvalexprResult, Function,
        HashMapContext, Value, build_operator_tree,
    };
    type V = Value<DefaultNumericTypes>;
    fn numbers(v: &V) -> Vec<f64> {
        match v {
            Value::Tuple(all) => all.iter().map(|v| v.as_number().expect("a number")).collect(),
            one => vec![one.as_number().expect("a number")],
        }
    }
    let mut context = HashMapContext::<DefaultNumericTypes>::new();
    let mut add = |name: &str, f: fn(&[f64]) -> f64| {
        let f = move |v: &V| -> EvalexprResult<V, DefaultNumericTypes> { Ok(Value::Float(f(&numbers(v)))) };
        context.set_function(name.into(), Function::new(f)).expect("evalexpr");
    };
    add("pct", |a| pct(a[0], a[1]));
    add("avg", |a| avg(a[0], a[1]));
    add("newest", |a| newest(a[0], a[1]));
    add("statistic", |a| statistic(a[0], a[1], a[2]));
    add("given", |a| given(a[0]));
    let mut text = String::new();
    for (n, e) in statements(shape) {
        text += &format!("{n} = {};\n", conditional(&e, |c, a, b| format!("if({c}, {a}, {b})")));
        context.set_value(n, Value::Float(0.0)).expect("evalexpr");
    }
    let tree = build_operator_tree::<DefaultNumericTypes>(&(text + "r")).expect("evalexpr");
    ("evalexpr", Box::new(move || tree.eval_number_with_context_mut(&mut context).expect("evalexpr")))
}

fn cel(shape: usize) -> Contender {
    let programs: Vec<(String, cel::Program)> = statements(shape)
        .into_iter()
        .map(|(n, e)| {
            let e = conditional(&e, |c, a, b| format!("{c} ? {a} : {b}"))
                .replace("min(", "lesser(")
                .replace("max(", "greater(");
            (n, cel::Program::compile(&e).expect("cel"))
        })
        .collect();
    let mut context = cel::Context::default();
    context.add_function("pct", pct).expect("cel");
    context.add_function("avg", avg).expect("cel");
    context.add_function("newest", newest).expect("cel");
    context.add_function("statistic", statistic).expect("cel");
    context.add_function("given", given).expect("cel");
    context.add_function("lesser", min).expect("cel");
    context.add_function("greater", max).expect("cel");
    let run = move || {
        let mut last = 0.0;
        for (name, program) in &programs {
            let cel::Value::Float(x) = program.execute(&context).expect("cel") else { panic!("cel") };
            context.add_variable_from_value(name.as_str(), x);
            last = x;
        }
        last
    };
    ("cel", Box::new(run))
}

fn lua(shape: usize) -> Contender {
    let lua = mlua::Lua::new();
    let globals = lua.globals();
    let two = |f: fn(f64, f64) -> f64| lua.create_function(move |_, (x, y): (f64, f64)| Ok(f(x, y))).expect("lua");
    for (name, f) in [("pct", pct as fn(f64, f64) -> f64), ("avg", avg), ("newest", newest)] {
        globals.set(name, two(f)).expect("lua");
    }
    let three = lua.create_function(|_, (a, b, c): (f64, f64, f64)| Ok(statistic(a, b, c))).expect("lua");
    globals.set("statistic", three).expect("lua");
    globals.set("given", lua.create_function(|_, x: f64| Ok(given(x))).expect("lua")).expect("lua");
    // As one would write it in Lua: locals, and the language's own minimum.
    let mut text = String::from("local min, max = math.min, math.max\nreturn function()\n");
    for (n, e) in statements(shape) {
        text += &match e.starts_with('?') {
            true => conditional(&e, |c, a, b| format!("local {n}; if {c} then {n} = {a} else {n} = {b} end\n")),
            false => format!("local {n} = {e}\n"),
        };
    }
    let f: mlua::Function = lua.load(text + "return r end").eval().expect("lua");
    let run = move || {
        // The function lives as long as its interpreter.
        let _ = &lua;
        f.call::<f64>(()).expect("lua")
    };
    ("LuaJIT (mlua)", Box::new(run))
}

fn fasteval(shape: usize) -> Contender {
    use fasteval::{Compiler, Evaler};
    let parser = fasteval::Parser::new();
    let programs: Vec<_> = statements(shape)
        .into_iter()
        .map(|(n, e)| {
            // It has no lazy conditional.
            let e = conditional(&e, |c, a, b| format!("({c}) * ({a}) + (1 - ({c})) * ({b})"));
            let mut slab = fasteval::Slab::new();
            let code = parser.parse(&e, &mut slab.ps).expect("fasteval").from(&slab.ps).compile(&slab.ps, &mut slab.cs);
            (n, slab, code)
        })
        .collect();
    let mut known: BTreeMap<String, f64> = programs.iter().map(|(n, ..)| (n.clone(), 0.0)).collect();
    let run = move || {
        let mut last = 0.0;
        for (name, slab, code) in &programs {
            let mut look = |n: &str, args: Vec<f64>| match n {
                "pct" => Some(pct(args[0], args[1])),
                // Both arms are computed: nothing times nothing must stay a number.
                "avg" => Some(avg(args[0], args[1])).map(|x| if x.is_nan() { 0.0 } else { x }),
                "newest" => Some(newest(args[0], args[1])),
                "statistic" => Some(statistic(args[0], args[1], args[2])),
                "given" => Some(given(args[0])),
                _ => known.get(n).copied(),
            };
            last = code.eval(slab, &mut look).expect("fasteval");
            if let Some(slot) = known.get_mut(name) {
                *slot = last;
            }
        }
        last
    };
    ("fasteval", Box::new(run))
}

/// The statements as WebAssembly text, by a translator for just this notation.
fn wat(shape: usize) -> String {
    struct P<'a> {
        s: &'a [u8],
        at: usize,
        out: String,
    }
    impl P<'_> {
        fn peek(&mut self) -> u8 {
            while self.s.get(self.at) == Some(&b' ') {
                self.at += 1;
            }
            self.s.get(self.at).copied().unwrap_or(0)
        }
        fn expr(&mut self, least: u8) {
            self.atom();
            loop {
                let op = self.peek();
                let (level, word) = match op {
                    b'<' => (1, "f64.lt"),
                    b'>' => (1, "f64.gt"),
                    b'+' => (2, "f64.add"),
                    b'-' => (2, "f64.sub"),
                    b'*' => (3, "f64.mul"),
                    b'/' => (3, "f64.div"),
                    _ => return,
                };
                if level < least {
                    return;
                }
                self.at += 1;
                self.expr(level + 1);
                self.out += &format!("{word}\n");
            }
        }
        fn args(&mut self) {
            self.at += 1;
            while self.peek() != b')' {
                self.expr(1);
                if self.peek() == b',' {
                    self.at += 1;
                }
            }
            self.at += 1;
        }
        fn atom(&mut self) {
            match self.peek() {
                b'(' => {
                    self.at += 1;
                    self.expr(1);
                    self.peek();
                    self.at += 1;
                }
                b'?' => {
                    self.at += 2;
                    self.expr(1);
                    self.peek();
                    self.at += 1;
                    self.out += "if (result f64)\n";
                    self.expr(1);
                    self.peek();
                    self.at += 1;
                    self.out += "else\n";
                    self.expr(1);
                    self.peek();
                    self.at += 1;
                    self.out += "end\n";
                }
                c => {
                    let from = self.at;
                    while self.s.get(self.at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'.') {
                        self.at += 1;
                    }
                    let word = std::str::from_utf8(&self.s[from..self.at]).expect("ASCII").to_owned();
                    if c.is_ascii_digit() {
                        self.out += &format!("f64.const {word}\n");
                    } else if self.peek() == b'(' {
                        self.args();
                        self.out += &match word.as_str() {
                            "min" | "max" => format!("f64.{word}\n"),
                            _ => format!("call ${word}\n"),
                        };
                    } else {
                        self.out += &format!("local.get ${word}\n");
                    }
                }
            }
        }
    }
    let mut body = String::new();
    let mut locals = String::new();
    for (n, e) in statements(shape) {
        let mut p = P { s: e.as_bytes(), at: 0, out: String::new() };
        p.expr(1);
        body += &format!("{}local.set ${n}\n", p.out);
        locals += &format!("(local ${n} f64)");
    }
    let import =
        |n: &str, k: usize| format!("(import \"h\" \"{n}\" (func ${n} (param{}) (result f64)))", " f64".repeat(k));
    format!(
        "(module {}{}{}{}{} (func (export \"f\") (result f64) {locals}\n{body}local.get $r))",
        import("pct", 2),
        import("avg", 2),
        import("newest", 2),
        import("statistic", 3),
        import("given", 1)
    )
}

fn wasm(shape: usize) -> Contender {
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, wat(shape)).expect("wat");
    let mut linker = wasmtime::Linker::new(&engine);
    linker.func_wrap("h", "pct", pct).expect("wasm");
    linker.func_wrap("h", "avg", avg).expect("wasm");
    linker.func_wrap("h", "newest", newest).expect("wasm");
    linker.func_wrap("h", "statistic", statistic).expect("wasm");
    linker.func_wrap("h", "given", given).expect("wasm");
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).expect("wasm");
    let f = instance.get_typed_func::<(), f64>(&mut store, "f").expect("wasm");
    ("wasmtime", Box::new(move || f.call(&mut store, ()).expect("wasm")))
}

fn poolcast(shape: &Shape) -> Contender {
    let mut evaluator = Formula::compile(&shape.formula).expect("a sound formula").evaluator();
    let run = move || match evaluator.targets(&now()).map(|t| t.dedicated) {
        Ok(Target::Set(n)) => f64::from(n),
        _ => f64::NAN,
    };
    ("poolcast", Box::new(run))
}

fn by_hand(shape: &Shape) -> Contender {
    let f = shape.by_hand;
    ("Rust by hand", Box::new(move || f64::from(f(&now()))))
}

fn main() {
    let table: Vec<(&'static str, Vec<(&'static str, f64)>)> = shapes()
        .iter()
        .enumerate()
        .map(|(k, shape)| {
            let mut all = [by_hand(shape), poolcast(shape), wasm(k), lua(k), fasteval(k), cel(k), rhai(k), evalexpr(k)];
            for (name, f) in &mut all {
                for i in 0..EVALS {
                    AT.store(i, Relaxed);
                    let s = now();
                    // A window without samples is a failed evaluation to us, and whatever it likes to others.
                    if s.series
                        .get(Metric::PendingTasks)
                        .range(s.now, Ticks(s.now.0 - 180 * Interval::SECOND.0), s.now)
                        .is_empty()
                    {
                        continue;
                    }
                    assert_eq!(f().trunc(), f64::from((shape.by_hand)(&s)), "{name}, {}, evaluation {i}", shape.name);
                }
            }
            let mut times: Vec<Vec<f64>> = vec![Vec::new(); all.len()];
            for _ in 0..15 {
                for ((_, f), times) in all.iter_mut().zip(&mut times) {
                    let start = ThreadTime::now();
                    for i in 0..EVALS {
                        AT.store(i, Relaxed);
                        black_box(f());
                    }
                    times.push(start.elapsed().as_nanos() as f64 / EVALS as f64);
                }
            }
            let medians = all.iter().zip(&mut times).map(|((name, _), t)| {
                t.sort_by(f64::total_cmp);
                (*name, t[t.len() / 2])
            });
            (shape.name, medians.collect())
        })
        .collect();
    println!("| ns an evaluation | {} |", table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "--:|".repeat(table.len()));
    for row in 0..table[0].1.len() {
        let cells: Vec<String> =
            table.iter().map(|(_, t)| format!("{:.0} ({:.1}×)", t[row].1, t[row].1 / t[1].1)).collect();
        println!("| {} | {} |", table[0].1[row].0, cells.join(" | "));
    }
}
