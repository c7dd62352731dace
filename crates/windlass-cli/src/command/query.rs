//! `windlass query` and `windlass preview`.

use windlass::core::{Code, Error, Result};

use super::named;
use crate::args::{PreviewArgs, QueryArgs, RowFormat};
use crate::output::{Exit, Output};
use crate::rows::format_rows;

pub(super) async fn query(args: &QueryArgs, output: &Output) -> Result<Exit> {
    if args.sql.trim_matches(|c: char| c.is_whitespace() || c == ';').is_empty() {
        return Err(Error::config("the query is empty")
            .with_hint("give one statement in quotes, such as \"SELECT count(*) FROM t\""));
    }
    let pipeline = named::pipeline(&args.name.name)?;
    let mut session = pipeline.connect().await?;
    let rows = session.query(&args.sql).await?;
    output.print(format_rows(&rows, format(args.format, output))?)?;
    Ok(Exit::OK)
}

pub(super) async fn preview(args: &PreviewArgs, output: &Output) -> Result<Exit> {
    let pipeline = named::pipeline(&args.name.name)?;
    if let Some(schema) = pipeline.default_schema()?
        && !pipeline.work().schemas()?.iter().any(|schema| schema.table(&args.table).is_some())
    {
        let names: Vec<&str> = schema.tables.keys().map(String::as_str).collect();
        return Err(Error::of(Code::UnknownTable, format!("there is no table `{}`", args.table))
            .with_detail("table", args.table.as_str())
            .with_hint(format!("the tables are {}", names.join(", "))));
    }
    let mut session = pipeline.connect().await?;
    let rows = session.table_rows(&args.table, args.limit).await?;
    output.print(format_rows(&rows, format(args.format, output))?)?;
    Ok(Exit::OK)
}

fn format(given: Option<RowFormat>, output: &Output) -> RowFormat {
    given.unwrap_or(if output.is_json() { RowFormat::Json } else { RowFormat::Table })
}
