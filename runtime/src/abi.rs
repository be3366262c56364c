//! What compiled code and Rust exchange: written down here only.
//!
//! In: the opaque `Host`, resolved windows, a snapshot, a frame. Out: words. Compiled code may read `View`s and the
//! snapshot's numbers, write frame slots and argument cells, and call what this file gives it; it sees no other layout.
//! No panic crosses into it.
#![allow(unsafe_code)]

use crate::{
    arena::Arena,
    builtins::{self, vector},
    catalog::OverloadId,
    cx::Cx,
    metric::Metric,
    rules::Rules,
    scalar::ScalarOp,
    series::{Series, Sight},
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
    trap::Trap,
    ty::Ty,
    value::{DeallocationOption, Value},
    window::{Found, Plan, Reduce, Window},
};

/// What most programs read of a window.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// Samples in it.
    pub len: f64,
    /// Percentage of possible samples present.
    pub percent: f64,
    /// Sum, when the program asked for it.
    pub sum: f64,
    /// Newest sample of a window by count; NaN when there is none.
    pub newest: f64,
}

impl Numbers {
    /// Before any run.
    pub const BLANK: Numbers = Numbers { len: 0.0, percent: 0.0, sum: 0.0, newest: f64::NAN };
}

/// A window of a run, as compiled code reads it. The samples are there when its plan says that the program reads them.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct View {
    numbers: Numbers,
    values: *const f64,
    len: u64,
    series: *const Series,
    lo: u64,
    plan: Plan,
}

// SAFETY: a view is numbers and addresses; reading through an address is the unsafe act, done only by a run over views
// made for it. A view left in an evaluator's scratch is overwritten before the next run, on whichever thread that is.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

/// Byte offsets of the fields compiled code loads.
#[derive(Debug, Clone, Copy)]
pub struct ViewLayout;
impl ViewLayout {
    /// Pointer to the first sample.
    pub const VALUES: i32 = std::mem::offset_of!(View, values) as i32;
    /// Count as an integer.
    pub const LEN: i32 = std::mem::offset_of!(View, len) as i32;
    /// Count as a double.
    pub const LEN_DOUBLE: i32 = std::mem::offset_of!(View, numbers.len) as i32;
    /// Percentage present.
    pub const PERCENT: i32 = std::mem::offset_of!(View, numbers.percent) as i32;
    /// Sum, when the program asked for it.
    pub const SUM: i32 = std::mem::offset_of!(View, numbers.sum) as i32;
    /// Newest sample of a window by count; NaN when there is none.
    pub const NEWEST: i32 = std::mem::offset_of!(View, numbers.newest) as i32;
    /// Size of a view.
    pub const SIZE: i32 = size_of::<View>() as i32;
}

impl View {
    /// Before any run.
    pub fn new(plan: Plan) -> View {
        View { numbers: Numbers::BLANK, values: std::ptr::null(), len: 0, series: std::ptr::null(), lo: 0, plan }
    }
    /// Resolves the windows of a program, in order, if each is found at once ([`Plan::at_once`]): the numbers of the last,
    /// which are only given.
    #[inline(always)] // a leaf: where nothing is called, nothing is saved
    pub fn resolve(views: &mut [View], snapshot: &Snapshot<'_>) -> Option<Numbers> {
        let Some((last, others)) = views.split_last_mut() else { return Some(Numbers::BLANK) };
        let (mut series, mut sight) = (snapshot.series.get(Metric::ALL[0]), Sight::default());
        for view in others {
            view.numbers = view.find(snapshot, &mut series, &mut sight)?;
        }
        last.find(snapshot, &mut series, &mut sight)
    }
    #[inline(always)]
    fn find<'r>(&mut self, snapshot: &Snapshot<'r>, series: &mut &'r Series, sight: &mut Sight) -> Option<Numbers> {
        if self.plan.first {
            *series = snapshot.series.get(self.plan.metric);
            *sight = series.sight(snapshot.now)?;
        }
        let found = self.plan.at_once(series, *sight, snapshot.now)?;
        Some(self.show(series, &found))
    }
    /// Resolves the windows of a program, whatever it takes. Whether each holds no more samples than it may.
    pub fn search(views: &mut [View], snapshot: &Snapshot<'_>) -> bool {
        let mut all = true;
        for view in views {
            let series = snapshot.series.get(view.plan.metric);
            let (found, fits) = view.plan.search(series, snapshot.now);
            all &= fits;
            view.numbers = view.show(series, &found);
        }
        all
    }
    #[inline(always)]
    fn show(&mut self, series: &Series, found: &Found) -> Numbers {
        let Found { len, percent, sum, newest, .. } = *found;
        if self.plan.reads.samples {
            let values = series.values().get(found.range.clone()).unwrap_or(&[]);
            (self.values, self.len) = (values.as_ptr(), values.len() as u64);
            (self.series, self.lo) = (series, found.range.start as u64);
        }
        // Fewer than 2³² samples: a signed conversion is one instruction.
        Numbers { len: len as i64 as f64, percent, sum, newest }
    }
    /// What most programs read of it.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }
}

