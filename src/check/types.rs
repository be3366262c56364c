//! Operators and the places a value lands in: which types go together, and what is done to make them (language.md §2.5, §2.6).
//!
//! In: operand types. Out: the result's type, coercion marks on operands, diagnostics. Never: names, calls.

use super::*;
use poolcast_grammar::{BinOp, UnOp};
use std::fmt;

impl Checker<'_> {
    /// Read a metric object as a number where a value is wanted (language.md §0.2).
    pub(super) fn settle(&mut self, id: ExprId) {
        if self.ty(id) != Ty::Metric {
            return;
        }
        let HKind::Metric(metric) = self.nodes[id.ix()].kind else { return };
        if !metric.row().plain {
            let span = self.ast.span(self.ast.unparen(id));
            let name = self.text(self.ast.unparen(id));
            let d = self
                .unverified(code::BARE_METRIC, span, format!("`{name}` is read without a method"))
                .label("which sample?")
                .note("documentation only shows metrics with methods; we take the last visible sample, 0 when there is none")
                .fix(true, format!("write `{name}.GetSample(1)`"), Span::new(span.hi, span.hi), ".GetSample(1)");
            self.out.push(d);
        }
        self.set(id, HKind::Latest(metric), Ty::Double);
    }

    /// Ask for a number: metrics are read, a vector gives its only element (language.md §0.3). False when it cannot be one.
    pub(super) fn number(&mut self, id: ExprId, what: fmt::Arguments<'_>) -> bool {
        self.settle(id);
        match self.ty(id) {
            Ty::Double | Ty::Poison => true,
            Ty::Vec => {
                self.nodes[id.ix()].coerce = Coerce::Single;
                let span = self.ast.span(id);
                let text = self.text(id).trim();
                let mut d = self
                    .unverified(code::VECTOR_AS_NUMBER, span, format!("{what} takes one number, this is a vector of samples"))
                    .note("undocumented; we take the element of a one-element vector and stop the evaluation for any other length");
                for f in ["max", "avg"] {
                    let mut fix =
                        d.clone().fix(false, format!("reduce it: `{f}({text})`"), span, format!("{f}({text})"));
                    d.fixes.append(&mut fix.fixes.split_off(d.fixes.len()));
                }
                d = d.help("`val(v, 0)` takes a single element");
                self.out.push(d);
                true
            }
            _ => false,
        }
    }

    pub(super) fn unary(&mut self, id: ExprId, op: UnOp, arg: ExprId) -> (HKind, Ty) {
        let kind = HKind::Unary(op, HId(arg.0));
        self.settle(arg);
        match (op, self.ty(arg)) {
            (_, Ty::Poison) => (kind, Ty::Poison),
            (UnOp::Neg, Ty::Interval) => (kind, Ty::Interval),
            (UnOp::Neg, Ty::Double) => (kind, Ty::Double),
            (UnOp::Not, Ty::Double | Ty::Vec) => {
                self.number(arg, format_args!("`!`"));
                (kind, Ty::Double)
            }
            (UnOp::Neg, Ty::Vec) => {
                let text = self.text(arg).to_owned();
                let d = self.error(code::OPERATOR_TYPES, self.ast.span(id), "unary `-` does not take a vector").fix(
                    false,
                    format!("write `{text} * -1`"),
                    self.ast.span(id),
                    format!("({text} * -1)"),
                );
                self.reject(d)
            }
            (op, ty) => {
                let symbol = if op == UnOp::Neg { "-" } else { "!" };
                let d = self.error(
                    code::OPERATOR_TYPES,
                    self.ast.span(id),
                    format!("unary `{symbol}` does not take a {}", ty.name()),
                );
                self.reject(d)
            }
        }
    }

    pub(super) fn binary(&mut self, id: ExprId, op: BinOp, a: ExprId, b: ExprId) -> (HKind, Ty) {
        use BinOp::*;
        let (ha, hb) = (HId(a.0), HId(b.0));
        self.settle(a);
        self.settle(b);
        let (ta, tb) = (self.ty(a), self.ty(b));
        if matches!(op, And | Or) {
            let ok = [a, b].into_iter().all(|side| self.number(side, format_args!("`{}`", op.symbol())));
            if ok {
                return (HKind::Logic(op, ha, hb), Ty::Double);
            }
            return self.operator_mismatch(id, op, a, b);
        }
        let kind = HKind::Binary(op, ha, hb);
        if ta == Ty::Poison || tb == Ty::Poison {
            return (kind, Ty::Poison);
        }
        if matches!(op, Lt | Le | Gt | Ge | Eq | Ne) {
            self.comparison_shape(id, op, a, b);
            let ok = match (ta, tb) {
                (Ty::Double | Ty::Vec, Ty::Double | Ty::Vec) => {
                    [a, b].into_iter().all(|side| self.number(side, format_args!("`{}`", op.symbol())))
                }
                (Ty::Str, Ty::Str) => {
                    if !matches!(op, Eq | Ne) {
                        let d = self
                            .unverified(
                                code::STRING_ORDER,
                                self.ast.span(id),
                                "how strings are ordered is not documented",
                            )
                            .note("we compare them byte by byte");
                        self.out.push(d);
                    }
                    true
                }
                (Ty::Time, Ty::Time) | (Ty::Interval, Ty::Interval) => true,
                _ => false,
            };
            return if ok { (kind, Ty::Double) } else { self.operator_mismatch(id, op, a, b) };
        }
        let ty = match (op, ta, tb) {
            (_, Ty::Double, Ty::Double) => Ty::Double,
            (_, Ty::Vec, Ty::Double | Ty::Vec) => Ty::Vec,
            (_, Ty::Double, Ty::Vec) => {
                let d = self
                    .unverified(
                        code::BROADCAST,
                        self.ast.span(id),
                        format!("`number {0} vector` is not documented, only `vector {0} number`", op.symbol()),
                    )
                    .note("we apply the operator to every element");
                self.out.push(d);
                Ty::Vec
            }
            (Add, Ty::Time, Ty::Interval) | (Add, Ty::Interval, Ty::Time) => Ty::Time,
            (Add | Sub, Ty::Interval, Ty::Interval) => Ty::Interval,
            (Sub, Ty::Time, Ty::Time) => Ty::Interval,
            (Sub, Ty::Time, Ty::Interval) => {
                let op_span = self.ast.detail[id.ix()].0;
                let rhs = self.text(b).to_owned();
                let mut d = self
                    .unverified(
                        code::TIME_MINUS_INTERVAL,
                        self.ast.span(id),
                        "`timestamp - timeinterval` is not documented",
                    )
                    .note("documentation adds a negative interval instead; we subtract");
                d = d.fix(false, "add the negated interval", op_span.to(self.ast.span(b)), format!("+ -({rhs})"));
                self.out.push(d);
                Ty::Time
            }
            (Mul, Ty::Double, Ty::Interval) | (Mul | Div, Ty::Interval, Ty::Double) => Ty::Interval,
            _ => return self.operator_mismatch(id, op, a, b),
        };
        (kind, ty)
    }

    fn operator_mismatch(&mut self, id: ExprId, op: BinOp, a: ExprId, b: ExprId) -> (HKind, Ty) {
        for side in [a, b] {
            if self.ty(side) == Ty::Option {
                self.keyword_misplaced(side);
                return (HKind::Binary(op, HId(a.0), HId(b.0)), Ty::Poison);
            }
        }
        let (ta, tb) = (self.ty(a), self.ty(b));
        let op_span = self.ast.detail[id.ix()].0;
        let mut d = self
            .error(
                code::OPERATOR_TYPES,
                op_span,
                format!("`{}` does not take a {} and a {}", op.symbol(), ta.name(), tb.name()),
            )
            .also(self.ast.span(a), ta.name())
            .also(self.ast.span(b), tb.name());
        d = match (op, ta, tb) {
            (BinOp::Div, Ty::Interval, Ty::Interval) => {
                d.help("there is no ratio of intervals; compare them, or count with numbers")
            }
            (_, Ty::Interval, Ty::Double) | (_, Ty::Double, Ty::Interval) => {
                let n = if tb == Ty::Double { b } else { a };
                d.help(format!("give the number a unit: `{} * TimeInterval_Minute`", self.text(n)))
            }
            (_, Ty::Time, Ty::Double) | (_, Ty::Double, Ty::Time) => {
                d.help("take a member such as `.hour`, or give the number a unit: `* TimeInterval_Minute`")
            }
            (_, Ty::Str, _) | (_, _, Ty::Str) => {
                d.help("strings are only for `time(\"…\")` and for comparing with strings")
            }
            (_, Ty::Time, Ty::Interval) | (_, Ty::Interval, Ty::Time) => {
                d.help("compare an interval with the difference of two times")
            }
            (_, Ty::Never, _) | (_, _, Ty::Never) => d.help("`stop()` ends the evaluation and has no value"),
            _ => d,
        };
        self.reject(d)
    }

    /// Chained and mixed comparisons, which C precedence reads in a way few expect (language.md §2.3).
    fn comparison_shape(&mut self, id: ExprId, op: BinOp, a: ExprId, b: ExprId) {
        let group = |op: BinOp| matches!(op, BinOp::Eq | BinOp::Ne);
        for side in [a, b] {
            let Expr::Binary(inner, ..) = self.ast.expr(side) else { continue };
            if !matches!(inner, BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::Eq | BinOp::Ne) {
                continue;
            }
            let span = self.ast.span(id);
            let text = self.text(side).to_owned();
            let d = if group(op) == group(inner) {
                self.unverified(
                    code::CHAINED_COMPARISON,
                    span,
                    format!("`{}` here compares the outcome (0 or 1) of `{text}`", op.symbol()),
                )
                .help("for a range write `a < b && b < c`")
            } else {
                self.unverified(
                    code::MIXED_COMPARISON,
                    span,
                    "which of the two comparisons binds tighter is not documented",
                )
                .note("we take the rule of C: `<` before `==`")
                .fix(true, "add the parentheses", self.ast.span(side), format!("({text})"))
            };
            self.out.push(d);
        }
    }

    pub(super) fn ternary(&mut self, id: ExprId, c: ExprId, t: ExprId, e: ExprId) -> (HKind, Ty) {
        let kind = HKind::Ternary(HId(c.0), HId(t.0), HId(e.0));
        if !self.number(c, format_args!("a condition")) {
            let ty = self.ty(c);
            let d = self
                .error(
                    code::CONDITION_TYPE,
                    self.ast.span(c),
                    format!("a condition takes a number, this is a {}", ty.name()),
                )
                .help("compare it with something: the outcome is 1 or 0");
            self.become_poison(c, d);
        }
        self.settle(t);
        self.settle(e);
        let ty = match (self.ty(t), self.ty(e)) {
            (Ty::Option, Ty::Option) => {
                if self.writes_option {
                    let d = self
                        .unverified(
                            code::KEYWORD_ARM,
                            self.ast.span(id),
                            "whether `?:` may choose an option is not documented",
                        )
                        .note("we accept it; production formulas avoid it");
                    self.out.push(d);
                }
                Ty::Option
            }
            (Ty::Double, Ty::Vec) => self.join(t, e, t),
            (Ty::Vec, Ty::Double) => self.join(t, e, e),
            (x, y) if x == y => x,
            (Ty::Poison | Ty::Never, other) | (other, Ty::Poison | Ty::Never) => other,
            (x, y) => {
                let d = self
                    .error(
                        code::ARM_TYPES,
                        self.ast.span(id),
                        format!("one arm is a {}, the other a {}", x.name(), y.name()),
                    )
                    .also(self.ast.span(t), x.name())
                    .also(self.ast.span(e), y.name());
                return self.reject(d);
            }
        };
        (kind, ty)
    }

    fn join(&mut self, t: ExprId, e: ExprId, scalar: ExprId) -> Ty {
        self.nodes[scalar.ix()].coerce = Coerce::ToVec;
        let d = self
            .unverified(code::ARMS_JOIN, self.ast.span(scalar), "one arm is a number, the other a vector")
            .also(self.ast.span(if scalar == t { e } else { t }), "vector")
            .note("we treat the number as a vector of one element, which flattens in argument lists");
        self.out.push(d);
        Ty::Vec
    }

    /// The value of a target.
    pub(super) fn target_value(&mut self, value: ExprId, target: Span) {
        if self.ty(value) == Ty::Option {
            self.keyword_misplaced(value);
        } else if self.ty(value) == Ty::Never {
            self.stop_value(value);
        } else if !self.number(value, format_args!("a target")) {
            let ty = self.ty(value);
            let name = target.text(self.ast.text());
            let d = self
                .error(
                    code::TARGET_TYPE,
                    self.ast.span(value),
                    format!("a target takes a number, this is a {}", ty.name()),
                )
                .also(target, format!("`{name}` is a number of nodes"));
            self.become_poison(value, d);
        }
    }

    /// The value of `$NodeDeallocationOption`.
    pub(super) fn option_value(&mut self, value: ExprId) {
        self.settle(value);
        let ty = self.ty(value);
        if matches!(ty, Ty::Option | Ty::Poison) {
            return;
        }
        let span = self.ast.span(value);
        let words = poolcast_runtime::value::DeallocationOption::ALL.map(|o| o.keyword());
        let mut d = self
            .error(
                code::OPTION_VALUE,
                span,
                format!("`$NodeDeallocationOption` takes a keyword, this is a {}", ty.name()),
            )
            .help(format!("the options are {}", listed(words)));
        if let Expr::Str = self.ast.expr(self.ast.unparen(value)) {
            let word = self.text(value).trim_matches('"');
            if words.contains(&word) {
                d = d.fix(true, "drop the quotes", span, word);
            }
        }
        self.become_poison(value, d);
    }

    /// The value of a user variable.
    pub(super) fn user_value(&mut self, value: ExprId) {
        self.settle(value);
        match self.ty(value) {
            Ty::Option => {
                self.keyword_misplaced(value);
            }
            Ty::Never => self.stop_value(value),
            _ => {}
        }
    }

    fn stop_value(&mut self, value: ExprId) {
        let d = self
            .error(code::NO_VALUE, self.ast.span(value), "`stop()` has no value to assign")
            .help("write it as a statement, or as one arm of `?:`");
        self.become_poison(value, d);
    }

    pub(super) fn keyword_misplaced(&mut self, id: ExprId) {
        let word = self.text(id).trim().to_owned();
        let d = self
            .error(
                code::KEYWORD_PLACE,
                self.ast.span(id),
                format!("`{word}` only has a meaning in `$NodeDeallocationOption = …`"),
            )
            .help(format!("write `$NodeDeallocationOption = {word};` as a statement of its own"));
        self.become_poison(id, d);
    }
}
