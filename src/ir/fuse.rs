//! Sample calls over constant windows become window reads; reductions over them need no vector.
//!
//! In: a call and its lowered arguments. Out: cheaper instructions with the same value and traps, or nothing (the call
//! then goes through the catalogue). Never: a rule of the language that the catalogue's bodies do not have too; the
//! engines' tests hold the two together.

use super::lower::Lower;
use super::*;
use poolcast_runtime::{
    builtins::{self, reduce},
    catalog::RowKind,
    ticks::{Interval, PER_SECOND},
};

/// Windows reach back at most this far to be prepared: far below overflow, far above any history.
const MAX_OFFSET: i64 = 100 * 366 * 86_400 * PER_SECOND;

impl Lower<'_> {
    /// The fused form of a call, if it has one.
    pub(super) fn fused(&mut self, overload: OverloadId, args: &[Val]) -> Option<Val> {
        if self.dead {
            return None;
        }
        let row = &builtins::ROWS[overload.row as usize];
        match (row.kind, row.name) {
            (RowKind::Method, "GetSample") => self.get_sample(args),
            (RowKind::Method, "GetSamplePercent") => {
                let w = self.constant_window(args.first().copied()?, &args[1..])?;
                Some(self.emit(Inst::Percent(w), Ty::Double))
            }
            (RowKind::Function, "min") => self.extreme(args, ScalarOp::Min2, Reduce::Min, Reduce::MinFrom),
            (RowKind::Function, "max") => self.extreme(args, ScalarOp::Max2, Reduce::Max, Reduce::MaxFrom),
            (RowKind::Function, "avg") => match self.whole_window(args, Reduce::Avg) {
                Some(v) => Some(v),
                None => {
                    let sum = self.scalar_sum(args)?;
                    let n = self.double(args.len() as f64);
                    Some(self.scalar(ScalarOp::Div, sum, n))
                }
            },
            (RowKind::Function, "sum") => self.whole_window(args, Reduce::Sum).or_else(|| self.scalar_sum(args)),
            (RowKind::Function, "len") => self.whole_window(args, Reduce::Len),
            (RowKind::Function, "std") => self.whole_window(args, Reduce::Std),
            (RowKind::Function, "range") => self.whole_window(args, Reduce::Range),
            (RowKind::Function, "norm") => self.whole_window(args, Reduce::Norm),
            (RowKind::Function, "val") => {
                let (v, i) = (*args.first()?, *args.get(1)?);
                let index = self.constant(i).filter(|i| (0.0..1e6).contains(i))?;
                let w = self.as_window(v)?;
                let i = self.double(index.trunc());
                Some(self.emit(Inst::Reduce(Reduce::Val, w, Some(i)), Ty::Double))
            }
            (RowKind::Function, name) => {
                let [x] = args else { return None };
                if self.ty(*x) != Ty::Double {
                    return None;
                }
                let op = match (name, self.rules.round) {
                    ("ceil", _) => ScalarOp::Ceil,
                    ("floor", _) => ScalarOp::Floor,
                    ("round", poolcast_runtime::rules::Halves::Away) => ScalarOp::Round,
                    ("round", poolcast_runtime::rules::Halves::Even) => ScalarOp::RoundEven,
                    ("lg", _) => ScalarOp::Log2,
                    ("ln", _) => ScalarOp::Ln,
                    ("log", _) => ScalarOp::Log10,
                    _ => return None,
                };
                Some(self.unary(op, *x))
            }
            _ => None,
        }
    }

    fn get_sample(&mut self, args: &[Val]) -> Option<Val> {
        let Inst::Metric(metric) = self.inst(*args.first()?) else { return None };
        if let [_, count] = args
            && self.ty(*count) == Ty::Double
        {
            let count = self.constant(*count).filter(|c| (0.0..=1e6).contains(c))?;
            let w = self.window(WindowSpec::Last { metric, count: count as u32 });
            return Some(self.emit(Inst::Window(w), Ty::Vec));
        }
        let (percent, instants) = match args.split_last() {
            Some((last, rest)) if self.ty(*last) == Ty::Double => (self.constant(*last)?, &rest[1..]),
            _ => (self.rules.default_percent.0, &args[1..]),
        };
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        let w = self.constant_window(args[0], instants)?;
        self.emit(Inst::Require(w, percent.to_bits()), Ty::Never);
        Some(self.emit(Inst::Window(w), Ty::Vec))
    }

    /// A window whose ends are constant intervals back from now.
    fn constant_window(&mut self, metric: Val, instants: &[Val]) -> Option<WindowId> {
        let Inst::Metric(metric) = self.inst(metric) else { return None };
        let back = |this: &Self, v: Val| match this.inst(v) {
            Inst::Interval(t) if (-MAX_OFFSET..=MAX_OFFSET).contains(&t) => Some(t),
            _ => None,
        };
        let (a, b) = match instants {
            [start] => (back(self, *start)?, 0),
            [start, end] => (back(self, *start)?, back(self, *end)?),
            _ => return None,
        };
        Some(self.window(WindowSpec::Back { metric, near: Interval(a.min(b)), far: Interval(a.max(b)) }))
    }

    pub(super) fn window(&mut self, spec: WindowSpec) -> WindowId {
        let at = self.program.windows.iter().position(|w| *w == spec).unwrap_or_else(|| {
            self.program.windows.push(spec);
            self.program.windows.len() - 1
        });
        WindowId(at as u32)
    }

    /// The window a vector is, unless reducing an empty one must trap.
    fn as_window(&self, v: Val) -> Option<WindowId> {
        match self.inst(v) {
            Inst::Window(w) if !self.rules.strict_empty => Some(w),
            _ => None,
        }
    }

    fn whole_window(&mut self, args: &[Val], reduce: Reduce) -> Option<Val> {
        let [v] = args else { return None };
        let w = self.as_window(*v)?;
        Some(self.emit(Inst::Reduce(reduce, w, None), Ty::Double))
    }

    /// `0 + a + b + …`, the body's own order.
    fn scalar_sum(&mut self, args: &[Val]) -> Option<Val> {
        if args.is_empty() || args.len() >= reduce::LONG || args.iter().any(|a| self.ty(*a) != Ty::Double) {
            return None;
        }
        let mut sum = self.double(0.0);
        for a in args {
            sum = self.scalar(ScalarOp::Add, sum, *a);
        }
        Some(sum)
    }

    /// `min` and `max`: a scan from left to right, starting with the first element there is; empty vectors vanish.
    fn extreme(&mut self, args: &[Val], op: ScalarOp, whole: Reduce, from: Reduce) -> Option<Val> {
        if args.is_empty() {
            return None;
        }
        for (i, a) in args.iter().enumerate() {
            match self.ty(*a) {
                Ty::Double => {}
                Ty::Vec => {
                    self.as_window(*a)?;
                    // A second element that may start the scan would need a third case: leave it to the body.
                    if i == 1 && self.ty(args[0]) == Ty::Vec {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        let mut acc = args[0];
        let mut empty = None;
        if let Some(w) = self.as_window(acc) {
            acc = self.emit(Inst::Reduce(whole, w, None), Ty::Double);
            empty = Some(self.emit(Inst::Reduce(Reduce::Len, w, None), Ty::Double));
        }
        for a in &args[1..] {
            if let Some(w) = self.as_window(*a) {
                acc = self.emit(Inst::Reduce(from, w, Some(acc)), Ty::Double);
                continue;
            }
            let next = self.scalar(op, acc, *a);
            acc = match empty.take() {
                Some(len) => self.emit(Inst::Select(len, next, *a), Ty::Double),
                None => next,
            };
        }
        Some(acc)
    }
}

/// What a program reads, by metric.
pub(super) fn reads(p: &Program) -> Vec<Read> {
    let mut out: Vec<Read> = Vec::new();
    let mut add = |metric: Metric, look_back: Option<Interval>, newest: u32| {
        let at = out.iter().position(|r| r.metric == metric).unwrap_or_else(|| {
            out.push(Read { metric, look_back: Some(Interval(0)), newest: 0 });
            out.len() - 1
        });
        let read = &mut out[at];
        read.look_back = match (read.look_back, look_back) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        };
        read.newest = read.newest.max(newest);
    };
    for w in &p.windows {
        match *w {
            WindowSpec::Back { metric, far, .. } => add(metric, Some(far), 0),
            WindowSpec::Last { metric, count } => add(metric, Some(Interval(0)), count),
        }
    }
    for inst in &p.insts {
        if let Inst::Call(_, list) = inst
            && let Some(first) = p.list(*list).first()
            && let Inst::Metric(m) = p.insts[first.ix()]
        {
            add(m, None, 0);
        }
    }
    out.sort_by_key(|r| r.metric);
    out
}