/// Byte offsets of the snapshot's fields that compiled code loads.
#[derive(Debug, Clone, Copy)]
pub struct InputLayout;
impl InputLayout {
    /// The instant, in ticks.
    pub const NOW: i32 = std::mem::offset_of!(Snapshot<'static>, now) as i32;
    /// Present targets.
    pub const TARGET: [i32; 2] = both(std::mem::offset_of!(Snapshot<'static>, targets));
    /// Present nodes.
    pub const CURRENT: [i32; 2] = both(std::mem::offset_of!(Snapshot<'static>, current));
    /// Task slots.
    pub const TASK_SLOTS: i32 = std::mem::offset_of!(Snapshot<'static>, task_slots) as i32;
}

/// Offsets of the two elements of a pair.
const fn both(pair: usize) -> [i32; 2] {
    [pair as i32, (pair + size_of::<f64>()) as i32]
}

/// One variable of a finished run: 16 bytes, read by the slot's static type.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct RawSlot {
    a: u64,
    b: u64,
}

impl RawSlot {
    /// Size in bytes.
    pub const SIZE: i32 = size_of::<RawSlot>() as i32;
    /// A slot that holds a double.
    #[inline]
    pub fn of(x: f64) -> RawSlot {
        RawSlot { a: x.to_bits(), b: 0 }
    }
    /// The slot as a double.
    #[inline]
    pub fn double(self) -> f64 {
        f64::from_bits(self.a)
    }
    /// The slot as a deallocation option.
    pub fn option(self) -> DeallocationOption {
        DeallocationOption::at(self.a)
    }
    /// The slot as a value of its type.
    ///
    /// # Safety
    /// A slot of type `Vec` must have been written by a run whose series and arena live for `'r`.
    pub unsafe fn value<'r>(self, ty: Ty, strings: &'r [String]) -> Value<'r> {
        match ty {
            // SAFETY: forwarded to the caller: pointer and length were taken from a live slice by `Arg::of`.
            Ty::Vec => Value::Vec(unsafe { slice(self.a, self.b) }),
            Ty::Str => Value::Str(strings.get(self.a as usize).map_or("", String::as_str)),
            Ty::Time => Value::Time(Ticks(self.a as i64)),
            Ty::Interval => Value::Interval(Interval(self.a as i64)),
            Ty::Option => Value::Option(self.option()),
            _ => Value::Double(self.double()),
        }
    }
}

/// # Safety
/// `ptr` and `len` describe a slice that lives for `'r`.
unsafe fn slice<'r>(ptr: u64, len: u64) -> &'r [f64] {
    if len == 0 {
        return &[];
    }
    // SAFETY: see above.
    unsafe { std::slice::from_raw_parts(ptr as *const f64, len as usize) }
}

/// An argument or result of a host call.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Arg {
    tag: u64,
    a: u64,
    b: u64,
}

impl Arg {
    /// Size in bytes; the tag is at 0, the payload at 8 and 16.
    pub const SIZE: i32 = size_of::<Arg>() as i32;
    /// The tag of a type.
    pub const fn tag(ty: Ty) -> u64 {
        match ty {
            Ty::Double => 0,
            Ty::Vec => 1,
            Ty::Str => 2,
            Ty::Time => 3,
            Ty::Interval => 4,
            Ty::Metric => 5,
            Ty::Option => 6,
            Ty::Never | Ty::Poison => 7,
        }
    }
    fn of(v: Value<'_>) -> Arg {
        let (tag, a, b) = match v {
            Value::Double(x) => (Ty::Double, x.to_bits(), 0),
            Value::Vec(x) => (Ty::Vec, x.as_ptr() as u64, x.len() as u64),
            Value::Str(x) => (Ty::Str, x.as_ptr() as u64, x.len() as u64),
            Value::Time(t) => (Ty::Time, t.0 as u64, 0),
            Value::Interval(i) => (Ty::Interval, i.0 as u64, 0),
            Value::Metric(m) => (Ty::Metric, m as u64, 0),
            Value::Option(o) => (Ty::Option, o as u64, 0),
        };
        Arg { tag: Arg::tag(tag), a, b }
    }
    /// # Safety
    /// Vectors and strings must live for `'r`; strings must be UTF-8.
    unsafe fn value<'r>(self) -> Value<'r> {
        match self.tag {
            // SAFETY: forwarded to the caller.
            1 => Value::Vec(unsafe { slice(self.a, self.b) }),
            // SAFETY: forwarded to the caller; string literals come from a `String`.
            2 => Value::Str(unsafe {
                std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.a as *const u8, self.b as usize))
            }),
            3 => Value::Time(Ticks(self.a as i64)),
            4 => Value::Interval(Interval(self.a as i64)),
            5 => Value::Metric(Metric::ALL[self.a as usize % Metric::COUNT]),
            6 => Value::Option(DeallocationOption::at(self.a)),
            _ => Value::Double(f64::from_bits(self.a)),
        }
    }
}

