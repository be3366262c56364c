//! Every row's examples, on a small evaluator of expressions that knows nothing but the catalogue.

use super::*;
use crate::{
    arena::Arena,
    cx::{Cx, Note},
    print,
    rules::Rules,
    scalar::ScalarOp,
    series::SeriesStore,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
    ty::{Param, Ty},
};

struct Reader<'t, 'r, 'c> {
    text: &'t str,
    cx: &'c mut Cx<'r>,
    strings: &'r [String],
}

impl<'r> Reader<'_, 'r, '_> {
    fn skip(&mut self, token: &str) -> bool {
        self.text = self.text.trim_start();
        let rest = self.text.strip_prefix(token);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }
    fn name(&mut self) -> String {
        let end = self.text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at(end);
        self.text = rest;
        name.to_owned()
    }
    fn expr(&mut self) -> Result<Value<'r>, Trap> {
        let left = self.sum()?;
        if self.skip("<") {
            let right = self.sum()?;
            return apply("<", self.cx, left, right);
        }
        Ok(left)
    }
    fn sum(&mut self) -> Result<Value<'r>, Trap> {
        let mut left = self.product()?;
        while let Some(op) = ["+", "-"].into_iter().find(|op| self.skip(op)) {
            let right = self.product()?;
            left = apply(op, self.cx, left, right)?;
        }
        Ok(left)
    }
    fn product(&mut self) -> Result<Value<'r>, Trap> {
        let mut left = self.unary()?;
        while let Some(op) = ["*", "/"].into_iter().find(|op| self.skip(op)) {
            let right = self.unary()?;
            left = apply(op, self.cx, left, right)?;
        }
        Ok(left)
    }
    fn unary(&mut self) -> Result<Value<'r>, Trap> {
        if self.skip("-") {
            return Ok(match self.unary()? {
                Value::Double(x) => Value::Double(-x),
                v => v,
            });
        }
        let mut v = self.primary()?;
        while self.skip(".") {
            let name = self.name();
            let kind = if self.text.starts_with('(') { RowKind::Method } else { RowKind::Member };
            let mut args = vec![v];
            if kind == RowKind::Method {
                self.args(&mut args)?;
            }
            v = self.call(&name, kind, args, 1)?;
        }
        Ok(v)
    }
    fn args(&mut self, args: &mut Vec<Value<'r>>) -> Result<(), Trap> {
        assert!(self.skip("("));
        while !self.skip(")") {
            args.push(self.expr()?);
            self.skip(",");
        }
        Ok(())
    }
    fn call(&mut self, name: &str, kind: RowKind, args: Vec<Value<'r>>, receiver: usize) -> Result<Value<'r>, Trap> {
        let (_, row) = lookup(name, kind).unwrap_or_else(|| panic!("no {name}"));
        let given = &args[receiver..];
        let fits = |p: &Param, v: &Value<'_>| match p {
            Param::Double => v.ty() == Ty::Double,
            Param::Vec => v.ty() == Ty::Vec,
            Param::Str => v.ty() == Ty::Str,
            Param::Instant => matches!(v.ty(), Ty::Time | Ty::Interval),
            Param::List => true,
        };
        let overload = row
            .overloads
            .iter()
            .find(|o| o.accepts(given.len()) && o.params.iter().zip(given).all(|(p, v)| fits(p, v)))
            .unwrap_or_else(|| panic!("no overload of {name}"));
        let flat;
        let args = if overload.params == [Param::List] {
            flat = [Value::Vec(vector::flatten(self.cx, given)?)];
            &flat[..]
        } else {
            &args
        };
        let v = overload.body.expect("examples call bodies")(self.cx, args)?;
        assert_eq!(v.ty(), overload.ret, "{name}");
        Ok(v)
    }
    fn primary(&mut self) -> Result<Value<'r>, Trap> {
        if self.skip("(") {
            let v = self.expr()?;
            assert!(self.skip(")"));
            return Ok(v);
        }
        if self.skip("\"") {
            let end = self.text.find('"').unwrap();
            let text = &self.text[..end];
            let own = self.strings.iter().find(|s| *s == text).unwrap();
            self.text = &self.text[end + 1..];
            return Ok(Value::Str(own));
        }
        if self.text.starts_with(|c: char| c.is_ascii_digit()) {
            let end = self.text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.text.len());
            let (digits, rest) = self.text.split_at(end);
            self.text = rest;
            return Ok(Value::Double(digits.parse().unwrap()));
        }
        let name = self.name();
        if let Some(m) = Metric::from_name(&name) {
            return Ok(Value::Metric(m));
        }
        if self.text.starts_with('(') {
            let mut args = Vec::new();
            self.args(&mut args)?;
            return self.call(&name, RowKind::Function, args, 0);
        }
        self.call(&name, RowKind::Constant, Vec::new(), 0)
    }
}

