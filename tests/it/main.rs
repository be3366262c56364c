//! The one integration binary: each room's behaviour as a user meets it.

mod engines;
mod recorded;
mod samples;
mod support;
