//! What people read: profiles of traces, terminal tables and charts, SVG, one HTML page.
//!
//! In: workloads, summaries. Out: text. Never: a file opened, a number computed twice.

pub mod html;
pub mod measures;
pub mod page;
pub mod profile;
pub mod steps;
pub mod svg;
pub mod term;
pub mod versus;