/// The host's side of a compiled run.
#[derive(Debug)]
pub struct Host<'r> {
    snapshot: &'r Snapshot<'r>,
    rules: &'r Rules,
    arena: &'r Arena,
    /// What bodies see; made at the first call, for most runs make none.
    cx: Option<Cx<'r>>,
    /// Why the last host call failed.
    pub trap: Option<Trap>,
}

impl<'r> Host<'r> {
    /// For one run.
    #[inline]
    pub fn new(snapshot: &'r Snapshot<'r>, rules: &'r Rules, arena: &'r Arena) -> Host<'r> {
        Host { snapshot, rules, arena, cx: None, trap: None }
    }
    /// What the run sees.
    #[inline]
    pub fn snapshot(&self) -> &'r Snapshot<'r> {
        self.snapshot
    }
    fn cx(&mut self) -> &mut Cx<'r> {
        self.cx.get_or_insert_with(|| Cx::new(self.snapshot, self.rules, self.arena).muted())
    }
}

/// What a host call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostOp {
    /// A catalogue body.
    Call(OverloadId),
    /// Join doubles and vectors into one vector.
    Flatten,
    /// Element-wise arithmetic.
    Vector(ScalarOp),
    /// The only element of a vector.
    Single,
    /// A scalar operation on ticks or strings.
    Scalar(ScalarOp),
    /// Judge a target.
    Target,
}

impl HostOp {
    /// As one word.
    pub fn encode(self) -> u64 {
        match self {
            HostOp::Call(id) => u64::from(id.row) << 8 | u64::from(id.overload) << 32,
            HostOp::Flatten => 1,
            HostOp::Vector(op) => 2 | (op as u64) << 8,
            HostOp::Single => 3,
            HostOp::Scalar(op) => 4 | (op as u64) << 8,
            HostOp::Target => 5,
        }
    }
    fn decode(word: u64) -> HostOp {
        let op = || ScalarOp::ALL[(word >> 8) as usize % ScalarOp::ALL.len()];
        match word & 0xff {
            0 => HostOp::Call(OverloadId { row: (word >> 8) as u16, overload: (word >> 32) as u8 }),
            1 => HostOp::Flatten,
            2 => HostOp::Vector(op()),
            3 => HostOp::Single,
            4 => HostOp::Scalar(op()),
            _ => HostOp::Target,
        }
    }
}

