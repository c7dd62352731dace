//! Cursors in SQLite, which stores dates and times as texts of many forms and as numbers.

use crate::project::{Project, sqlite};

fn project(kind: &str, incremental: &str) -> Project {
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
             credentials: sqlite:///s.db\n  tables:\n    - {{name: t, incremental: {{cursor_path: u{incremental}}}, \
             write_disposition: append}}\n"
        ),
    );
    sqlite(
        &project,
        "s.db",
        &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, u {kind}); CREATE INDEX iu ON t (u);"),
    );
    project
}

fn insert(project: &Project, first: usize, values: &[String]) {
    let rows: Vec<String> =
        values.iter().enumerate().map(|(index, value)| format!("({}, {value})", first + index)).collect();
    sqlite(project, "s.db", &format!("INSERT INTO t VALUES {}", rows.join(", ")));
}

/// The forms of a hundred moments, seven rows each, as SQL.
type Form = (&'static str, &'static str, fn(usize) -> String);

const FORMS: [Form; 12] = [
    ("datetime", "T", |k| format!("'2024-05-01T10:00:{k:02}'")),
    ("datetime", "ms and Z", |k| format!("'2024-05-01T10:00:{k:02}.{k:03}Z'")),
    ("datetime", "seconds since 1970", |k| format!("{}", 1_704_067_200 + k)),
    ("datetime", "Julian days", |k| format!("{}", 2_460_311.5 + k as f64)),
    ("datetime", "offset", |k| format!("'2024-05-01T{:02}:00:00-05:00'", 10 + k % 14)),
    ("datetime", "ms", |k| format!("'2024-05-01 10:00:00.{k:03}'")),
    ("timestamp", "minutes", |k| format!("'2024-05-01 10:{k:02}'")),
    ("timestamp", "dates", |k| format!("'2024-05-{:02}'", k + 1)),
    ("date", "dates", |k| format!("'2024-05-{:02}'", k + 1)),
    ("datetime", "seconds", |k| format!("'2024-05-01 10:00:{k:02}'")),
    ("datetime", "mixed", |k| match k % 4 {
        0 => format!("'2024-05-01T10:00:{k:02}Z'"),
        1 => format!("'2024-05-01 12:00:{k:02}+02:00'"),
        2 => format!("{}", 1_714_557_600 + k),
        _ => format!("'2024-05-01 10:00:{k:02}.0'"),
    }),
    ("numeric", "thirds", |k| format!("{k} / 3.0")),
];

#[test]
fn chunks_hold_every_row_whatever_the_form() {
    for (kind, name, form) in FORMS {
        let project = project(kind, "");
        let values: Vec<String> = (0..100).map(|row| form(row / 7)).collect();
        insert(&project, 0, &values);
        let done = project.windlass(&["backfill", "p.yaml", "--chunk", "10", "--until-done"]);
        assert_eq!(done.code, 0, "{name}: {}", done.stderr);
        assert!(done.stdout.contains("nothing is left"), "{name}: {}", done.stdout);
        let rows = project.one("SELECT count(*) || ' ' || count(DISTINCT id) FROM t");
        assert_eq!(rows, "100 100", "{name}");
        assert_eq!(
            done.stderr.contains("stored in several forms"),
            name == "mixed",
            "{name}: {}",
            done.stderr
        );
    }
}

#[test]
fn a_limit_of_the_file_goes_on_whatever_the_form() {
    for (kind, name, form) in FORMS {
        let project = project(kind, ", row_order: asc");
        let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
        project.write("p.yaml", text.replace("{name: t,", "{name: t, limit: 10,"));
        insert(&project, 0, &(0..30).map(|row| form(row / 2)).collect::<Vec<_>>());
        for _ in 0..5 {
            project.run(0);
        }
        assert_eq!(project.one("SELECT count(*) || ' ' || count(DISTINCT id) FROM t"), "30 30", "{name}");
    }
}

/// Rows of two runs, and the ids that are there afterwards.
fn two_runs(kind: &str, first: &[&str], second: &[&str], ids: &[&str]) {
    let project = project(kind, "");
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    insert(&project, 1, &owned(first));
    project.run(0);
    insert(&project, 1 + first.len(), &owned(second));
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ids, "{first:?} {second:?}");
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ids, "{first:?} {second:?}, a third run");
}