fn apply<'r>(op: &str, cx: &mut Cx<'r>, a: Value<'r>, b: Value<'r>) -> Result<Value<'r>, Trap> {
    use ScalarOp::*;
    let op = match (op, a.ty(), b.ty()) {
        ("+", Ty::Time, _) => TimeAddInterval,
        ("-", Ty::Time, Ty::Time) => TimeSub,
        ("-", Ty::Time, _) => TimeSubInterval,
        ("*", Ty::Double, Ty::Interval) => MulInterval,
        ("*", Ty::Interval, _) => IntervalMul,
        ("+", ..) => Add,
        ("-", ..) => Sub,
        ("*", ..) => Mul,
        ("/", ..) => Div,
        _ => Lt,
    };
    vector::binary(cx, op, a, b)
}

const NOW: &str = "2026-01-05T08:00:00Z";

/// Value of an expression as it prints, or the trap; and the notes.
fn run(formula: &str, samples: &[(&str, &[f64])], rules: Rules) -> (Result<String, Trap>, Vec<Note>) {
    let now = Ticks::parse_service(NOW).unwrap().ticks;
    let mut series = SeriesStore::new(&rules);
    for (name, values) in samples {
        for (i, x) in values.iter().enumerate() {
            let back = Interval::SAMPLE_PERIOD.times((values.len() - 1 - i) as f64).unwrap();
            let t = now.minus(back).unwrap();
            series.push(Metric::from_name(name).unwrap(), t, t, *x).unwrap();
        }
    }
    let strings: Vec<String> = formula.split('"').map(str::to_owned).collect();
    let arena = Arena::new(rules.memory_budget.0);
    let snapshot = Snapshot { now, series: &series, targets: [0.0; 2], current: [3.0, 4.0], task_slots: 2.0, seed: 1 };
    let mut cx = Cx::new(&snapshot, &rules, &arena);
    let mut reader = Reader { text: formula, cx: &mut cx, strings: &strings };
    let result = reader.expr().map(|v| print::value(&v));
    assert!(result.is_err() || reader.text.trim().is_empty(), "{formula}: {:?}", reader.text);
    let notes = cx.notes.iter().collect();
    (result, notes)
}

fn ok(formula: &str, samples: &[(&str, &[f64])]) -> Result<String, Trap> {
    run(formula, samples, Rules::default()).0
}

#[test]
fn every_row_is_documented_and_its_examples_hold() {
    for row in ROWS {
        assert!(!row.doc.is_empty() && !row.since.is_empty(), "{}", row.name);
        for e in row.examples {
            assert_eq!(ok(e.formula, e.samples).as_deref(), Ok(e.prints), "{}", e.formula);
        }
        let control = row.overloads.iter().all(|o| o.body.is_none());
        assert!(control || !row.examples.is_empty(), "{} has no example", row.name);
        for (i, o) in row.overloads.iter().enumerate() {
            assert!(o.signature.contains(row.name), "{}", o.signature);
            let id = id_of(row.name, row.kind, i as u8).unwrap();
            assert_eq!((row_of(id).name, overload(id).signature), (row.name, o.signature));
        }
    }
}

#[test]
fn names_are_unique_and_absent_names_do_not_exist() {
    for (i, a) in ROWS.iter().enumerate() {
        let absent_a = matches!(a.kind, RowKind::Absent { .. });
        for b in &ROWS[..i] {
            let absent_b = matches!(b.kind, RowKind::Absent { .. });
            assert!(a.name != b.name || absent_a != absent_b, "{} twice", a.name);
        }
        let dotted = a.name.starts_with('.');
        if absent_a && !dotted {
            assert!(
                lookup(a.name, RowKind::Function).is_none() && lookup(a.name, RowKind::Constant).is_none(),
                "{}",
                a.name
            );
            assert!(Metric::from_name(a.name).is_none(), "{}", a.name);
        }
    }
    let count = |kind| ROWS.iter().filter(|r| r.kind == kind).count();
    assert_eq!([RowKind::Function, RowKind::Method, RowKind::Member, RowKind::Constant].map(count), [19, 5, 7, 14]);
}