/// The one implementation of every operation an engine does not do itself.
pub fn host_call<'r>(cx: &mut Cx<'r>, op: HostOp, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    match (op, args) {
        (HostOp::Call(id), _) => match builtins::overload(id).body {
            Some(body) => body(cx, args),
            None => Err(Trap::Internal("a call without a body".into())),
        },
        (HostOp::Flatten, _) => vector::flatten(cx, args).map(Value::Vec),
        (HostOp::Vector(op), [a, b]) => vector::binary(cx, op, *a, *b),
        (HostOp::Single, [Value::Vec(v)]) => vector::single(v).map(Value::Double),
        (HostOp::Scalar(op), _) => op.eval(args),
        (HostOp::Target, [Value::Double(x)]) => crate::target::judge(*x, cx.rules).map(Value::Double),
        _ => Err(Trap::Internal(format!("{op:?} on {args:?}").into())),
    }
}

/// Most arguments a host call takes from compiled code.
pub const MAX_ARGS: usize = 4096;

/// The function compiled code calls for everything that is not a scalar on doubles. Returns 0, or 1 with `Host::trap` set.
///
/// # Safety
/// `host` is a live `Host`, `args` points to `n` cells, `out` to one; vectors and strings in `args` outlive the run.
pub unsafe extern "C" fn rt_host(host: *mut Host<'_>, op: u64, args: *const Arg, n: u64, out: *mut Arg) -> u64 {
    // SAFETY: the caller's contract.
    let host = unsafe { &mut *host };
    // SAFETY: the caller's contract.
    let cells = if n == 0 { &[] } else { unsafe { std::slice::from_raw_parts(args, n as usize) } };
    let run = std::panic::AssertUnwindSafe(|| {
        let mut few = [Value::Double(0.0); 4];
        let many: Vec<Value<'_>>;
        // SAFETY: the caller's contract: what the cells point to outlives the run.
        let values = if cells.len() <= few.len() {
            for (v, c) in few.iter_mut().zip(cells) {
                *v = unsafe { c.value() };
            }
            &few[..cells.len()]
        } else {
            // SAFETY: as above.
            many = cells.iter().map(|c| unsafe { c.value() }).collect();
            &many[..]
        };
        host_call(host.cx(), HostOp::decode(op), values)
    });
    let result = std::panic::catch_unwind(run).unwrap_or_else(|_| Err(Trap::Internal("a builtin panicked".into())));
    match result {
        Ok(v) => {
            // SAFETY: the caller's contract.
            unsafe { *out = Arg::of(v) };
            0
        }
        Err(trap) => {
            host.trap = Some(trap);
            1
        }
    }
}

macro_rules! reductions {
    ($( $symbol:ident $kind:ident; )*) => {
        $(
            /// A reduction of a prepared window.
            ///
            /// # Safety
            /// `view` was made from a window whose series is alive.
            pub unsafe extern "C" fn $symbol(view: *const View, operand: f64) -> f64 {
                // SAFETY: the caller's contract; the range was in bounds when the view was made and series are borrowed.
                let (view, series) = unsafe { (&*view, &*(*view).series) };
                let lo = view.lo as usize;
                let w = Window { series, range: lo..lo + view.len as usize, percent: view.numbers.percent };
                Reduce::$kind.eval(&w, operand)
            }
        )*
        /// The address of a reduction; none for those that are plain loads from the view.
        pub fn reduction(kind: Reduce) -> Option<usize> {
            match kind {
                $( Reduce::$kind => Some($symbol as *const () as usize), )*
                Reduce::Sum | Reduce::Avg | Reduce::Len | Reduce::LastOrZero => None,
            }
        }
    };
}

