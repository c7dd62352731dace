//! The load tool.

pub mod alerts;
mod charset;
pub mod config;
pub mod destination;
pub mod destinations;
#[cfg(feature = "http")]
pub mod discover;
pub mod env;
pub mod extract;
mod failpoint;
mod files;
mod holder;
#[cfg(feature = "duckdb")]
mod interrupted;
mod load;
mod memory;
#[cfg(feature = "mysql")]
mod mysql;
pub mod packages;
pub mod pipeline;
#[cfg(feature = "postgres")]
mod postgres;
pub mod private;
mod record_limit;
mod removal;
pub mod rows;
#[cfg(any(feature = "duckdb", feature = "mysql", feature = "sqlite"))]
mod said;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod side;
pub mod source;
pub mod sources;
pub mod steps;
pub mod store;

pub use record_limit::RecordLimit;
pub use windlass_core as core;
