//! poolcast: know what an Azure Batch pool will do before it does it. (Façade to be written with the rooms.)

pub mod outcome;
pub mod sim;
#[cfg(feature = "serde")]
pub mod wire;