reductions! {
    rt_min Min;
    rt_max Max;
    rt_min_from MinFrom;
    rt_max_from MaxFrom;
    rt_range Range;
    rt_norm Norm;
    rt_std Std;
    rt_val Val;
}

macro_rules! unary {
    ($( $symbol:ident $op:ident $f:expr; )*) => {
        $(
            /// A scalar function of one double.
            pub extern "C" fn $symbol(x: f64) -> f64 {
                let f: fn(f64) -> f64 = $f;
                f(x)
            }
        )*
        /// The address of a scalar function of one double that engines do not emit themselves.
        pub fn unary(op: ScalarOp) -> Option<usize> {
            match op {
                $( ScalarOp::$op => Some($symbol as *const () as usize), )*
                _ => None,
            }
        }
    };
}

unary! {
    rt_ceil Ceil f64::ceil;
    rt_floor Floor f64::floor;
    rt_round Round crate::scalar::round;
    rt_round_even RoundEven crate::scalar::round_even;
    rt_log2 Log2 crate::scalar::log2;
    rt_ln Ln crate::scalar::ln;
    rt_log10 Log10 crate::scalar::log10;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        series::SeriesStore,
        window::{Plan, Reads, WindowSpec},
    };

    /// As compiled code does it, so that Miri sees every pointer cross.
    #[test]
    fn what_compiled_code_does_with_memory() {
        let rules = Rules::default();
        let mut store = SeriesStore::new(&rules);
        for (i, value) in [3.0, 1.0, 4.0, 1.5].into_iter().enumerate() {
            let at = Ticks(i as i64 * Interval::SAMPLE_PERIOD.0);
            store.push(Metric::PendingTasks, at, at, value).unwrap();
        }
        let now = Ticks(3 * Interval::SAMPLE_PERIOD.0);
        let snapshot =
            Snapshot { now, series: &store, targets: [1.0, 2.0], current: [0.0; 2], task_slots: 1.0, seed: 0 };
        let window = WindowSpec::Last { metric: Metric::PendingTasks, count: 3 };
        let plan = Plan::all(&[window], &[Reads { sum: true, samples: true }], &rules);
        let mut views = [View::new(plan[0])];
        assert!(View::resolve(&mut views, &snapshot).is_none(), "a sum of fractions is not known at once");
        assert!(View::search(&mut views, &snapshot));
        let numbers = views[0].numbers();
        assert_eq!((views[0].len, numbers.sum, numbers.newest), (3, 6.5, 1.5));
        // SAFETY: the view was resolved over series that are alive.
        assert_eq!(unsafe { (rt_max(&views[0], 0.0), rt_min(&views[0], 0.0)) }, (4.0, 1.0));

        let arena = Arena::new(1 << 20);
        let mut host = Host::new(&snapshot, &rules, &arena);
        let samples = Arg { tag: Arg::tag(Ty::Vec), a: views[0].values as u64, b: views[0].len };
        let mut call = |op: HostOp, args: &[Arg]| {
            let mut out = Arg::default();
            // SAFETY: a live host, as many cells as said, vectors that outlive the run.
            let failed = unsafe { rt_host(&mut host, op.encode(), args.as_ptr(), args.len() as u64, &mut out) };
            (failed, out)
        };
        let (failed, joined) = call(HostOp::Flatten, &[Arg::of(Value::Double(9.0)), samples]);
        assert_eq!((failed, joined.b), (0, 4));
        let slot = RawSlot { a: joined.a, b: joined.b };
        // SAFETY: the vector is in the arena, which is alive.
        assert_eq!(unsafe { slot.value(Ty::Vec, &[]) }, Value::Vec(&[9.0, 1.0, 4.0, 1.5]));
        let (failed, _) = call(HostOp::Single, &[joined]);
        assert_eq!(failed, 1, "four are not one");
        let (failed, _) = call(HostOp::Target, &[]);
        assert_eq!(failed, 1, "a wrong call is a trap");
        assert!(matches!(host.trap, Some(Trap::Internal(_))));
    }
}