#[test]
fn wrong_names_get_help() {
    assert_eq!(suggest("avgs", RowKind::Function), Some("avg"));
    assert_eq!(suggest("GetSamplesPercent", RowKind::Method), Some("GetSamplePercent"));
    assert_eq!(suggest("TimeInterval_Minutes", RowKind::Constant), Some("TimeInterval_Minute"));
    assert_eq!(suggest("weekDay", RowKind::Member), Some("weekday"));
    assert_eq!(suggest("zzzzzz", RowKind::Function), None);
    assert_eq!(suggest("avg", RowKind::Function), None);
    assert!(absent("ABS", RowKind::Function).unwrap().contains("max(x, -x)"));
    assert!(absent("getSum", RowKind::Method).unwrap().contains("sum("));
    assert!(absent("$TVMDeallocationOption", RowKind::Constant).unwrap().contains("$NodeDeallocationOption"));
    assert!(absent("last", RowKind::Method).unwrap().contains("GetSample(1)"));
    assert!(absent("true", RowKind::Constant).unwrap().contains('1'));
    assert_eq!(absent("avg", RowKind::Function), None);
}

#[test]
fn windows_and_percentages() {
    let six: &[(&str, &[f64])] = &[("$PendingTasks", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])];
    let m = Metric::PendingTasks;
    let short = |wanted, received| Err(Trap::InsufficientSamples { metric: m, wanted, received });
    assert_eq!(ok("$PendingTasks.GetSample(180 * TimeInterval_Second)", six).as_deref(), Ok("[1,2,3,4,5,6]"));
    assert_eq!(ok("$PendingTasks.GetSample(5 * TimeInterval_Minute)", six), short(70.0, 60.0));
    assert_eq!(ok("$PendingTasks.GetSample(5 * TimeInterval_Minute, 60)", six).as_deref(), Ok("[1,2,3,4,5,6]"));
    assert_eq!(ok("$PendingTasks.GetSample(5 * TimeInterval_Minute, 60.1)", six), short(60.1, 60.0));
    assert_eq!(
        ok("$PendingTasks.GetSample(10 * TimeInterval_Second, 0 * TimeInterval_Second, 100)", &[]),
        short(100.0, 0.0)
    );
    assert_eq!(ok("$PendingTasks.GetSample(TimeInterval_Minute * 0)", six), short(70.0, 0.0));
    assert_eq!(ok("$PendingTasks.GetSample(TimeInterval_Zero, 0)", six).as_deref(), Ok("[]"));
    assert_eq!(ok("$PendingTasks.GetSample(TimeInterval_Minute, 101)", six), Err(Trap::OutOfRange(101.0)));
    assert_eq!(ok("$PendingTasks.GetSample(TimeInterval_Minute, -1)", six), Err(Trap::OutOfRange(-1.0)));
    assert_eq!(ok("$PendingTasks.GetSample(2.9)", six).as_deref(), Ok("[5,6]"));
    assert_eq!(ok("$PendingTasks.GetSample(-3)", six).as_deref(), Ok("[]"));
    assert_eq!(ok("$PendingTasks.GetSample(0/0)", six).as_deref(), Ok("[]"));
    assert_eq!(ok("$PendingTasks.GetSample(1/0)", six).as_deref(), Ok("[1,2,3,4,5,6]"));
    // The part of a window that lies ahead cannot hold samples.
    assert_eq!(
        ok("$PendingTasks.GetSamplePercent(time() + TimeInterval_Hour, time() - TimeInterval_Minute)", six).as_deref(),
        Ok("100")
    );
    assert_eq!(ok("$PendingTasks.GetSamplePercent(-1 * TimeInterval_Minute)", six).as_deref(), Ok("0"));
    assert_eq!(ok("$PendingTasks.GetSamplePercent(TimeInterval_Second * 15)", six).as_deref(), Ok("100"));
    assert_eq!(ok("$PendingTasks.GetSamplePercent(2000000 * TimeInterval_Week)", six), Err(Trap::TimeOverflow));
}

#[test]
fn vectors() {
    let v: &[(&str, &[f64])] = &[("$PendingTasks", &[1.0, 2.0, 3.0]), ("$RunningTasks", &[10.0, 20.0, 30.0])];
    assert_eq!(ok("$PendingTasks.GetSample(3) + $RunningTasks.GetSample(3)", v).as_deref(), Ok("[11,22,33]"));
    assert_eq!(ok("$RunningTasks.GetSample(3) / 4", v).as_deref(), Ok("[2.5,5,7.5]"));
    assert_eq!(ok("60 / $RunningTasks.GetSample(3)", v).as_deref(), Ok("[6,3,2]"));
    assert_eq!(
        ok("$PendingTasks.GetSample(2) * $RunningTasks.GetSample(3)", v),
        Err(Trap::LengthMismatch { left: 2, right: 3 })
    );
    assert_eq!(ok("avg($PendingTasks.GetSample(3), 7, $ActiveTasks.GetSample(1))", v).as_deref(), Ok("3.25"));
    assert_eq!((vector::single(&[4.0]), vector::single(&[])), (Ok(4.0), Err(Trap::NotOneElement(0))));
}

