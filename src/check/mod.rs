//! placeholder
pub mod hir;
