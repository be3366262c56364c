//! The C interface: thin doors to the library, no logic.
//!
//! In: handles, UTF-8 with lengths, numbers. Out: a status, values through out parameters, reports. Never: a panic or an
//! address of ours across the boundary, except strings that live as long as the handle they are read from.
//!
//! Handles are numbers looked up in tables (see `handle`), so a closed, forged or mistyped handle is an error and not
//! undefined behaviour. What C must still get right is the memory it passes: pointers with their lengths.
#![allow(non_camel_case_types)] // the names C sees

mod bounds;
mod feed;
mod formula;
mod handle;
mod outcome;
mod report;
mod simulate;

pub use bounds::*;
pub use feed::*;
pub use formula::*;
pub use outcome::*;
pub use report::*;
pub use simulate::*;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Version of this interface. Functions and constants may be added under one version; it is raised when anything that is
/// already there changes.
pub const POOLCAST_ABI: u32 = 1;

/// What a call came to. Everything but POOLCAST_OK leaves out parameters, other than the report, as they were.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum poolcast_status {
    /// Done.
    POOLCAST_OK = 0,
    /// The formula is rejected; the report lists every finding with its place.
    POOLCAST_REJECTED = 1,
    /// The evaluation failed: the pool stays as it is. The report has the service's code and words.
    POOLCAST_EVALUATION_FAILED = 2,
    /// An argument cannot be used: text that is not UTF-8, a sample that is NaN or not newer than the last, an unknown metric.
    POOLCAST_BAD_INPUT = 3,
    /// A handle that is 0, closed, made up, or of another kind.
    POOLCAST_BAD_HANDLE = 4,
    /// A pointer that must not be NULL is.
    POOLCAST_NULL_POINTER = 5,
    /// What was asked for is not to be had on this machine.
    POOLCAST_UNAVAILABLE = 6,
    /// A bug of ours. The call did nothing it finished; the library stays usable.
    POOLCAST_INTERNAL = 7,
}
use poolcast_status::*;

/// Text. Not terminated by zero.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct poolcast_str {
    /// The first byte; never NULL in what the library returns.
    pub data: *const std::ffi::c_char,
    /// Bytes.
    pub len: usize,
}

impl poolcast_str {
    pub(crate) fn of(text: &str) -> poolcast_str {
        poolcast_str { data: text.as_ptr().cast(), len: text.len() }
    }
}

/// Version of the interface this library has. Compare with POOLCAST_ABI of the header before anything else.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_abi_version() -> u32 {
    POOLCAST_ABI
}

/// Version of the library, such as `0.1.0`. The text lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_version() -> poolcast_str {
    poolcast_str::of(env!("CARGO_PKG_VERSION"))
}

/// Why a call did not succeed, on its way to a report.
pub(crate) struct Failure {
    status: poolcast_status,
    report: report::Report,
}

impl Failure {
    fn new(status: poolcast_status, code: &'static str, message: impl Into<String>) -> Failure {
        Failure { status, report: report::Report::one(status, code, message.into()) }
    }
    fn null(what: &str) -> Failure {
        Failure::new(POOLCAST_NULL_POINTER, "null-pointer", format!("{what} must not be NULL"))
    }
    fn input(message: impl Into<String>) -> Failure {
        Failure::new(POOLCAST_BAD_INPUT, "bad-input", message)
    }
    fn handle(kind: &str) -> Failure {
        Failure::new(POOLCAST_BAD_HANDLE, "bad-handle", format!("not an open {kind} handle"))
    }
}

impl From<poolcast::InputError> for Failure {
    fn from(e: poolcast::InputError) -> Failure {
        Failure::input(e.to_string())
    }
}

/// Runs the body of a function: nothing unwinds out of it, and the report says what went wrong.
///
/// # Safety
/// `out` is NULL or may be written.
pub(crate) unsafe fn guard(out: *mut poolcast_report, body: impl FnOnce() -> Result<(), Failure>) -> poolcast_status {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let result = body();
        let (status, report) = match result {
            Ok(()) => (POOLCAST_OK, poolcast_report::default()),
            // Without a place to put it, a report would never be closed.
            Err(f) if out.is_null() => (f.status, poolcast_report::default()),
            Err(f) => (f.status, report::open(f.report)),
        };
        // SAFETY: forwarded to the caller.
        unsafe { put(out, report) };
        status
    }));
    result.unwrap_or(POOLCAST_INTERNAL)
}

/// Writes an out parameter that may be NULL.
///
/// # Safety
/// `out` is NULL or may be written.
pub(crate) unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, so writable by the caller's promise.
        unsafe { out.write(value) }
    }
}

/// Elements the caller describes by address and count.
///
/// # Safety
/// `data` is NULL or `len` elements can be read from it for as long as the result is used.
pub(crate) unsafe fn slice<'a, T>(data: *const T, len: usize, what: &str) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::null(what));
    }
    if len > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::input(format!("{what} cannot be {len} elements long")));
    }
    if !data.is_aligned() {
        return Err(Failure::input(format!("{what} is not aligned")));
    }
    // SAFETY: not NULL, aligned, of a possible length; readable by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Text the caller describes by address and length.
///
/// # Safety
/// As [`slice`].
pub(crate) unsafe fn text<'a>(data: *const std::ffi::c_char, len: usize, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: forwarded to the caller.
    let bytes = unsafe { slice(data.cast::<u8>(), len, what) }?;
    std::str::from_utf8(bytes).map_err(|e| {
        let how = if e.error_len().is_none() { "is cut off inside a character" } else { "is not UTF-8" };
        Failure::input(format!("{what} {how} at byte {}", e.valid_up_to()))
    })
}

/// The instant a count of milliseconds means; far ones end at the ends of the range.
pub(crate) fn instant(unix_ms: i64) -> poolcast::Ticks {
    poolcast::Ticks(unix_ms.saturating_mul(10_000))
}
