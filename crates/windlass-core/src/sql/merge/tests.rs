//! The statements of each strategy, as text.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::hints::{ResourceHints, declare};
use crate::naming::Naming;
use crate::schema::Column;
use crate::sql::{MYSQL, POSTGRES, SQLITE};
use crate::value::DataType;

/// A table `t` with the columns of the hints and `v`; with lists, also `t__l` and `t__l__m`.
fn schema(hints: Value, has_lists: bool) -> Schema {
    let naming = Naming::default();
    let mut schema = Schema::new("s", &naming).unwrap();
    let hints: ResourceHints = serde_json::from_value(hints).unwrap();
    declare(&mut schema, hints.tables("t", "t", &naming).unwrap(), &naming, true).unwrap();
    let text = |name: &str| Column::typed(name, DataType::Text, false);
    let root = schema.table_mut("t");
    root.merge_column(&Column::typed("v", DataType::Bigint, true));
    let keys: Vec<String> = root
        .columns
        .values()
        .filter(|column| !column.is_complete())
        .map(|column| column.name.clone())
        .collect();
    for key in keys {
        let data_type = if key == "_dlt_id" { DataType::Text } else { DataType::Bigint };
        root.merge_column(&Column { data_type: Some(data_type), ..Column::new(key) });
    }
    if !root.columns.contains_key("_dlt_id") {
        root.merge_column(&text("_dlt_id").with("row_key", true));
    }
    root.set_normalizer("seen-data", Some(true.into()));
    for (name, parent) in [("t__l", "t"), ("t__l__m", "t__l")].into_iter().filter(|_| has_lists) {
        let mut table = Table::new(name)
            .with_column(text("_dlt_root_id").with("root_key", true))
            .with_column(text("_dlt_parent_id").with("parent_key", true))
            .with_column(text("_dlt_id").with("row_key", true));
        table.parent = Some(parent.to_owned());
        table.set_normalizer("seen-data", Some(true.into()));
        schema.merge_table(table, false).unwrap();
    }
    schema
}

fn statements(dialect: &dyn Dialect, hints: Value, has_lists: bool, widened: &[&str]) -> Result<Vec<String>> {
    let schema = schema(hints, has_lists);
    let names = SystemNames::new(&Naming::default()).unwrap();
    let target = MergeTarget {
        dialect,
        dataset: "ds",
        staging: "st",
        schema: &schema,
        names: &names,
        types: &TypeDefaults::default(),
        loaded_at: 1_704_164_645_678_901,
        widened: &widened.iter().map(|name| (*name).to_owned()).collect(),
        unique: &HashSet::new(),
        newest: &NewestFirst::new(),
    };
    target.statements("t")
}

fn check(hints: Value, has_lists: bool, expected: Expect) {
    expected.assert_eq(&statements(DUCKDB, hints, has_lists, &[]).unwrap().join(";\n"));
}

fn merge(strategy: &str) -> Value {
    json!({"disposition": "merge", "strategy": strategy})
}

