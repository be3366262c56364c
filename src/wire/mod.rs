//! Files in and out: the only serde derives of the project.
//!
//! In: text of files and plain values. Out: plain values and text of files. Never: imported by the core, never opens a file.

pub mod embedded;
pub mod metrics;
pub mod report;
