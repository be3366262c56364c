//! Files in and out: traces, scenarios, tables. The only room that derives serde.
//!
//! In: bytes. Out: plain values of the other rooms, or an error with its place. Never: a decision, a clock.

pub mod import;
pub mod scenario;
pub mod tables;
pub mod time;
pub mod vm_prices;
