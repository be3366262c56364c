//! The catalogue's row types: what one builtin is. The rows themselves live in `builtins/`.

use crate::{
    cx::Cx,
    trap::Trap,
    ty::{Param, Ty},
    value::Value,
};

/// The one implementation of an overload, shared by both engines and by constant folding.
/// A `List` parameter arrives as one `Value::Vec`; a method's receiver is the first argument (`Value::Metric`).
pub type Body = for<'r> fn(&mut Cx<'r>, &[Value<'r>]) -> Result<Value<'r>, Trap>;

/// What a call depends on besides its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purity {
    /// Nothing: may be folded, shared and dropped.
    Const,
    /// The visible samples and the clock: may be shared and dropped, not folded.
    ReadsSamples,
    /// The clock: as above.
    ReadsClock,
    /// The random stream: none of the above.
    Random,
}

/// How sure we are, and from where (language.md tags).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Microsoft documentation, with the source key.
    Documented(&'static str),
    /// Seen in real service output, with the source key.
    Observed(&'static str),
    /// Inferred from observations.
    Inferred(&'static str),
    /// Nobody outside knows; the choice is a rule.
    Unknown,
}

/// An executable example.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Formula text (an expression).
    pub formula: &'static str,
    /// Samples given, newest last, one per 30 s ending now: (`$Metric`, values).
    pub samples: &'static [(&'static str, &'static [f64])],
    /// The value as the service prints it.
    pub prints: &'static str,
}

/// What kind of name a row defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// `name(args)`.
    Function,
    /// `$Metric.name(args)`.
    Method,
    /// `timestamp.name`; the receiver is the only argument.
    Member,
    /// A bare constant name; overload 0 takes no arguments.
    Constant,
    /// A name people expect but the language lacks; only explains.
    Absent {
        /// What to write instead.
        say: &'static str,
    },
}

/// One signature of a builtin.
#[derive(Clone, Copy)]
pub struct Overload {
    /// Parameters, receiver not included.
    pub params: &'static [Param],
    /// How many of `params` must be given (the rest have defaults inside the body, which sees fewer arguments).
    pub required: u8,
    /// Result.
    pub ret: Ty,
    /// Dependencies.
    pub purity: Purity,
    /// The implementation. `stop` has none: it is control flow.
    pub body: Option<Body>,
    /// Signature text, e.g. `avg(doubleVecList) -> double`.
    pub signature: &'static str,
}

/// One row of the catalogue.
#[derive(Clone, Copy)]
pub struct Builtin {
    /// Name as written; methods and members without the dot.
    pub name: &'static str,
    /// What it is.
    pub kind: RowKind,
    /// Signatures; the type of the first argument picks one.
    pub overloads: &'static [Overload],
    /// What it does, in one or two sentences; edges included.
    pub doc: &'static str,
    /// Evidence.
    pub evidence: Evidence,
    /// When the service got it, e.g. "2022-11".
    pub since: &'static str,
    /// Examples; all are tests.
    pub examples: &'static [Example],
}

/// A signature in the whole catalogue: (row, overload). Rows are in `builtins::ROWS` order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OverloadId {
    /// Index into `builtins::ROWS`.
    pub row: u16,
    /// Index into that row's overloads.
    pub overload: u8,
}

impl Builtin {
    /// The overloads that can be called with `given` arguments, with their index.
    pub fn accepts(&self, given: usize) -> impl Iterator<Item = (u8, &'static Overload)> {
        let overloads: &'static [Overload] = self.overloads;
        (0u8..).zip(overloads).filter(move |(_, o)| o.accepts(given))
    }
}

impl Overload {
    /// Whether it can be called with this many arguments, the receiver not counted.
    pub fn accepts(&self, given: usize) -> bool {
        let list = matches!(self.params.last(), Some(Param::List));
        given >= usize::from(self.required) && (list || given <= self.params.len())
    }
}

/// The nearest of some names: equal up to case and a leading `$`, else at most a third of the letters wrong.
pub fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |s: &str| s.trim_start_matches('$').to_ascii_lowercase();
    // Longer than any name there is: not worth a distance, which is quadratic.
    if name.len() > 64 {
        return None;
    }
    let wanted = plain(name);
    names
        .map(|n| (strsim::osa_distance(&wanted, &plain(n)), n))
        .filter(|(distance, n)| *distance <= n.len().max(wanted.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, n)| n)
}
