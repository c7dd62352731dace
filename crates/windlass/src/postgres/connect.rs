//! How a connection is opened.

use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use windlass_core::{Error, Result};

use super::Address;

/// Opens a connection, and the task that drives it; the task is to be aborted with the client.
///
/// Errors: what `failed` makes of a connection that cannot be opened; TLS whose files cannot be read.
pub(crate) async fn connect(
    address: &Address,
    failed: impl Fn(tokio_postgres::Error) -> Error,
) -> Result<(Client, JoinHandle<()>)> {
    Ok(if address.config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = address.config.connect(NoTls).await.map_err(failed)?;
        (client, tokio::spawn(async { drop(connection.await) }))
    } else {
        let connector = address.tls.connector()?;
        let (client, connection) = address.config.connect(connector).await.map_err(failed)?;
        (client, tokio::spawn(async { drop(connection.await) }))
    })
}
