//! What is admissible: the inputs a proof is about.
//!
//! In: a quota, assumptions as text. Out: ranges of every input. Never: a formula's own values.

use super::domain::{Count, Num, Span};
use poolcast_grammar::{Ast, BinOp, Expr, ExprId, UnOp};
use poolcast_runtime::{
    metric::{Kind, Metric},
    ticks::Ticks,
};

/// Counts of tasks and nodes are 32-bit integers at the service.
pub const MOST: f64 = i32::MAX as f64;
/// Longest history: about two years of samples.
pub const MAX_HISTORY: u32 = 1 << 21;

/// How much of the histories there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Anything: new pools, gaps.
    Any,
    /// None at all.
    Empty,
    /// A sample each 30 s for as long as any window looks back.
    Full,
}

/// The admissible inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Assume {
    /// Instants of evaluation.
    pub now: Span,
    /// Sample values, by metric.
    pub samples: Vec<Num>,
    /// Present targets.
    pub targets: [Num; 2],
    /// Present nodes.
    pub current: [Num; 2],
    /// Task slots per node.
    pub slots: Num,
    /// Histories.
    pub history: History,
}

impl Default for Assume {
    fn default() -> Assume {
        let count = Num::whole(0.0, MOST);
        let samples = Metric::ALL
            .iter()
            .map(|m| match m {
                Metric::CpuPercent => Num::range(0.0, 100.0),
                Metric::TaskSlotsPerNode => Num::whole(1.0, 256.0),
                m if m.row().kind == Kind::Resource => Num::range(0.0, 1e15),
                _ => count,
            })
            .collect();
        let day = |y| Ticks::from_date(y, 1, 1).unwrap_or_default().0;
        Assume {
            now: Span { lo: day(1970), hi: day(2100) - 1 },
            samples,
            targets: [count; 2],
            current: [count; 2],
            slots: Num::whole(1.0, 256.0),
            history: History::Any,
        }
    }
}

/// Metrics that count work.
pub const WORK: &[Metric] = &[Metric::ActiveTasks, Metric::RunningTasks, Metric::PendingTasks];

impl Assume {
    /// Nodes stay within a quota.
    pub fn quota(mut self, nodes: u32) -> Assume {
        let most = f64::from(nodes);
        for n in &mut self.current {
            *n = n.at_most(most);
        }
        for m in Metric::ALL.iter().filter(|m| m.row().kind == Kind::Node && **m != Metric::TaskSlotsPerNode) {
            self.samples[*m as usize] = self.samples[*m as usize].at_most(most);
        }
        self
    }
    /// Nothing waits and nothing runs.
    pub fn no_work(mut self) -> Assume {
        for m in WORK {
            self.samples[*m as usize] = Num::of(0.0);
        }
        self
    }
    /// All histories like this.
    pub fn with_history(mut self, history: History) -> Assume {
        self.history = history;
        self
    }
    /// Narrow by a text such as `$PendingTasks <= 500`, with `&&` between several.
    pub fn narrow(&mut self, text: &str) -> Result<(), String> {
        let parsed = poolcast_grammar::parse(text);
        let ok = parsed.errors.is_empty() && parsed.ast.stmts.len() == 1 && parsed.ast.stmts[0].target.is_none();
        if !ok {
            return Err(format!("cannot read the assumption `{text}`; write it like `$PendingTasks <= 500`"));
        }
        self.narrow_by(&parsed.ast, parsed.ast.stmts[0].value)
    }
    fn narrow_by(&mut self, ast: &Ast, id: ExprId) -> Result<(), String> {
        match ast.expr(id) {
            Expr::Paren(x) => self.narrow_by(ast, x),
            Expr::Binary(BinOp::And, a, b) => self.narrow_by(ast, a).and_then(|()| self.narrow_by(ast, b)),
            Expr::Binary(op, a, b) => {
                let (name, number, op) = match (name(ast, a), number(ast, b), name(ast, b), number(ast, a)) {
                    (Some(n), Some(x), ..) => (n, x, op),
                    (_, _, Some(n), Some(x)) => (n, x, flipped(op)),
                    _ => return Err(wrong(ast, id)),
                };
                self.set(name, op, number).ok_or_else(|| wrong(ast, id))?;
                if self.consistent() {
                    Ok(())
                } else {
                    Err(format!("no input satisfies the assumption `{}`", ast.span(id).text(ast.text())))
                }
            }
            _ => Err(wrong(ast, id)),
        }
    }
    fn set(&mut self, name: &str, op: BinOp, x: f64) -> Option<()> {
        let limit = |n: &mut Num| {
            *n = match op {
                BinOp::Lt => n.below(x),
                BinOp::Le => n.at_most(x),
                BinOp::Gt => n.above(x),
                BinOp::Ge => n.at_least(x),
                BinOp::Eq => n.at_least(x).at_most(x),
                _ => return None,
            };
            Some(())
        };
        match name {
            "$TargetDedicatedNodes" | "$TargetDedicated" => limit(&mut self.targets[0]),
            "$TargetLowPriorityNodes" | "$TargetLowPriority" => limit(&mut self.targets[1]),
            _ => {
                let m = Metric::from_name(name)?;
                match m {
                    Metric::CurrentDedicatedNodes => limit(&mut self.current[0])?,
                    Metric::CurrentLowPriorityNodes => limit(&mut self.current[1])?,
                    Metric::TaskSlotsPerNode => limit(&mut self.slots)?,
                    _ => {}
                }
                limit(&mut self.samples[m as usize])
            }
        }
    }
    fn consistent(&self) -> bool {
        let all = self.samples.iter().chain(&self.targets).chain(&self.current).chain([&self.slots]);
        all.into_iter().all(|n| !n.empty())
    }
    /// Sizes of a history.
    pub fn counts(&self) -> Count {
        match self.history {
            History::Any => Count { lo: 0, hi: MAX_HISTORY },
            History::Empty => Count::of(0),
            History::Full => Count { lo: 1, hi: MAX_HISTORY },
        }
    }
}

fn name(ast: &Ast, id: ExprId) -> Option<&str> {
    match ast.expr(id) {
        Expr::Name(_) => Some(ast.span(id).text(ast.text())),
        Expr::Paren(x) => name(ast, x),
        _ => None,
    }
}

fn number(ast: &Ast, id: ExprId) -> Option<f64> {
    match ast.expr(id) {
        Expr::Number(x) => Some(x),
        Expr::Paren(x) => number(ast, x),
        Expr::Unary(UnOp::Neg, x) => number(ast, x).map(|x| -x),
        _ => None,
    }
}

fn wrong(ast: &Ast, id: ExprId) -> String {
    let text = ast.span(id).text(ast.text());
    format!("cannot assume `{text}`: compare a metric or a present target with a number, like `$PendingTasks <= 500`")
}

/// The comparison with its sides exchanged.
pub fn flipped(op: BinOp) -> BinOp {
    match op {
        BinOp::Lt => BinOp::Gt,
        BinOp::Le => BinOp::Ge,
        BinOp::Gt => BinOp::Lt,
        BinOp::Ge => BinOp::Le,
        op => op,
    }
}
