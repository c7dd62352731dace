//! A connection, and the statements that go through it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{
    BinaryProtocol, Column, Conn, DriverError, Error as ClientError, Opts, QueryResult, Row, Statement, Value,
};
use tokio::sync::mpsc;
use windlass_core::{Error, Result};

use super::error::{failed, no_answer};
use super::settings::Settings;

/// An open connection. It is closed when this is dropped; a statement that still runs is ended.
pub(crate) struct Connection {
    pub(crate) settings: Arc<Settings>,
    /// Is there until the connection is closed.
    client: Option<Conn>,
    /// How it was opened, for another one like it.
    options: Opts,
    /// Whether rows of a statement may still come.
    is_reading: bool,
}

impl Connection {
    /// Errors: no such server or database, a user or password that is refused, TLS that cannot be agreed on.
    pub(crate) async fn open(settings: &Arc<Settings>) -> Result<Self> {
        let opened = Self::try_open(settings).await?;
        opened.map_err(failed(settings.side, "open", &settings.location))
    }

    /// The same, where the refusal of the server means something to the caller.
    pub(crate) async fn try_open(settings: &Arc<Settings>) -> Result<std::result::Result<Self, ClientError>> {
        let mut attempts = settings.attempts()?.into_iter().peekable();
        while let Some(options) = attempts.next() {
            let opening = tokio::time::timeout(settings.connect_timeout, Conn::new(options.clone()));
            let client = match opening.await {
                Ok(Ok(client)) => client,
                Ok(Err(ClientError::Driver(DriverError::NoClientSslFlagFromServer)))
                    if attempts.peek().is_some() =>
                {
                    continue;
                }
                Ok(Err(cause)) => return Ok(Err(cause)),
                Err(_) => return Err(no_answer(settings.side, "open", &settings.location)),
            };
            let settings = Arc::clone(settings);
            return Ok(Ok(Self { settings, client: Some(client), options, is_reading: false }));
        }
        Err(Error::internal("a connection to MySQL is tried at least once"))
    }

    /// Whether a statement gives rows; it is prepared and not run. Errors: as the server says.
    pub(crate) async fn gives_rows(&mut self, sql: &str) -> Result<bool> {
        let settings = Arc::clone(&self.settings);
        match self.client()?.prep(sql).await {
            Ok(statement) => Ok(!statement.columns().is_empty()),
            // Some statements cannot be prepared (error 1295), and several cannot be at once (1064); none of these is read.
            Err(ClientError::Server(refusal)) if [1295, 1064].contains(&refusal.code) => Ok(false),
            Err(cause) => Err(failed(settings.side, "query", &settings.location)(cause)),
        }
    }

    fn client(&mut self) -> Result<&mut Conn> {
        self.client
            .as_mut()
            .ok_or_else(|| Error::internal("a connection to MySQL was closed before its last use"))
    }

    /// Prepares a query and gives the columns of its rows. Errors: as the server says; a statement without rows.
    pub(crate) async fn prepare(&mut self, query: &str) -> Result<(Statement, Arc<[Column]>)> {
        let settings = Arc::clone(&self.settings);
        let statement = self.client()?.prep(query).await.map_err(failed(
            settings.side,
            "run a query at",
            &settings.location,
        ))?;
        if statement.num_params() > 0 {
            return Err(Error::config("the query has places for values (`?` or `:name`)")
                .with_hint("write the values into the query; a `?` or `:` of a text belongs into quotes"));
        }
        let columns = statement.columns();
        if columns.is_empty() {
            return Err(Error::config("the query gives no rows").with_hint("write a SELECT"));
        }
        Ok((statement, columns))
    }

    /// Starts a query and gives the columns of its rows, which [`Connection::next_row`] gives. Errors: as
    /// [`Connection::prepare`].
    pub(crate) async fn start(&mut self, query: &str) -> Result<Arc<[Column]>> {
        let (statement, _) = self.prepare(query).await?;
        let settings = Arc::clone(&self.settings);
        // Who gives up while the server works ends its work.
        self.is_reading = true;
        let columns = {
            let result = self.client()?.exec_iter(&statement, ()).await;
            // What the server says now is what it sends: the table may have changed since it was prepared.
            result.map(|result| result.columns().unwrap_or_else(|| statement.columns()))
        };
        self.is_reading = columns.is_ok();
        columns.map_err(failed(settings.side, "run a query at", &settings.location))
    }

