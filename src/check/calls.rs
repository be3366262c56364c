//! Calls, methods and members: the catalogue row, the overload, the arguments.
//!
//! In: a name, argument types, the catalogue. Out: an overload, coercion marks, diagnostics. Never: a rule about one function.

use super::*;
use poolcast_grammar::Args;
use poolcast_runtime::{
    builtins::{self, ROWS},
    catalog::{Builtin, Overload, OverloadId, nearest},
    ty::Param,
};

/// How well arguments fit an overload.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Fit {
    No,
    Coerced,
    Exact,
}

impl Checker<'_> {
    pub(super) fn call(&mut self, id: ExprId, name: Name, args: Args) -> (HKind, Ty) {
        let text = self.ast.name(name);
        let span = self.ast.detail[id.ix()].0;
        let Some(row) = find(text, RowKind::Function) else {
            return self.unknown_function(text, span);
        };
        if text == "stop" {
            if args.lo != args.hi {
                let d = self.error(code::ARGUMENT_COUNT, self.ast.span(id), "`stop` takes no arguments");
                return self.reject(d);
            }
            return (HKind::Stop, Ty::Never);
        }
        self.apply(id, row, args)
    }

    pub(super) fn method(&mut self, id: ExprId, recv: ExprId, name: Name, args: Args) -> (HKind, Ty) {
        let text = self.ast.name(name);
        let span = self.ast.detail[id.ix()].0;
        let recv_ty = self.ty(recv);
        if recv_ty == Ty::Poison {
            self.settle_all(args);
            return (self.nodes[recv.ix()].kind, Ty::Poison);
        }
        let row = find(text, RowKind::Method);
        if recv_ty != Ty::Metric {
            let shown = self.text(recv).to_owned();
            let mut d = self
                .error(
                    code::METHOD_RECEIVER,
                    self.ast.span(recv),
                    format!("`{shown}` is a {}; only service metrics have methods", recv_ty.name()),
                )
                .also(span, "called here");
            if let Some(say) = builtins::absent(text, RowKind::Method) {
                d = d.help(say);
            } else if row.is_none() && find(text, RowKind::Member).is_some() && recv_ty == Ty::Time {
                let whole = self.ast.detail[id.ix()].1;
                d = d.fix(true, "members take no parentheses", Span::new(whole, self.ast.span(id).hi), "");
            } else if let HKind::Var(v) = self.nodes[recv.ix()].kind {
                let stmt = self.hir.versions[v.ix()].stmt as usize;
                let value = self.ast.unparen(self.ast.stmts[stmt].value);
                d = d.note("assigning a metric to a variable stores a number, not the metric");
                if let Expr::Name(_) = self.ast.expr(value) {
                    let metric = self.text(value).to_owned();
                    if metric.starts_with('$') {
                        d = d.fix(false, format!("write `{metric}`"), self.ast.span(recv), metric);
                    }
                }
            }
            return self.reject(d);
        }
        let Some(row) = row else {
            let metric = self.text(recv).to_owned();
            let mut d = self.error(code::UNKNOWN_METHOD, span, format!("metrics have no method `{text}`"));
            let methods: Vec<&str> = ROWS.iter().filter(|r| r.kind == RowKind::Method).map(|r| r.name).collect();
            if let Some(say) = builtins::absent(text, RowKind::Method) {
                d = d.help(say);
            } else if let Some(near) = nearest(text, methods.iter().copied()) {
                let sure = near.eq_ignore_ascii_case(text);
                d = d.label(format!("did you mean `{near}`?")).fix(sure, format!("write `{near}`"), span, near);
            } else {
                d = d.help(format!("`{metric}` has {}", listed(methods)));
            }
            return self.reject(d);
        };
        self.apply(id, row, args)
    }

    pub(super) fn member(&mut self, id: ExprId, recv: ExprId, name: Name) -> (HKind, Ty) {
        let text = self.ast.name(name);
        let span = self.ast.detail[id.ix()].0;
        let recv_ty = self.ty(recv);
        if recv_ty == Ty::Poison {
            return (self.nodes[recv.ix()].kind, Ty::Poison);
        }
        if recv_ty == Ty::Time
            && let Some(row) = find(text, RowKind::Member)
        {
            let overload = &ROWS[row].overloads[0];
            let id = OverloadId { row: row as u16, overload: 0 };
            return (HKind::Call(id, HArgs { lo: 0, hi: 0 }), overload.ret);
        }
        let what = if recv_ty == Ty::Metric { code::METRIC_VALUE } else { code::UNKNOWN_MEMBER };
        let mut d = self.error(what, span, format!("a {} has no member `{text}`", recv_ty.name()));
        if recv_ty == Ty::Metric && find(text, RowKind::Method).is_some() {
            d = d.fix(text != "GetSample", "methods take parentheses", Span::new(span.hi, span.hi), "()");
        } else if recv_ty == Ty::Time {
            let members: Vec<&str> = ROWS.iter().filter(|r| r.kind == RowKind::Member).map(|r| r.name).collect();
            d = match nearest(text, members.iter().copied()) {
                Some(near) => {
                    let sure = near.eq_ignore_ascii_case(text);
                    d.label(format!("did you mean `{near}`?")).fix(sure, format!("write `{near}`"), span, near)
                }
                None => d.help(format!("a timestamp has {}", listed(members))),
            };
        } else if recv_ty == Ty::Interval {
            d = d.help("an interval has no members; compare it with another, such as `30 * TimeInterval_Minute`");
        } else if let Some(say) = builtins::absent(text, RowKind::Member) {
            d = d.help(say);
        }
        self.reject(d)
    }

    fn unknown_function(&mut self, text: &str, span: Span) -> (HKind, Ty) {
        let mut d = self.error(code::UNKNOWN_FUNCTION, span, format!("there is no function `{text}`"));
        let functions = || ROWS.iter().filter(|r| r.kind == RowKind::Function).map(|r| r.name);
        if let Some(f) = functions().find(|f| f.eq_ignore_ascii_case(text)) {
            d = d.label("names are case-sensitive").fix(true, format!("write `{f}`"), span, f);
        } else if let Some(say) = builtins::absent(text, RowKind::Function) {
            d = d.help(say);
        } else if find(text, RowKind::Method).is_some() {
            d = d.help(format!("`{text}` is a method of a metric: write `$PendingTasks.{text}(…)`"));
        } else if let Some(near) = nearest(text, functions()) {
            d = d.label(format!("did you mean `{near}`?")).fix(false, format!("write `{near}`"), span, near);
        } else {
            d = d.help(format!("the functions are {}", listed(functions())));
        }
        self.reject(d)
    }

    fn settle_all(&mut self, args: Args) {
        for i in args.lo..args.hi {
            self.settle(self.ast.args[i as usize]);
        }
    }

    /// Pick the overload by the types of the arguments and mark coercions.
    fn apply(&mut self, id: ExprId, row: usize, args: Args) -> (HKind, Ty) {
        let ast = self.ast;
        let list = ast.args(args);
        let builtin = &ROWS[row];
        for &a in list {
            match self.ty(a) {
                Ty::Metric => self.settle(a),
                Ty::Option => self.keyword_misplaced(a),
                Ty::Never => self.stop_value_argument(a),
                _ => {}
            }
        }
        if list.iter().any(|a| self.ty(*a) == Ty::Poison) {
            // Keep the call so that arguments before the poison are evaluated first; the type comes from the row.
            let call = HKind::Call(OverloadId { row: row as u16, overload: 0 }, HArgs { lo: args.lo, hi: args.hi });
            return (call, Ty::Poison);
        }
        let mut best: Option<(Fit, usize)> = None;
        for (i, overload) in builtin.overloads.iter().enumerate() {
            let fit = self.fit(overload, list);
            if fit != Fit::No && best.is_none_or(|(b, _)| fit > b) {
                best = Some((fit, i));
            }
        }
        let Some((_, chosen)) = best else {
            return self.no_overload(id, builtin, list);
        };
        let overload = &builtin.overloads[chosen];
        for (i, &a) in list.iter().enumerate() {
            if param(overload, i) == Some(Param::Double) && self.ty(a) == Ty::Vec {
                self.number(a, format_args!("argument {} of `{}`", i + 1, builtin.name));
            }
        }
        if list.is_empty() && overload.params.first() == Some(&Param::List) {
            let d = self
                .unverified(code::ZERO_ARGUMENTS, self.ast.span(id), format!("`{}()` reduces nothing", builtin.name))
                .note("the documented grammar allows an empty list; what it gives is not known");
            self.out.push(d);
        }
        let id = OverloadId { row: row as u16, overload: chosen as u8 };
        (HKind::Call(id, HArgs { lo: args.lo, hi: args.hi }), overload.ret)
    }

    fn stop_value_argument(&mut self, a: ExprId) {
        let d = self.error(code::NO_VALUE, self.ast.span(a), "`stop()` has no value to pass on");
        self.become_poison(a, d);
    }

    fn fit(&self, overload: &Overload, args: &[ExprId]) -> Fit {
        let list = overload.params.last() == Some(&Param::List);
        if args.len() < overload.required as usize || (!list && args.len() > overload.params.len()) {
            return Fit::No;
        }
        let mut fit = Fit::Exact;
        for (i, a) in args.iter().enumerate() {
            let one = match (param(overload, i), self.ty(*a)) {
                (Some(Param::Double), Ty::Double) | (Some(Param::Vec), Ty::Vec) | (Some(Param::Str), Ty::Str) => {
                    Fit::Exact
                }
                (Some(Param::List), Ty::Double | Ty::Vec) | (Some(Param::Instant), Ty::Time | Ty::Interval) => {
                    Fit::Exact
                }
                (Some(Param::Double), Ty::Vec) => Fit::Coerced,
                _ => Fit::No,
            };
            fit = fit.min(one);
        }
        fit
    }

    fn no_overload(&mut self, id: ExprId, row: &Builtin, args: &[ExprId]) -> (HKind, Ty) {
        let counts_fit = |o: &&Overload| {
            let list = o.params.last() == Some(&Param::List);
            args.len() >= o.required as usize && (list || args.len() <= o.params.len())
        };
        let candidates: Vec<&Overload> = row.overloads.iter().filter(counts_fit).collect();
        let signatures = || row.overloads.iter().map(|o| o.signature);
        let mut d = if candidates.is_empty() {
            let n = args.len();
            let plural = if n == 1 { "argument" } else { "arguments" };
            self.error(code::ARGUMENT_COUNT, self.ast.span(id), format!("`{}` does not take {n} {plural}", row.name))
        } else {
            // The argument the most promising candidate stumbles on.
            let wrong = candidates
                .iter()
                .map(|o| args.iter().enumerate().position(|(i, a)| self.mismatch(o, i, *a)).unwrap_or(args.len()))
                .max()
                .unwrap_or(0)
                .min(args.len().saturating_sub(1));
            let a = args[wrong];
            let ty = self.ty(a);
            let mut d = self.error(
                code::ARGUMENT_TYPE,
                self.ast.span(a),
                format!("argument {} of `{}` cannot be a {}", wrong + 1, row.name, ty.name()),
            );
            let wants_time = candidates.iter().any(|o| param(o, wrong) == Some(Param::Instant));
            if ty == Ty::Double && wants_time {
                d = d.help(format!("give the number a unit: `{} * TimeInterval_Minute`", self.text(a)));
            } else if ty == Ty::Interval || ty == Ty::Time {
                d = d.help("this takes a plain number");
            }
            d
        };
        let lines: Vec<&str> = signatures().collect();
        d = d.note(format!("it is {}", listed(lines)));
        self.reject(d)
    }

    fn mismatch(&self, overload: &Overload, i: usize, a: ExprId) -> bool {
        !matches!(
            (param(overload, i), self.ty(a)),
            (Some(Param::Double), Ty::Double | Ty::Vec)
                | (Some(Param::Vec), Ty::Vec)
                | (Some(Param::Str), Ty::Str)
                | (Some(Param::List), Ty::Double | Ty::Vec)
                | (Some(Param::Instant), Ty::Time | Ty::Interval)
        )
    }
}

/// The parameter argument `i` lands in; a list takes all that follow.
fn param(overload: &Overload, i: usize) -> Option<Param> {
    overload.params.get(i).copied().or_else(|| overload.params.last().copied().filter(|p| *p == Param::List))
}

fn find(name: &str, kind: RowKind) -> Option<usize> {
    builtins::lookup(name, kind).map(|(row, _)| row as usize)
}
