//! Files in and out: the only serde derives of the project.
//!
//! In: text of files and plain values. Out: plain values and text of files. Never: imported by the core.

pub mod bounds;
pub mod embedded;
pub mod import;
pub mod metrics;
pub mod report;
pub mod run_tables;
pub mod scenario;
pub mod tables;
pub mod time;
pub mod vm_prices;
pub mod whole;
pub(crate) mod words;