#[test]
fn empty_vectors_vanish_and_leave_a_note() {
    let (result, notes) = run("max(0, val($PendingTasks.GetSample(1), 0))", &[], Rules::default());
    assert_eq!((result.as_deref(), &notes[..]), (Ok("0"), &[Note::NoSample("val")][..]));
    for f in ["avg()", "max()", "min()", "range()", "std(1)", "percentile($PendingTasks.GetSample(1), 50)"] {
        let (result, notes) = run(f, &[], Rules::default());
        assert_eq!((result.as_deref(), notes.len()), (Ok("nan"), 1), "{f}");
        let strict = Rules { strict_empty: true, ..Rules::default() };
        assert_eq!(run(f, &[], strict).0, Err(Trap::NoSample), "{f}");
    }
}

#[test]
fn rules_reach_the_functions() {
    let with = |name: &str, value: &str| {
        let mut rules = Rules::default();
        rules.set(name, value).unwrap();
        rules
    };
    let five: &[(&str, &[f64])] = &[("$PendingTasks", &[1.0, 2.0, 3.0, 4.0, 5.0])];
    for (name, value, formula, want) in [
        ("round", "even", "round(2.5)", "2"),
        ("year", "365-days", "TimeInterval_Year", "P365D"),
        ("sunday", "7", "time(\"2026-01-04\").weekday", "7"),
        ("second", "fraction", "time(\"2026-01-04T00:00:01.5Z\").second", "1.5"),
        ("percentile_scale", "0-1", "percentile($PendingTasks.GetSample(5), 0.5)", "3"),
        ("default_percent", "50", "$PendingTasks.GetSample(5 * TimeInterval_Minute)", "[1,2,3,4,5]"),
        ("window_ends", "closed", "$PendingTasks.GetSample(TimeInterval_Minute)", "[3,4,5]"),
        ("window_ends", "closed-open", "$PendingTasks.GetSample(TimeInterval_Minute)", "[3,4]"),
        ("possible_samples", "exact", "$PendingTasks.GetSamplePercent(time() - 160 * TimeInterval_Second)", "93.75"),
    ] {
        assert_eq!(run(formula, five, with(name, value)).0.as_deref(), Ok(want), "{formula}");
    }
    assert!(matches!(
        run("time(\"2026-01-04T00:00\")", &[], with("time_without_zone", "reject")).0,
        Err(Trap::BadTime(_))
    ));
    assert_eq!(run("$PendingTasks.HistoryBeginTime()", &[], with("history_begin", "error")).0, Err(Trap::NoSample));
    assert_eq!(run("ceil($PendingTasks.GetSample(5))", five, with("memory_budget", "32")).0, Err(Trap::OutOfMemory));
}

#[test]
fn metrics_without_a_method() {
    let rules = Rules::default();
    let (store, arena) = (SeriesStore::default(), Arena::new(0));
    let snapshot =
        Snapshot { now: Ticks(0), series: &store, targets: [0.0; 2], current: [3.0, 4.0], task_slots: 2.0, seed: 0 };
    let mut cx = Cx::new(&snapshot, &rules, &arena).logging();
    let read = [
        Metric::CurrentDedicatedNodes,
        Metric::CurrentLowPriorityNodes,
        Metric::TaskSlotsPerNode,
        Metric::PendingTasks,
    ]
    .map(|m| sample::latest(&mut cx, m));
    assert_eq!(read, [3.0, 4.0, 2.0, 0.0]);
    assert_eq!(cx.notes.iter().collect::<Vec<_>>(), [Note::NoLatest(Metric::PendingTasks)]);
    assert_eq!(cx.log.as_ref().map(|l| l.len()), Some(1));
}

#[test]
fn a_time_text_does_not_read_the_clock() {
    let (store, arena, rules) = (SeriesStore::default(), Arena::new(0), Rules::default());
    let snapshot =
        Snapshot { now: Ticks(0), series: &store, targets: [0.0; 2], current: [0.0; 2], task_slots: 1.0, seed: 0 };
    for (text, reads) in [("2024-05-31", false), ("", true)] {
        let mut cx = Cx::new(&snapshot, &rules, &arena);
        overload(id_of("time", RowKind::Function, 0).unwrap()).body.unwrap()(&mut cx, &[Value::Str(text)]).unwrap();
        assert_eq!(cx.clock_read, reads, "{text}");
    }
}
