//! Functions of a connection by which conditions compare what stored values mean, just as rows are read.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

use super::super::stored_form::{FORM, MOMENT, form_of_text};
use super::columns::{NO_MOMENT, moment};

/// Adds the functions to a connection. Errors: SQLite.
pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(MOMENT, 1, flags, |context| meaning(context.get_raw(0)))?;
    connection.create_scalar_function(FORM, 1, flags, |context| {
        let value = context.get_raw(0);
        // A value that means nothing is refused here already.
        meaning(value)?;
        Ok(match value {
            ValueRef::Integer(_) => Some("seconds".to_owned()),
            ValueRef::Real(_) => Some("julian".to_owned()),
            ValueRef::Text(bytes) => Some(form_of_text(&String::from_utf8_lossy(bytes))),
            ValueRef::Null | ValueRef::Blob(_) => None,
        })
    })
}

/// The microseconds since 1970 that a value means; none for null. Errors: it means no moment.
fn meaning(value: ValueRef<'_>) -> rusqlite::Result<Option<i64>> {
    if value == ValueRef::Null {
        return Ok(None);
    }
    moment(value, NO_MOMENT)
        .map(|(micros, _)| Some(micros))
        .map_err(|_| Error::UserFunctionError(NO_MOMENT.into()))
}
