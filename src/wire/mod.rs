//! Files in and out: the only room that knows file formats.
//!
//! In: bytes and text. Out: plain values, or an error with its place. Never: imported by the core, I/O.

pub mod metrics;
