//! The catalogue: every name a formula can say, one row each, with its one implementation.
//!
//! In: a name and what kind of thing it is. Out: its row, its overloads, the nearest name. Never: a second place that
//! knows what a function does: engines, folding, documentation and completion all read [`ROWS`].

mod absent;
mod control;
pub mod map;
pub mod reduce;
pub mod sample;
pub mod time;
pub mod vector;

use crate::{
    catalog::{Builtin, Evidence, Overload, OverloadId, RowKind, nearest},
    metric::Metric,
    trap::Trap,
    value::Value,
};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// Writes one row. `"signature" [parameters; required] => Result, Purity, body`.
macro_rules! row {
    (
        $kind:ident $name:literal
        { $( $signature:tt [$($param:ident),* ; $required:literal] => $ret:ident, $purity:ident, $body:expr );+ $(;)? }
        $doc:literal
        $evidence:expr, $since:literal
        [$( $formula:literal $( ($metric:literal: $($sample:literal),*) )* => $prints:literal ),* $(,)?]
    ) => {
        $crate::catalog::Builtin {
            name: $name,
            kind: $crate::catalog::RowKind::$kind,
            overloads: &[ $( $crate::catalog::Overload {
                params: &[ $( $crate::ty::Param::$param ),* ],
                required: $required,
                ret: $crate::ty::Ty::$ret,
                purity: $crate::catalog::Purity::$purity,
                body: $body,
                signature: $signature,
            } ),+ ],
            doc: $doc,
            evidence: $evidence,
            since: $since,
            examples: &[ $( $crate::catalog::Example {
                formula: $formula,
                samples: &[ $( ($metric, &[ $( $sample as f64 ),* ]) ),* ],
                prints: $prints,
            } ),* ],
        }
    };
}
pub(crate) use row;

const PARTS: [&[Builtin]; 7] =
    [reduce::ROWS, map::ROWS, time::ROWS, sample::ROWS, control::ROWS, absent::ROWS, absent::VARIABLES];

const COUNT: usize = {
    let (mut n, mut i) = (0, 0);
    while i < PARTS.len() {
        n += PARTS[i].len();
        i += 1;
    }
    n
};

static ALL: [Builtin; COUNT] = {
    let mut all = [reduce::ROWS[0]; COUNT];
    let (mut n, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut i = 0;
        while i < PARTS[part].len() {
            all[n] = PARTS[part][i];
            n += 1;
            i += 1;
        }
        part += 1;
    }
    all
};

/// Every row. [`OverloadId`] indexes it.
pub static ROWS: &[Builtin] = &ALL;

/// The row of a name, and its index. Absent rows are found by [`absent`] only.
pub fn lookup(name: &str, kind: RowKind) -> Option<(u16, &'static Builtin)> {
    static BY_NAME: LazyLock<FxHashMap<&str, Vec<u16>>> = LazyLock::new(|| {
        let mut all = FxHashMap::<_, Vec<u16>>::default();
        for (i, row) in (0..).zip(ROWS) {
            all.entry(row.name).or_default().push(i);
        }
        all
    });
    let named = BY_NAME.get(name)?.iter();
    named.map(|i| (*i, &ROWS[usize::from(*i)])).find(|(_, row)| row.kind == kind)
}
/// The row an id belongs to.
pub fn row_of(id: OverloadId) -> &'static Builtin {
    &ROWS[usize::from(id.row)]
}
/// The overload of an id.
pub fn overload(id: OverloadId) -> &'static Overload {
    &row_of(id).overloads[usize::from(id.overload)]
}
/// The id of a name's `nth` overload.
pub fn id_of(name: &str, kind: RowKind, nth: u8) -> Option<OverloadId> {
    let (row, builtin) = lookup(name, kind)?;
    (usize::from(nth) < builtin.overloads.len()).then_some(OverloadId { row, overload: nth })
}
/// Every overload there is.
pub fn overloads() -> impl Iterator<Item = (OverloadId, &'static Builtin, &'static Overload)> {
    (0..).zip(ROWS).flat_map(|(row, builtin)| {
        (0..).zip(builtin.overloads).map(move |(overload, o)| (OverloadId { row, overload }, builtin, o))
    })
}
/// The nearest name of a kind, for "did you mean". A name that exists is not suggested to itself.
pub fn suggest(name: &str, kind: RowKind) -> Option<&'static str> {
    nearest(name, ROWS.iter().filter(|r| r.kind == kind).map(|r| r.name)).filter(|n| *n != name)
}
/// What to write instead of a name people expect: functions and variables as written (`abs`, `true`, `$IdleNodes`),
/// methods and members under their name, whatever the case.
pub fn absent(name: &str, kind: RowKind) -> Option<&'static str> {
    let dotted = matches!(kind, RowKind::Method | RowKind::Member);
    ROWS.iter().find_map(|row| match row.kind {
        RowKind::Absent { say } => {
            let own = row.name.strip_prefix('.');
            let same = own.is_some() == dotted && own.unwrap_or(row.name).eq_ignore_ascii_case(name);
            same.then_some(say)
        }
        _ => None,
    })
}

/// Arguments were typed by the checker and by the IR's verifier; a wrong one here is our bug, reported as such.
fn wrong(args: &[Value<'_>], i: usize) -> Trap {
    Trap::Internal(format!("argument {i} is {:?}", args.get(i).map(Value::ty)).into())
}
fn double(args: &[Value<'_>], i: usize) -> Result<f64, Trap> {
    match args.get(i) {
        Some(Value::Double(x)) => Ok(*x),
        _ => Err(wrong(args, i)),
    }
}
fn vector<'r>(args: &[Value<'r>], i: usize) -> Result<&'r [f64], Trap> {
    match args.get(i) {
        Some(Value::Vec(v)) => Ok(v),
        _ => Err(wrong(args, i)),
    }
}
fn metric(args: &[Value<'_>], i: usize) -> Result<Metric, Trap> {
    match args.get(i) {
        Some(Value::Metric(m)) => Ok(*m),
        _ => Err(wrong(args, i)),
    }
}

const DOC: Evidence = Evidence::Documented("S1");

#[cfg(test)]
mod tests;
