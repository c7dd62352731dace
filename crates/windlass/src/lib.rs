//! The load tool.

pub mod destination;
pub mod env;
pub mod extract;
mod failpoint;
mod files;
pub mod packages;
pub mod source;
pub mod sources;
pub mod steps;

pub use windlass_core as core;
