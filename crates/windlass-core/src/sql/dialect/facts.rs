//! What can be relied on at a database.

/// What can be relied on at a database: yes and no, and the words that differ.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The name for people.
    pub name: &'static str,
    /// What stands around a name; within it, it is doubled.
    pub identifier_quote: char,
    /// What a backslash means in a literal.
    pub backslash: Backslash,
    /// How a NUL is written, which cannot stand in a statement.
    pub nul: Nul,
    /// Whether a literal of a time may have a time zone. Without, times are those of UTC.
    pub has_time_zones: bool,
    /// Whether tables and columns come and go within a transaction. Without, each such statement commits by itself what
    /// was done before, so that they are all executed before the first row comes.
    pub has_transactional_ddl: bool,
    /// Whether a table can move to another dataset within a transaction.
    pub moves_tables: bool,
    /// Whether one `ALTER TABLE` can add several columns.
    pub alters_many_columns: bool,
    /// Where temporary tables are, as it is written before their names; `None` if they have no place of their own.
    pub temporary_dataset: Option<&'static str>,
    /// Whether temporary tables take the rows that are staged: tables that need no log, no index and no compression.
    /// Without, the tables of the staging dataset do.
    pub stages_in_temporary_tables: bool,
    /// What tells apart the rows of a staged table.
    pub row_address: RowAddress,
    /// Whether rows are only found fast by an index, so that the columns which a merge compares get one.
    pub finds_rows_by_index: bool,
    /// The function that gives the place of a text in another: `instr(text, piece)`.
    pub position_function: &'static str,
    /// The type of floating-point numbers in a cast.
    pub double_type: &'static str,
    /// How the time of the server is asked for, where leases are rows of a table.
    pub clock: Option<Clock>,
}

/// What a backslash means in a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backslash {
    /// Itself.
    Plain,
    /// What the server's settings say, unless an `E` before the literal says that it escapes.
    Prefixed,
    /// It escapes what follows.
    Escape,
}

/// How a NUL is written in a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nul {
    /// Not at all: no text of the database can have one.
    LeftOut,
    /// By an escape.
    Escaped(&'static str),
    /// By an expression between two literals.
    Expression(&'static str),
}

/// What tells apart the rows of a staged table and follows the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAddress {
    /// A hidden column that all tables have.
    Hidden(&'static str),
    /// A column that the server numbers, which the staged tables get. Its name is the engine's own.
    Added(&'static str),
}

/// How the time of the server is written, where it says when a lease ends.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The time at which the expression is evaluated.
    pub now: &'static str,
    /// The beginning of the epoch.
    pub epoch: &'static str,
    /// The type of a column for times.
    pub column_type: &'static str,
    /// The type of a column for texts that may be a key.
    pub key_type: &'static str,
    /// The time so many microseconds from now.
    pub later: fn(i64) -> String,
    /// The microseconds since the epoch of a time.
    pub micros: fn(&str) -> String,
}