    /// The next row of what was started, or `None` at the end. Errors: the connection is lost; the query was ended.
    pub(crate) async fn next_row(&mut self) -> Result<Option<Row>> {
        let settings = Arc::clone(&self.settings);
        let row = {
            let mut rows = QueryResult::<BinaryProtocol>::new(self.client()?);
            match settings.read_timeout {
                None => rows.next().await,
                Some(limit) => match tokio::time::timeout(limit, rows.next()).await {
                    Ok(row) => row,
                    Err(_) => return Err(no_answer(settings.side, "read from", &settings.location)),
                },
            }
        };
        // After an error nothing more comes either.
        self.is_reading = matches!(row, Ok(Some(_)));
        row.map_err(failed(settings.side, "read from", &settings.location))
    }

    /// All rows of a small query as texts. `what` continues "MySQL cannot" in errors.
    pub(crate) async fn texts(&mut self, query: &str, what: &str) -> Result<Vec<Vec<Option<String>>>> {
        let settings = Arc::clone(&self.settings);
        let rows: Vec<Row> =
            self.client()?.query(query).await.map_err(failed(settings.side, what, &settings.location))?;
        let text = |value: Option<&Value>| match value {
            None | Some(Value::NULL) => None,
            Some(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Some(other) => Some(other.as_sql(true)),
        };
        Ok(rows.iter().map(|row| (0..row.len()).map(|index| text(row.as_ref(index))).collect()).collect())
    }

    /// Runs a statement and gives the rows that it changed. `what` continues "MySQL cannot" in errors.
    pub(crate) async fn execute(&mut self, sql: &str, what: &str) -> Result<u64> {
        let settings = Arc::clone(&self.settings);
        let client = self.client()?;
        client.query_drop(sql).await.map_err(failed(settings.side, what, &settings.location))?;
        Ok(client.affected_rows())
    }

    /// Runs a statement whose failure means something to the caller.
    pub(crate) async fn try_execute(&mut self, sql: &str) -> Result<std::result::Result<(), ClientError>> {
        Ok(self.client()?.query_drop(sql).await)
    }

    /// Sends the rows of a `LOAD DATA LOCAL INFILE`, piece by piece, and gives how many the server took and what it had
    /// to say of them. The server names a file, and gets these pieces, whatever the name is.
    pub(crate) async fn load_data(
        &mut self,
        sql: &str,
        pieces: mpsc::Receiver<std::io::Result<Bytes>>,
    ) -> Result<std::result::Result<(u64, u16), ClientError>> {
        let client = self.client()?;
        let stream = async move {
            let next = |mut pieces: mpsc::Receiver<std::io::Result<Bytes>>| async move {
                pieces.recv().await.map(|piece| (piece, pieces))
            };
            Ok(futures_util::stream::unfold(pieces, next).boxed())
        };
        client.set_infile_handler(stream);
        let done = client.query_drop(sql).await;
        // A server that refuses the statement asks for no rows, and who makes them would wait for ever to be asked.
        client.set_infile_handler(async { Err(DriverError::ConnectionClosed.into()) });
        Ok(done.map(|()| (client.affected_rows(), client.get_warnings())))
    }

    /// Takes leave of the server, without waiting for it.
    pub(crate) fn close(mut self) {
        // The client says goodbye in a task of its own.
        drop(self.client.take());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let (true, Ok(runtime)) = (self.is_reading, tokio::runtime::Handle::try_current()) else { return };
        // The client would read all the rest of the rows before it closes: the server is told to end the query first.
        let options = self.options.clone();
        let id = client.id();
        runtime.spawn(async move {
            if let Ok(mut other) = Conn::new(options).await {
                drop(other.query_drop(format!("KILL QUERY {id}")).await);
            }
            drop(client);
        });
    }
}
