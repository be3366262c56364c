//! poolcast: know what an Azure Batch pool will do before it does it. (Façade to be written with the rooms.)
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod diag;
#[cfg(feature = "serde")]
pub mod wire;
