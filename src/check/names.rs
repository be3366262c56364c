//! Names: what a bare name means where it stands, and what to say when it means nothing.
//!
//! In: a name and the assignments before it. Out: its meaning and type. Never: operators, calls.

use super::*;
use poolcast_runtime::{
    builtins,
    catalog::{OverloadId, nearest},
    metric::{ALIASES, Metric},
    value::DeallocationOption,
};

/// What a name is, apart from any assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Output(Output),
    Metric(Metric),
    Keyword(DeallocationOption),
    /// Row of a constant.
    Constant(u16),
    /// Anything else.
    User,
}

/// Service variables, for suggestions.
const OUTPUTS: [&str; 5] = [
    "$TargetDedicatedNodes",
    "$TargetLowPriorityNodes",
    "$NodeDeallocationOption",
    "$TargetDedicated",
    "$TargetLowPriority",
];

impl Checker<'_> {
    pub(super) fn class(&mut self, name: Name) -> Class {
        if let Some(class) = self.classes[name.0 as usize] {
            return class;
        }
        let class = classify(self.ast.name(name));
        self.classes[name.0 as usize] = Some(class);
        class
    }

    /// Meaning of a bare name in an expression.
    pub(super) fn name(&mut self, id: ExprId, name: Name) -> (HKind, Ty) {
        let span = self.ast.span(id);
        match self.class(name) {
            Class::Output(Output::Option) => {
                let d = self
                    .error(code::OPTION_READ, span, "`$NodeDeallocationOption` cannot be read")
                    .note("it starts as `requeue` in every evaluation, whatever an earlier one assigned");
                self.reject(d)
            }
            Class::Output(output) => {
                // An alias and its full name are one variable to a reader; each keeps its own assignment.
                let other = self.latest_output(output);
                match other {
                    Some(v) => (HKind::Var(v), self.hir.versions[v.ix()].ty),
                    None => (HKind::CurrentTarget(output.target().unwrap_or(0) as u8), Ty::Double),
                }
            }
            Class::Metric(m) => (HKind::Metric(m), Ty::Metric),
            Class::Keyword(option) => (HKind::Option(option), Ty::Option),
            // Its length may depend on a rule, so it is folded with the rest, not here.
            Class::Constant(row) => {
                let id = OverloadId { row, overload: 0 };
                (HKind::Call(id, HArgs { lo: 0, hi: 0 }), builtins::overload(id).ret)
            }
            Class::User => match self.vars[name.0 as usize] {
                Some(v) => (HKind::Var(v), self.hir.versions[v.ix()].ty),
                None if self.writes_option => self.option_word(span, name),
                None => self.undefined(span, name),
            },
        }
    }

    fn latest_output(&self, output: Output) -> Option<VersionId> {
        let find =
            |want: Output| self.hir.versions.iter().rposition(|v| v.output == Some(want)).map(|i| VersionId(i as u32));
        let (own, other) = match output {
            Output::Dedicated => (Output::Dedicated, Output::DedicatedAlias),
            Output::DedicatedAlias => (Output::DedicatedAlias, Output::Dedicated),
            Output::LowPriority => (Output::LowPriority, Output::LowPriorityAlias),
            Output::LowPriorityAlias => (Output::LowPriorityAlias, Output::LowPriority),
            Output::Option => return None,
        };
        find(own).or_else(|| find(other))
    }

    fn option_word(&mut self, span: Span, name: Name) -> (HKind, Ty) {
        let text = self.ast.name(name);
        let mut d = self.error(code::OPTION_VALUE, span, format!("`{text}` is not a deallocation option"));
        let words = DeallocationOption::ALL.map(DeallocationOption::keyword);
        match nearest(text, words.iter().copied()) {
            Some(near) => {
                d = d.label(format!("did you mean `{near}`?")).fix(true, format!("write `{near}`"), span, near)
            }
            None => d = d.help(format!("the options are {}", listed(words))),
        }
        self.reject(d)
    }

    /// `Undefined symbol`, with the most helpful guess.
    fn undefined(&mut self, span: Span, name: Name) -> (HKind, Ty) {
        let text = self.ast.name(name);
        let mut d = self.error(code::UNDEFINED, span, format!("`{text}` has no value here")).note(format!(
            "the service stores such a formula and fails at every evaluation: `Undefined symbol: {text}`"
        ));
        let later = self.ast.stmts.iter().find_map(|s| s.target.filter(|(n, _)| *n == name));
        if let Some((_, later)) = later {
            d = d.also(later, "assigned only here, after it is used").help("move the assignment above this statement");
        } else if self.is_function(text) {
            d = d.help(format!("`{text}` is a function: write `{text}(…)`"));
        } else if let Some(say) = builtins::absent(text, RowKind::Constant) {
            d = d.help(say);
        } else if let Some(near) = self.nearest_name(text) {
            // Only the case or the `$` differs: nothing else can be meant.
            let sure = near.trim_start_matches('$').eq_ignore_ascii_case(text.trim_start_matches('$'));
            d = d.label(format!("did you mean `{near}`?")).fix(sure, format!("write `{near}`"), span, near);
        } else if !text.starts_with('$') && self.ast.text().find('$').is_none() {
            d = d.help("no name in this formula has a `$`: a shell may have eaten them; keep the formula in a file or in single quotes");
        } else {
            d = d.help("assign it in an earlier statement");
        }
        let kind = self.poison(Poison::Undefined(text.to_owned()));
        self.out.push(d);
        (kind, Ty::Poison)
    }

    fn is_function(&self, text: &str) -> bool {
        builtins::lookup(text, RowKind::Function).is_some()
    }

    /// The nearest name that has a value, up to a distance that grows with length.
    fn nearest_name(&self, text: &str) -> Option<String> {
        let assigned: Vec<&str> = self
            .ast
            .stmts
            .iter()
            .filter_map(|s| s.target)
            .map(|(n, _)| self.ast.name(n))
            .filter(|n| *n != text)
            .collect();
        let service = OUTPUTS
            .into_iter()
            .chain(Metric::ALL.iter().map(|m| m.name()))
            .chain(ALIASES.iter().map(|(old, _)| *old))
            .chain(builtins::ROWS.iter().filter(|r| r.kind == RowKind::Constant).map(|r| r.name));
        nearest(text, assigned.into_iter().chain(service)).map(str::to_owned)
    }

    /// Whether a statement may assign this name; if not, the statement's value becomes poison placed at the name.
    pub(super) fn assignable(&mut self, name: Name, span: Span, value: ExprId) -> bool {
        let text = self.ast.name(name);
        let d = match self.class(name) {
            Class::Metric(m) => {
                let mut d = self
                    .error(code::READ_ONLY, span, format!("`{text}` is measured by the service and cannot be assigned"))
                    .note("what happens on assignment is not documented; we fail the evaluation");
                let target = match m {
                    Metric::CurrentDedicatedNodes => Some("$TargetDedicatedNodes"),
                    Metric::CurrentLowPriorityNodes => Some("$TargetLowPriorityNodes"),
                    _ => None,
                };
                if let Some(t) = target {
                    d = d.fix(false, format!("set the target instead: `{t}`"), span, t);
                } else {
                    d = d.help("use a name of your own");
                }
                d
            }
            Class::Keyword(_) => self
                .error(code::RESERVED, span, format!("`{text}` is a deallocation option and cannot be assigned"))
                .help(format!("write `$NodeDeallocationOption = {text}`, or use another name")),
            Class::Constant(_) => self
                .error(code::RESERVED, span, format!("`{text}` is a constant and cannot be assigned"))
                .help("use another name"),
            Class::User if text == "$TVMDeallocationOption" => {
                let d = self.error(code::RENAMED, span, format!("`{text}` is a name the service no longer knows"));
                let d = match builtins::absent(text, RowKind::Constant) {
                    Some(say) => d.note(say),
                    None => d,
                };
                d.fix(true, "write `$NodeDeallocationOption`", span, "$NodeDeallocationOption")
            }
            Class::Output(_) | Class::User => {
                if self.is_function(text) {
                    let d = self
                        .unverified(code::BUILTIN_NAME, span, format!("`{text}` is also a function"))
                        .note("whether the service allows a variable of that name is not known; we do")
                        .help("use another name");
                    self.out.push(d);
                }
                return true;
            }
        };
        self.become_poison(value, d);
        let mut at = value;
        loop {
            self.nodes[at.ix()].at = span.lo;
            match self.ast.expr(at) {
                Expr::Paren(inner) => at = inner,
                _ => return false,
            }
        }
    }
}

fn classify(text: &str) -> Class {
    if let Some(o) = Output::from_name(text) {
        return Class::Output(o);
    }
    if text.starts_with('$')
        && let Some(m) = Metric::from_name(text)
    {
        return Class::Metric(m);
    }
    if let Some(k) = DeallocationOption::from_keyword(text) {
        return Class::Keyword(k);
    }
    match builtins::lookup(text, RowKind::Constant) {
        Some((row, _)) => Class::Constant(row),
        None => Class::User,
    }
}
