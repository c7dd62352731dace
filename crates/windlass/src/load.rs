//! From a sealed package to committed rows.

use windlass_core::package::{Job, JournalEntry};
use windlass_core::path_part::check_part;
use windlass_core::schema::Schema;
use windlass_core::{Code, Error, ErrorKind, Result};

use crate::destination::{Capabilities, Session};
use crate::env::Env;
use crate::extract::{Cancel, Progress};
use crate::failpoint::failpoint;
use crate::packages::LoadPackage;

/// Bytes of files that are loaded in one step.
const STEP_BYTES: u64 = 256 << 20;

/// Loads a package and commits it; gives the statements that changed the destination's tables.
///
/// A package that was committed before without anybody hearing of it is only marked. Errors: the destination; the
/// package stays as it is and can be loaded again.
pub(crate) async fn run(
    session: &mut dyn Session,
    package: &mut LoadPackage,
    env: &Env,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<Vec<String>> {
    // Only a load that was begun before can have been committed.
    if package.journal.is_started && session.is_loaded(package.load_id()).await? {
        package.record(JournalEntry::Committed { at: env.now() })?;
        return Ok(package.journal.migrated.clone().unwrap_or_default());
    }
    package.record(JournalEntry::Started { at: env.now() })?;
    let result = attempt(session, package, env, progress, cancel).await;
    if let Err(error) = &result {
        let failed = JournalEntry::Failed { file: None, message: error.chain(), at: env.now() };
        // The first error counts; what else fails now follows from it.
        drop(package.record(failed));
        drop(session.rollback().await);
    }
    result
}

async fn attempt(
    session: &mut dyn Session,
    package: &mut LoadPackage,
    env: &Env,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<Vec<String>> {
    cancel.check()?;
    failpoint("load.before_migrate")?;
    let statements = session.migrate(package, env.now()).await?;
    package.record(JournalEntry::Migrated { statements: statements.clone() })?;
    failpoint("load.migrated")?;
    for jobs in steps(&package.manifest.jobs) {
        cancel.check()?;
        if let Some(first) = jobs.first() {
            let rows: u64 = jobs.iter().map(|job| job.rows).sum();
            tracing::info!(table = first.table, files = jobs.len(), rows, "load");
        }
        session.load(package, &jobs).await?;
        failpoint("load.job_loaded")?;
        progress.count_jobs_done(jobs.len() as u64);
    }
    cancel.check()?;
    failpoint("load.before_commit")?;
    session.commit(package, env.now()).await?;
    tracing::info!(package = package.load_id(), "committed");
    failpoint("load.after_commit")?;
    package.record(JournalEntry::Committed { at: env.now() })?;
    failpoint("load.recorded")?;
    Ok(statements)
}

/// The jobs in groups of one table each, none much larger than [`STEP_BYTES`].
fn steps(jobs: &[Job]) -> Vec<Vec<&Job>> {
    let mut steps: Vec<Vec<&Job>> = Vec::new();
    let mut bytes = 0;
    for job in jobs {
        match steps.last_mut() {
            Some(step) if step[0].table == job.table && bytes + job.bytes <= STEP_BYTES => step.push(job),
            _ => {
                bytes = 0;
                steps.push(vec![job]);
            }
        }
        bytes += job.bytes;
    }
    steps
}

/// Errors: an identifier that the destination cannot hold or tell from another.
pub(crate) fn verify(schema: &Schema, capabilities: &Capabilities) -> Result<()> {
    let limit = capabilities.max_identifier_length;
    let key = |name: &str| {
        if capabilities.has_case_sensitive_identifiers { name.to_owned() } else { name.to_lowercase() }
    };
    for table in schema.tables.keys() {
        check_part(ErrorKind::Config, "a table", table)?;
    }
    let check = |names: &mut dyn Iterator<Item = &str>| -> Result<()> {
        let mut seen = std::collections::HashMap::new();
        for name in names {
            let counts_bytes = capabilities.counts_identifier_bytes;
            let (length, unit) =
                if counts_bytes { (name.len(), "bytes") } else { (name.chars().count(), "characters") };
            if length > limit {
                return Err(Error::of(Code::NameTooLong, format!("`{name}` is longer than {limit} {unit}")).with_detail("name", name).with_detail("limit", limit).with_hint(
                    "a smaller schema.max_identifier_length, or the naming convention snake_case, makes names shorter",
                ));
            }
            if let Some(other) = seen.insert(key(name), name.to_owned()) {
                return Err(Error::of(
                    Code::DuplicateName,
                    format!("`{other}` and `{name}` are the same name at this destination"),
                )
                .with_detail("name", name)
                .with_hint("choose a naming convention without upper case, such as snake_case"));
            }
        }
        Ok(())
    };
    let tables: Vec<_> = schema.tables.values().filter(|table| !table.is_new()).collect();
    check(&mut tables.iter().map(|table| table.name.as_str()))?;
    for table in tables {
        check(&mut table.complete_columns().map(|column| column.name.as_str()))
            .map_err(|error| error.at_table(&table.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_files_of_one_table_up_to_a_size() {
        let job = |table: &str, bytes| Job { file: String::new(), table: table.to_owned(), rows: 1, bytes };
        let jobs = [
            job("a", 200 << 20),
            job("a", 10),
            job("a", 200 << 20),
            job("b", 1),
            job("b", 1),
            job("c", 1 << 40),
        ];
        let sizes: Vec<usize> = steps(&jobs).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 2, 1]);
    }
}
