//! What every destination promises, checked against each of them, and what only a server can get wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what fails here fails a test, and what is left out is said"
)]

mod empty;
mod faulty;
mod hostile_names;
#[allow(dead_code, reason = "tests of sources use the rest")]
#[path = "../../../windlass-cli/tests/it/mariadb.rs"]
mod mariadb;
mod memory;
mod mysql;
mod place;
mod postgres;
mod proxy;
mod rows;
mod server;
mod sqlite;
mod suite;

use place::{Kind, Place};

/// Runs a check in a place of its own, if the destination is there.
fn run(kind: Kind, name: &str, check: impl AsyncFnOnce(Place)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if let Some(place) = Place::new(kind, name).await {
            check(place).await;
        }
    });
}

macro_rules! checks {
    ($kind:ident, $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                crate::run(crate::place::Kind::$kind, concat!(stringify!($kind), "_", stringify!($check)), crate::suite::$check);
            }
        )*
    };
}

macro_rules! suite {
    ($($check:ident)*) => {
        mod on_duckdb { checks!(DuckDb, $($check)*); }
        mod on_postgres { checks!(Postgres, $($check)*); }
        mod on_mysql { checks!(MySql, $($check)*); }
        mod on_sqlite { checks!(Sqlite, $($check)*); }
        mod on_memory { checks!(Memory, $($check)*); }
        mod on_filesystem { checks!(Filesystem, $($check)*); }
    };
}

suite! {
    appending_twice_keeps_both_loads
    lists_become_child_tables_that_point_to_their_parents
    replacing_empties_the_table_and_its_children
    replacing_without_rows_empties_the_table
    replacing_from_staging_leaves_only_new_rows
    an_extract_without_rows_keeps_appended_rows
    an_extract_without_rows_takes_nothing_away
    new_columns_and_tables_are_added
    every_type_keeps_its_edge_values
    odd_names_and_texts_survive
    nothing_is_seen_of_a_load_that_fails_before_its_commit
    nothing_is_seen_of_a_load_that_fails_in_the_middle
    a_merge_that_fails_is_done_once_by_the_next_run
    a_commit_that_nobody_heard_of_is_recognised
    state_and_schema_come_back_from_the_destination
    system_tables_tell_of_each_load
}
