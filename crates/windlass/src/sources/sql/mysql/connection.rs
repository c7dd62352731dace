//! A connection, and the statements that go through it.

use std::sync::Arc;

use mysql_async::prelude::Queryable as _;
use mysql_async::{BinaryProtocol, Column, Conn, DriverError, Error as ClientError, Opts, QueryResult, Row, Statement, Value};
use windlass_core::{Error, Result};

use super::error::{failed, no_answer};
use super::settings::Settings;

/// An open connection. It is closed when this is dropped; a statement that still runs is ended.
pub(super) struct Connection {
    pub(super) settings: Arc<Settings>,
    /// Is there until the connection is closed.
    client: Option<Conn>,
    /// How it was opened, for another one like it.
    options: Opts,
    /// Whether rows of a statement may still come.
    is_reading: bool,
}

impl Connection {
    /// Errors: no such server or database, a user or password that is refused, TLS that cannot be agreed on.
    pub(super) async fn open(settings: &Arc<Settings>) -> Result<Self> {
        let mut attempts = settings.attempts()?.into_iter().peekable();
        while let Some(options) = attempts.next() {
            let opening = tokio::time::timeout(settings.connect_timeout, Conn::new(options.clone()));
            let client = match opening.await {
                Ok(Ok(client)) => client,
                Ok(Err(ClientError::Driver(DriverError::NoClientSslFlagFromServer))) if attempts.peek().is_some() => {
                    continue;
                }
                Ok(Err(cause)) => return Err(failed("open", &settings.location)(cause)),
                Err(_) => return Err(no_answer("open", &settings.location)),
            };
            return Ok(Self {
                settings: Arc::clone(settings),
                client: Some(client),
                options,
                is_reading: false,
            });
        }
        Err(Error::internal("a connection to MySQL is tried at least once"))
    }

    fn client(&mut self) -> Result<&mut Conn> {
        self.client.as_mut().ok_or_else(|| Error::internal("a connection to MySQL was closed before its last use"))
    }

    /// Prepares a query and gives the columns of its rows. Errors: as the server says; a statement without rows.
    pub(super) async fn prepare(&mut self, query: &str) -> Result<(Statement, Arc<[Column]>)> {
        let settings = Arc::clone(&self.settings);
        let statement =
            self.client()?.prep(query).await.map_err(failed("run a query at", &settings.location))?;
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
    pub(super) async fn start(&mut self, query: &str) -> Result<Arc<[Column]>> {
        let (statement, _) = self.prepare(query).await?;
        let settings = Arc::clone(&self.settings);
        self.is_reading = true;
        let result = self.client()?.exec_iter(&statement, ()).await;
        let result = result.map_err(failed("run a query at", &settings.location))?;
        // What the server says now is what it sends: the table may have changed since it was prepared.
        Ok(result.columns().unwrap_or_else(|| statement.columns()))
    }

    /// The next row of what was started, or `None` at the end. Errors: the connection is lost; the query was ended.
    pub(super) async fn next_row(&mut self) -> Result<Option<Row>> {
        let settings = Arc::clone(&self.settings);
        let mut rows = QueryResult::<BinaryProtocol>::new(self.client()?);
        let row = match settings.read_timeout {
            None => rows.next().await,
            Some(limit) => match tokio::time::timeout(limit, rows.next()).await {
                Ok(row) => row,
                Err(_) => return Err(no_answer("read from", &settings.location)),
            },
        };
        // After an error nothing more comes either.
        self.is_reading = matches!(row, Ok(Some(_)));
        row.map_err(failed("read from", &settings.location))
    }

    /// All rows of a small query as texts. `what` continues "MySQL cannot" in errors.
    pub(super) async fn texts(&mut self, query: &str, what: &str) -> Result<Vec<Vec<Option<String>>>> {
        let settings = Arc::clone(&self.settings);
        let rows: Vec<Row> = self.client()?.query(query).await.map_err(failed(what, &settings.location))?;
        let text = |value: Option<&Value>| match value {
            None | Some(Value::NULL) => None,
            Some(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Some(other) => Some(other.as_sql(true)),
        };
        Ok(rows.iter().map(|row| (0..row.len()).map(|index| text(row.as_ref(index))).collect()).collect())
    }

    /// Takes leave of the server, without waiting for it.
    pub(super) fn close(mut self) {
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
