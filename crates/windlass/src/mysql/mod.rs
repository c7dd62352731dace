//! What MySQL and MariaDB as a source and as a destination have in common: the parameters of an address, TLS,
//! connections, and what errors mean.

mod connection;
mod error;
mod settings;

pub(crate) use connection::Connection;
pub(crate) use error::{TOO_NARROW, changed, failed, is_unanswered, present, server_code};
pub(crate) use settings::{Access, Settings};
