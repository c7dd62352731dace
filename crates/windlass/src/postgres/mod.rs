//! What Postgres as a source and as a destination have in common: where a server is, TLS, broken connections, and
//! numbers on the wire.

mod address;
mod connect;
mod failure;
mod numeric;
mod tls;

pub(crate) use address::Address;
pub use address::{PostgresConnection, PostgresCredentials};
pub(crate) use connect::connect;
pub(crate) use failure::{Refusal, broken};
pub(crate) use numeric::{Numeric, put_i128, put_i256};