#[test]
fn later_runs_find_what_is_new_whatever_the_form() {
    for (first, second, ids) in [
        (
            &["'2024-05-01 10:00:00.250'", "'2024-05-01 10:00:00.750'"][..],
            &["'2024-05-01 10:00:00.750'", "'2024-05-01 10:00:00.751'"][..],
            &["1", "2", "3", "4"][..],
        ),
        (&["'2024-01-01 00:05'"], &["'2024-01-01 00:05'", "'2024-01-01 00:06'"], &["1", "2", "3"]),
        (&["'2024-01-01'"], &["'2024-01-01'", "'2024-01-02'"], &["1", "2", "3"]),
        (
            &["'2024-01-01T20:00:00-05:00'"],
            &["'2024-01-01T21:00:00-05:00'", "'2024-01-01T23:59:59-05:00'", "'2024-01-02T00:00:00-05:00'"],
            &["1", "2", "3", "4"],
        ),
        (&["1704067200"], &["1704067200", "1704067201", "1804067201"], &["1", "2", "3", "4"]),
        (&["2460311.5"], &["2460312.5"], &["1", "2"]),
        (
            &["'2024-01-01 00:00:00'", "1704153600"],
            &["1704253600", "'2024-01-05 00:00:00'"],
            &["1", "2", "3", "4"],
        ),
        // What came before is left out.
        (&["'2024-01-01T10:00:00'"], &["'2024-01-01 09:59:59'", "1704100000"], &["1"]),
        (&["'2024-01-01T00:00:00Z'"], &["'2023-12-31T23:30:00-01:00'"], &["1", "2"]),
    ] {
        two_runs("timestamp", first, second, ids);
    }
    // A column without a type: numbers are read as texts.
    two_runs("", &["'5'", "7"], &["'6'", "8", "'9x'"], &["1", "2", "4", "5"]);
    two_runs("date", &["'2024-01-01'"], &["'2024-01-01'", "'2024-01-02'", "'2023-12-31'"], &["1", "2", "3"]);
    two_runs("numeric", &["2 / 3.0"], &["2 / 3.0", "1", "1 / 3.0"], &["1", "2", "3"]);
}

#[test]
fn a_form_that_is_not_known_is_refused() {
    for value in ["'05/01/2024'", "'May 1'", "99999999999999", "x'00'"] {
        let project = project("timestamp", "");
        insert(&project, 1, &["'2024-01-01 10:00:00'".to_owned()]);
        project.run(0);
        insert(&project, 2, &[value.to_owned()]);
        let done = project.windlass(&["run", "p.yaml"]);
        assert_ne!(done.code, 0, "{value}");
        assert!(done.hint().contains("correct the row"), "{value}: {}", done.stderr);
    }
}

#[test]
fn texts_that_are_declared_as_timestamps_are_compared_as_such() {
    let project = project("text", "");
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", text.replace("{name: t,", "{name: t, columns: {u: {data_type: timestamp}},"));
    insert(&project, 1, &["'2024-01-01T00:00:00Z'".to_owned(), "'2023-10-29T02:30:00+02:00'".to_owned()]);
    project.run(0);
    insert(&project, 3, &["'2024-01-01T00:00:00.5Z'".to_owned(), "'2023-12-31T23:00:00Z'".to_owned()]);
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
}

#[test]
fn numbers_that_have_no_fixed_digits_are_compared_as_numbers() {
    for kind in ["numeric", "decimal", "number", "decimal(20)", "decimal(50,10)"] {
        let project = project(kind, "");
        insert(&project, 1, &["9", "10", "2"].map(str::to_owned));
        project.run(0);
        insert(&project, 4, &["11", "9.5"].map(str::to_owned));
        project.run(0);
        insert(&project, 6, &["100", "20"].map(str::to_owned));
        project.run(0);
        insert(&project, 8, &["123456".to_owned()]);
        project.run(0);
        assert_eq!(
            project.query("SELECT id FROM t ORDER BY id"),
            ["1", "2", "3", "4", "6", "7", "8"],
            "{kind}"
        );
    }
}

#[test]
fn ranges_with_an_end_have_their_rows_whatever_form_moments_are_stored_in() {
    for (kind, form, value) in FORMS.iter().filter(|(kind, ..)| *kind != "numeric") {
        let clock = if *kind == "date" { "" } else { "T00:00:00Z" };
        let ends = format!(", initial_value: \"2020-01-01{clock}\", end_value: \"2030-01-01{clock}\"");
        let project = project(kind, &ends);
        let values: Vec<String> = (0..20).map(value).collect();
        insert(&project, 1, &values);
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM t"), "20", "{kind} {form}");
    }
}

#[test]
fn moments_that_go_backwards_are_all_loaded_whatever_form_they_are_stored_in() {
    for kind in ["datetime", "date", "timestamp", "text"] {
        let project = project(kind, ", last_value_func: min");
        let hint = if kind == "text" { ", columns: {u: {data_type: timestamp}}" } else { "" };
        let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
        project.write("p.yaml", text.replace(", write_disposition", &format!("{hint}, write_disposition")));
        insert(&project, 1, &["'2024-06-01'".to_owned()]);
        project.run(0);
        insert(&project, 2, &["'2024-03-01'", "'2023-01-01'", "'2025-01-01'"].map(str::to_owned));
        project.run(0);
        assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3"], "{kind}");
    }
}

#[test]
fn a_column_with_a_collation_of_its_own_loses_no_row() {
    let project = project("text COLLATE NOCASE", "");
    insert(&project, 1, &["'Z'".to_owned()]);
    project.run(0);
    insert(&project, 2, &["'b'".to_owned(), "'a'".to_owned(), "'Y'".to_owned()]);
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
}

#[test]
fn a_cursor_of_numbers_whose_column_becomes_one_of_texts_is_refused() {
    let project = project("int", "");
    insert(&project, 1, &["9".to_owned()]);
    project.run(0);
    sqlite(
        &project,
        "s.db",
        "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, u text); INSERT INTO t VALUES (2, '10')",
    );
    let done = project.windlass(&["run", "p.yaml"]);
    assert_ne!(done.code, 0);
    done.says(&["the number 9", "texts now"], "forget the state");
}