#[test]
fn delete_insert_of_a_flat_table_is_two_statements() {
    check(
        json!({"write_disposition": "merge", "primary_key": ["a", "b"]}),
        false,
        expect![[r#"
            DELETE FROM "ds"."t" WHERE ("a", "b") IN (SELECT "a", "b" FROM "st"."t");
            INSERT INTO "ds"."t" ("v", "a", "b", "_dlt_id") SELECT "v", "a", "b", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT min(rowid) AS "_windlass_place" FROM "st"."t" GROUP BY "a", "b")"#]],
    );
}

#[test]
fn each_key_is_a_predicate_of_its_own() {
    check(
        json!({"write_disposition": "merge", "primary_key": "id", "merge_key": "day",
            "columns": {"n": {"dedup_sort": "desc", "data_type": "bigint"}, "gone": {"hard_delete": true, "data_type": "bool"}}}),
        false,
        expect![[r#"
            DELETE FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t");
            DELETE FROM "ds"."t" WHERE "day" IN (SELECT "day" FROM "st"."t");
            INSERT INTO "ds"."t" ("n", "gone", "v", "id", "day", "_dlt_id") SELECT "n", "gone", "v", "id", "day", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT "_windlass_place" FROM (SELECT rowid AS "_windlass_place", "gone", ROW_NUMBER() OVER (PARTITION BY "id" ORDER BY "n" DESC NULLS LAST, rowid) AS "_windlass_number" FROM "st"."t") AS numbered WHERE "_windlass_number" = 1 AND "gone" IS NOT TRUE)"#]],
    );
}

#[test]
fn nested_rows_follow_their_root_rows() {
    check(
        json!({"write_disposition": "merge", "primary_key": "id"}),
        true,
        expect![[r#"
            CREATE TEMPORARY TABLE temp."_windlass_roots" AS SELECT "_dlt_id" FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t");
            DELETE FROM "ds"."t__l__m" WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots");
            DELETE FROM "ds"."t__l" WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots");
            DROP TABLE temp."_windlass_roots";
            DELETE FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t");
            CREATE TEMPORARY TABLE temp."_windlass_kept" AS SELECT "_windlass_place", "_dlt_id" FROM (SELECT rowid AS "_windlass_place", "_dlt_id" FROM "st"."t" WHERE rowid IN (SELECT min(rowid) FROM "st"."t" GROUP BY "id")) AS numbered;
            INSERT INTO "ds"."t" ("v", "id", "_dlt_id") SELECT "v", "id", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT "_windlass_place" FROM temp."_windlass_kept");
            INSERT INTO "ds"."t__l" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l" AS s WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_kept");
            INSERT INTO "ds"."t__l__m" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l__m" AS s WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_kept");
            DROP TABLE temp."_windlass_kept""#]],
    );
}

#[test]
fn without_keys_rows_are_appended() {
    check(
        json!({"write_disposition": "merge"}),
        true,
        expect![[r#"
        INSERT INTO "ds"."t" ("v", "_dlt_id") SELECT "v", "_dlt_id" FROM "st"."t" AS s;
        INSERT INTO "ds"."t__l" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l" AS s;
        INSERT INTO "ds"."t__l__m" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l__m" AS s"#]],
    );
}

#[test]
fn a_scope_takes_the_place_of_the_keys() {
    let disposition = json!({"disposition": "merge", "strategy": "delete-insert",
        "destination_scope": "{table}.v > 1", "source_filter": "v < 10"});
    check(
        json!({"write_disposition": disposition, "merge_key": "v"}),
        true,
        expect![[r#"
        CREATE TEMPORARY TABLE temp."_windlass_roots" AS SELECT "_dlt_id" FROM "ds"."t" WHERE ("ds"."t".v > 1);
        DELETE FROM "ds"."t__l__m" WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots");
        DELETE FROM "ds"."t__l" WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots");
        DROP TABLE temp."_windlass_roots";
        DELETE FROM "ds"."t" WHERE ("ds"."t".v > 1);
        CREATE TEMPORARY TABLE temp."_windlass_kept" AS SELECT rowid AS "_windlass_place", "_dlt_id" FROM "st"."t" WHERE (v < 10);
        INSERT INTO "ds"."t" ("v", "_dlt_id") SELECT "v", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT "_windlass_place" FROM temp."_windlass_kept");
        INSERT INTO "ds"."t__l" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l" AS s WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_kept");
        INSERT INTO "ds"."t__l__m" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l__m" AS s WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_kept");
        DROP TABLE temp."_windlass_kept""#]],
    );
}

#[test]
fn upsert_replaces_whole_rows() {
    check(
        json!({"write_disposition": merge("upsert"), "primary_key": "id"}),
        true,
        expect![[r#"
            CREATE TEMPORARY TABLE temp."_windlass_roots" AS SELECT "_dlt_id" FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t") UNION ALL SELECT "_dlt_id" FROM "st"."t";
            DELETE FROM "ds"."t__l__m" WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots");
            DELETE FROM "ds"."t__l" WHERE "_dlt_root_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots");
            DROP TABLE temp."_windlass_roots";
            DELETE FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t");
            INSERT INTO "ds"."t" ("v", "id", "_dlt_id") SELECT "v", "id", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT max(rowid) AS "_windlass_place" FROM "st"."t" GROUP BY "id");
            INSERT INTO "ds"."t__l" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l" AS s WHERE s.rowid IN (SELECT max(rowid) FROM "st"."t__l" GROUP BY "_dlt_id");
            INSERT INTO "ds"."t__l__m" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l__m" AS s WHERE s.rowid IN (SELECT max(rowid) FROM "st"."t__l__m" GROUP BY "_dlt_id")"#]],
    );
}

#[test]
fn upsert_inserts_deletions_of_unknown_rows() {
    check(
        json!({"write_disposition": merge("upsert"), "primary_key": "id",
            "columns": {"gone": {"hard_delete": true, "data_type": "timestamp"}}}),
        false,
        expect![[r#"
            CREATE TEMPORARY TABLE temp."_windlass_kept" AS SELECT "_windlass_place" FROM (SELECT rowid AS "_windlass_place", "id", "gone" FROM "st"."t" WHERE rowid IN (SELECT max(rowid) FROM "st"."t" GROUP BY "id")) AS numbered WHERE "gone" IS NULL UNION ALL SELECT "_windlass_place" FROM (SELECT rowid AS "_windlass_place", "id", "gone" FROM "st"."t" WHERE rowid IN (SELECT max(rowid) FROM "st"."t" GROUP BY "id")) AS numbered WHERE "gone" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "ds"."t" AS d WHERE d."id" = numbered."id");
            DELETE FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t");
            INSERT INTO "ds"."t" ("gone", "v", "id", "_dlt_id") SELECT "gone", "v", "id", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT "_windlass_place" FROM temp."_windlass_kept");
            DROP TABLE temp."_windlass_kept""#]],
    );
}

#[test]
fn upsert_skips_unchanged_rows() {
    let disposition = json!({"disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": true});
    check(
        json!({"write_disposition": disposition, "primary_key": "id"}),
        false,
        expect![[r#"
            CREATE TEMPORARY TABLE temp."_windlass_kept" AS SELECT "_windlass_place" FROM (SELECT rowid AS "_windlass_place", "id" FROM "st"."t" WHERE rowid IN (SELECT max(rowid) FROM "st"."t" GROUP BY "id")) AS numbered WHERE NOT EXISTS (SELECT 1 FROM "ds"."t" AS d WHERE d."id" = numbered."id");
            UPDATE "ds"."t" AS d SET "v" = s."v", "_dlt_id" = s."_dlt_id" FROM (SELECT *, rowid AS "_windlass_place" FROM "st"."t") AS s WHERE d."id" = s."id" AND s."_windlass_place" IN (SELECT max(rowid) AS "_windlass_place" FROM "st"."t" GROUP BY "id") AND (s."v" IS DISTINCT FROM d."v");
            INSERT INTO "ds"."t" ("v", "id", "_dlt_id") SELECT "v", "id", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT "_windlass_place" FROM temp."_windlass_kept");
            DROP TABLE temp."_windlass_kept""#]],
    );
}

#[test]
fn upsert_keeps_columns_that_somebody_added() {
    let hints = json!({"write_disposition": merge("upsert"), "primary_key": "id"});
    let kept = statements(DUCKDB, hints.clone(), false, &["t"]).unwrap();
    assert!(
        kept.iter().any(|sql| sql.starts_with("UPDATE \"ds\".\"t\" AS d SET \"v\" = s.\"v\"")),
        "{kept:?}"
    );
    let replaced = statements(DUCKDB, hints, false, &["u"]).unwrap();
    assert!(!replaced.iter().any(|sql| sql.starts_with("UPDATE")), "{replaced:?}");
}

#[test]
fn insert_only_never_changes_what_is_there() {
    check(
        json!({"write_disposition": merge("insert-only"), "primary_key": "id"}),
        true,
        expect![[r#"
            INSERT INTO "ds"."t" ("v", "id", "_dlt_id") SELECT "v", "id", "_dlt_id" FROM "st"."t" AS s WHERE s.rowid IN (SELECT min(rowid) AS "_windlass_place" FROM "st"."t" GROUP BY "id") AND NOT EXISTS (SELECT 1 FROM "ds"."t" AS d WHERE d."id" = s."id");
            INSERT INTO "ds"."t__l" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l" AS s WHERE s.rowid IN (SELECT min(rowid) FROM "st"."t__l" GROUP BY "_dlt_id") AND NOT EXISTS (SELECT 1 FROM "ds"."t__l" AS d WHERE d."_dlt_id" = s."_dlt_id");
            INSERT INTO "ds"."t__l__m" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l__m" AS s WHERE s.rowid IN (SELECT min(rowid) FROM "st"."t__l__m" GROUP BY "_dlt_id") AND NOT EXISTS (SELECT 1 FROM "ds"."t__l__m" AS d WHERE d."_dlt_id" = s."_dlt_id")"#]],
    );
}

#[test]
fn cdc_deletes_what_the_load_does_not_have() {
    check(
        json!({"write_disposition": merge("cdc"), "primary_key": "id", "merge_key": "day"}),
        false,
        expect![[r#"
            DELETE FROM "ds"."t" WHERE NOT EXISTS (SELECT 1 FROM "st"."t" AS s WHERE s."id" = "ds"."t"."id") AND "day" IN (SELECT "day" FROM "st"."t");
            DELETE FROM "ds"."t" WHERE "id" IN (SELECT "id" FROM "st"."t");
            INSERT INTO "ds"."t" ("v", "id", "day", "_dlt_id") SELECT "v", "id", "day", "_dlt_id" FROM "st"."t" AS s WHERE rowid IN (SELECT max(rowid) AS "_windlass_place" FROM "st"."t" GROUP BY "id")"#]],
    );
}

#[test]
fn scd2_retires_and_inserts() {
    check(
        json!({"write_disposition": merge("scd2")}),
        true,
        expect![[r#"
        UPDATE "ds"."t" SET "_dlt_valid_to" = '2024-01-02 03:04:05.678901+00:00' WHERE "_dlt_valid_to" IS NULL AND NOT EXISTS (SELECT 1 FROM "st"."t" AS s WHERE s."_dlt_id" = "ds"."t"."_dlt_id");
        INSERT INTO "ds"."t" ("v", "_dlt_id", "_dlt_valid_from", "_dlt_valid_to") SELECT "v", "_dlt_id", '2024-01-02 03:04:05.678901+00:00', NULL FROM "st"."t" AS s WHERE NOT EXISTS (SELECT 1 FROM "ds"."t" AS d WHERE d."_dlt_id" = s."_dlt_id" AND d."_dlt_valid_to" IS NULL);
        INSERT INTO "ds"."t__l" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l" AS s WHERE NOT EXISTS (SELECT 1 FROM "ds"."t__l" AS d WHERE d."_dlt_id" = s."_dlt_id");
        INSERT INTO "ds"."t__l__m" ("_dlt_root_id", "_dlt_parent_id", "_dlt_id") SELECT "_dlt_root_id", "_dlt_parent_id", "_dlt_id" FROM "st"."t__l__m" AS s WHERE NOT EXISTS (SELECT 1 FROM "ds"."t__l__m" AS d WHERE d."_dlt_id" = s."_dlt_id")"#]],
    );
}

#[test]
fn scd2_takes_all_of_its_options() {
    let disposition = json!({"disposition": "merge", "strategy": "scd2", "validity_column_names": ["from", "until"],
        "active_record_timestamp": "9999-12-31", "boundary_timestamp": "2024-08-21T12:15:00+02:00",
        "row_version_column_name": "hash"});
    check(
        json!({"write_disposition": disposition, "merge_key": ["a", "b"]}),
        false,
        expect![[r#"
        UPDATE "ds"."t" SET "until" = '2024-08-21 10:15:00+00:00' WHERE "until" = '9999-12-31 00:00:00+00:00' AND NOT EXISTS (SELECT 1 FROM "st"."t" AS s WHERE s."hash" = "ds"."t"."hash") AND ("a", "b") IN (SELECT "a", "b" FROM "st"."t");
        INSERT INTO "ds"."t" ("v", "a", "b", "hash", "_dlt_id", "from", "until") SELECT "v", "a", "b", "hash", "_dlt_id", '2024-08-21 10:15:00+00:00', '9999-12-31 00:00:00+00:00' FROM "st"."t" AS s WHERE NOT EXISTS (SELECT 1 FROM "ds"."t" AS d WHERE d."hash" = s."hash" AND d."until" = '9999-12-31 00:00:00+00:00')"#]],
    );
}

#[test]
fn postgres_and_sqlite_differ_in_names_of_their_own_only() {
    let hints = json!({"write_disposition": merge("upsert"), "primary_key": "id",
        "columns": {"gone": {"hard_delete": true, "data_type": "bool"}}});
    let of = |dialect| statements(dialect, hints.clone(), true, &[]).unwrap().join(";\n");
    let duckdb = of(DUCKDB);
    assert_eq!(of(SQLITE), duckdb);
    assert_eq!(of(POSTGRES), duckdb.replace("rowid", "ctid").replace("temp.", "pg_temp."));
    let scd2 = json!({"write_disposition": merge("scd2")});
    let boundary = |dialect| statements(dialect, scd2.clone(), false, &[]).unwrap()[0].clone();
    assert!(boundary(POSTGRES).contains("= '2024-01-02 03:04:05.678901+00:00'"));
    assert!(boundary(SQLITE).contains("= '2024-01-02 03:04:05.678901' "));
}

#[test]
fn nested_rows_without_a_root_key_are_found_through_their_parents() {
    let mut schema = schema(json!({"write_disposition": "merge", "primary_key": "id"}), true);
    for table in ["t__l", "t__l__m"] {
        schema.table_mut(table).columns.shift_remove("_dlt_root_id");
    }
    let names = SystemNames::new(&Naming::default()).unwrap();
    let target = MergeTarget {
        dialect: DUCKDB,
        dataset: "ds",
        staging: "st",
        schema: &schema,
        names: &names,
        types: &TypeDefaults::default(),
        loaded_at: 0,
        widened: &HashSet::new(),
        unique: &HashSet::new(),
        newest: &NewestFirst::new(),
    };
    let statements = target.statements("t").unwrap();
    expect![[r#"DELETE FROM "ds"."t__l__m" WHERE "_dlt_parent_id" IN (SELECT "_dlt_id" FROM "ds"."t__l" WHERE "_dlt_parent_id" IN (SELECT "_dlt_id" FROM temp."_windlass_roots"))"#]].assert_eq(&statements[1]);
    let mut lost = schema.clone();
    lost.table_mut("t__l__m").columns.shift_remove("_dlt_parent_id");
    let target = MergeTarget { schema: &lost, ..target };
    let error = target.statements("t").unwrap_err();
    assert!(error.to_string().contains("cannot be traced to their root rows"), "{error}");
}

#[test]
fn a_key_without_values_is_refused() {
    let mut schema = schema(json!({"write_disposition": merge("upsert"), "primary_key": "id"}), false);
    schema.table_mut("t").columns["id"].data_type = None;
    let names = SystemNames::new(&Naming::default()).unwrap();
    let target = MergeTarget {
        dialect: DUCKDB,
        dataset: "ds",
        staging: "st",
        schema: &schema,
        names: &names,
        types: &TypeDefaults::default(),
        loaded_at: 0,
        widened: &HashSet::new(),
        unique: &HashSet::new(),
        newest: &NewestFirst::new(),
    };
    assert!(
        target.statements("t").unwrap_err().to_string().contains("no row has a value in the primary key")
    );
}

#[test]
fn nothing_is_chosen_where_keys_are_known_to_be_unique() {
    let schema = schema(json!({"write_disposition": "merge", "primary_key": ["a", "b"]}), false);
    let names = SystemNames::new(&Naming::default()).unwrap();
    let (nothing, unique) = (HashSet::new(), HashSet::from(["t".to_owned()]));
    let mut target = MergeTarget {
        dialect: POSTGRES,
        dataset: "ds",
        staging: "pg_temp",
        schema: &schema,
        names: &names,
        types: &TypeDefaults::default(),
        loaded_at: 0,
        widened: &nothing,
        unique: &nothing,
        newest: &NewestFirst::new(),
    };
    expect![[r#"SELECT '1' FROM "pg_temp"."t" GROUP BY "a", "b" HAVING count(*) > 1 LIMIT 1"#]]
        .assert_eq(&target.duplicate_query("t").unwrap().unwrap());
    assert!(target.statements("t").unwrap()[1].contains("GROUP BY"));
    target.unique = &unique;
    expect![[r#"INSERT INTO "ds"."t" ("v", "a", "b", "_dlt_id") SELECT "v", "a", "b", "_dlt_id" FROM "pg_temp"."t" AS s"#]]
        .assert_eq(&target.statements("t").unwrap()[1]);
}

#[test]
fn mysql_deletes_by_keys_and_names_its_places() {
    let check = |hints: Value, expected: Expect| {
        expected.assert_eq(&statements(MYSQL, hints, true, &[]).unwrap().join(";\n"));
    };
    check(
        json!({"write_disposition": "merge", "primary_key": "a"}),
        expect![[r#"
        CREATE TEMPORARY TABLE `ds`.`_windlass_roots` (KEY (`_dlt_id`(128))) ENGINE=InnoDB AS SELECT `_dlt_id` FROM `ds`.`t` WHERE `a` IN (SELECT `a` FROM `st`.`t`);
        DELETE FROM `ds`.`t__l__m` WHERE `_dlt_root_id` IN (SELECT `_dlt_id` FROM `ds`.`_windlass_roots`);
        DELETE FROM `ds`.`t__l` WHERE `_dlt_root_id` IN (SELECT `_dlt_id` FROM `ds`.`_windlass_roots`);
        DROP TEMPORARY TABLE `ds`.`_windlass_roots`;
        DELETE FROM `ds`.`t` WHERE `a` IN (SELECT `a` FROM `st`.`t`);
        CREATE TEMPORARY TABLE `ds`.`_windlass_kept` (KEY (`_windlass_place`)) ENGINE=InnoDB AS SELECT `_windlass_place`, `_dlt_id` FROM (SELECT `_windlass_row` AS `_windlass_place`, `_dlt_id` FROM `st`.`t` WHERE `_windlass_row` IN (SELECT min(`_windlass_row`) FROM `st`.`t` GROUP BY `a`)) AS numbered;
        INSERT INTO `ds`.`t` (`v`, `a`, `_dlt_id`) SELECT `v`, `a`, `_dlt_id` FROM `st`.`t` AS s WHERE `_windlass_row` IN (SELECT `_windlass_place` FROM `ds`.`_windlass_kept`);
        INSERT INTO `ds`.`t__l` (`_dlt_root_id`, `_dlt_parent_id`, `_dlt_id`) SELECT `_dlt_root_id`, `_dlt_parent_id`, `_dlt_id` FROM `st`.`t__l` AS s WHERE `_dlt_root_id` IN (SELECT `_dlt_id` FROM `ds`.`_windlass_kept`);
        INSERT INTO `ds`.`t__l__m` (`_dlt_root_id`, `_dlt_parent_id`, `_dlt_id`) SELECT `_dlt_root_id`, `_dlt_parent_id`, `_dlt_id` FROM `st`.`t__l__m` AS s WHERE `_dlt_root_id` IN (SELECT `_dlt_id` FROM `ds`.`_windlass_kept`);
        DROP TEMPORARY TABLE `ds`.`_windlass_kept`"#]],
    );
    check(
        json!({"write_disposition": {"disposition": "merge", "strategy": "upsert"}, "primary_key": "a",
               "columns": {"d": {"data_type": "bool", "hard_delete": true}}}),
        expect![[r#"
            CREATE TEMPORARY TABLE `ds`.`_windlass_roots` (KEY (`_dlt_id`(128))) ENGINE=InnoDB AS SELECT `_dlt_id` FROM `ds`.`t` WHERE `a` IN (SELECT `a` FROM `st`.`t`) UNION ALL SELECT `_dlt_id` FROM `st`.`t`;
            DELETE FROM `ds`.`t__l__m` WHERE `_dlt_root_id` IN (SELECT `_dlt_id` FROM `ds`.`_windlass_roots`);
            DELETE FROM `ds`.`t__l` WHERE `_dlt_root_id` IN (SELECT `_dlt_id` FROM `ds`.`_windlass_roots`);
            DROP TEMPORARY TABLE `ds`.`_windlass_roots`;
            CREATE TEMPORARY TABLE `ds`.`_windlass_kept` (KEY (`_windlass_place`)) ENGINE=InnoDB AS SELECT `_windlass_place` FROM (SELECT `_windlass_row` AS `_windlass_place`, `a`, `d` FROM `st`.`t` WHERE `_windlass_row` IN (SELECT max(`_windlass_row`) FROM `st`.`t` GROUP BY `a`)) AS numbered WHERE `d` IS NOT TRUE UNION ALL SELECT `_windlass_place` FROM (SELECT `_windlass_row` AS `_windlass_place`, `a`, `d` FROM `st`.`t` WHERE `_windlass_row` IN (SELECT max(`_windlass_row`) FROM `st`.`t` GROUP BY `a`)) AS numbered WHERE `d` IS TRUE AND NOT EXISTS (SELECT 1 FROM `ds`.`t` AS d WHERE d.`a` = numbered.`a`);
            DELETE FROM `ds`.`t` WHERE `a` IN (SELECT `a` FROM `st`.`t`);
            INSERT INTO `ds`.`t` (`d`, `v`, `a`, `_dlt_id`) SELECT `d`, `v`, `a`, `_dlt_id` FROM `st`.`t` AS s WHERE `_windlass_row` IN (SELECT `_windlass_place` FROM `ds`.`_windlass_kept`);
            DROP TEMPORARY TABLE `ds`.`_windlass_kept`;
            INSERT INTO `ds`.`t__l` (`_dlt_root_id`, `_dlt_parent_id`, `_dlt_id`) SELECT `_dlt_root_id`, `_dlt_parent_id`, `_dlt_id` FROM `st`.`t__l` AS s WHERE s.`_windlass_row` IN (SELECT max(`_windlass_row`) FROM `st`.`t__l` GROUP BY `_dlt_id`) AND `_dlt_root_id` IN (SELECT `_dlt_id` FROM `st`.`t` WHERE `d` IS NOT TRUE);
            INSERT INTO `ds`.`t__l__m` (`_dlt_root_id`, `_dlt_parent_id`, `_dlt_id`) SELECT `_dlt_root_id`, `_dlt_parent_id`, `_dlt_id` FROM `st`.`t__l__m` AS s WHERE s.`_windlass_row` IN (SELECT max(`_windlass_row`) FROM `st`.`t__l__m` GROUP BY `_dlt_id`) AND `_dlt_root_id` IN (SELECT `_dlt_id` FROM `st`.`t` WHERE `d` IS NOT TRUE)"#]],
    );
}
