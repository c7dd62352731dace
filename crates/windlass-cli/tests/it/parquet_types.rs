//! Parquet files of every type: each value is in its column, in a variant, or the run names it.

use crate::project::Project;

const UNSIGNED: &[u8] = include_bytes!("testdata/parquet/unsigned.parquet");
const MAP_KEYS: &[u8] = include_bytes!("testdata/parquet/map_keys.parquet");
const FOOTER: &[u8] = include_bytes!("testdata/parquet/footer_num_rows_0.parquet");
const INT96: &[u8] = include_bytes!("testdata/parquet/int96_9999.parquet");
const RANGE: &[u8] = include_bytes!("testdata/parquet/timestamp_range.parquet");
const UUID: &[u8] = include_bytes!("testdata/parquet/uuid.parquet");
const LZ4: &[u8] = include_bytes!("testdata/parquet/lz4.parquet");
const DECIMAL_60: &[u8] = include_bytes!("testdata/parquet/dec256.parquet");
const DECIMAL_50: &[u8] = include_bytes!("testdata/parquet/decimal_over_38.parquet");

const FOLDER: &str = "{type: filesystem, bucket_url: out, loader_file_format: parquet}";

fn loaded(destination: &str, files: &[&[u8]]) -> Project {
    let project = Project::with(destination, "");
    for (index, file) in files.iter().enumerate() {
        project.write(&format!("data/{index}.parquet"), file);
    }
    project.run(0);
    project
}

fn duckdb(file: &[u8]) -> Project {
    loaded("{type: duckdb, credentials: out.duckdb}", &[file])
}

/// A Parquet file that DuckDB writes.
fn written(select: &str, options: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let copy =
        format!("SET TimeZone = 'UTC'; COPY ({select}) TO '{}' (FORMAT parquet{options})", path.display());
    connection.execute_batch(&copy).unwrap();
    std::fs::read(path).unwrap()
}

fn types(project: &Project, table: &str) -> Vec<String> {
    project.query(&format!(
        "SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE table_name = '{table}' \
         AND column_name NOT LIKE '\\_dlt%' ESCAPE '\\' ORDER BY ordinal_position"
    ))
}

#[test]
fn the_upper_half_of_unsigned_integers_stays_in_its_column() {
    let project = duckdb(UNSIGNED);
    assert_eq!(types(&project, "t"), ["u8 BIGINT", "u16 BIGINT", "u32 BIGINT"]);
    assert_eq!(project.query("SELECT u8, u16, u32 FROM t ORDER BY u8"), ["1,1,1", "200,40000,3000000000"]);
}

#[test]
fn an_integer_of_64_bits_without_sign_keeps_its_upper_half() {
    let project =
        duckdb(&written("SELECT 18446744073709551615::UBIGINT AS u UNION ALL SELECT 1::UBIGINT", ""));
    assert_eq!(
        project.query("SELECT u, u__v_wei FROM t ORDER BY u NULLS LAST"),
        ["1,", ",18446744073709551615"]
    );
}

#[test]
fn files_that_differ_in_the_width_of_integers_fill_one_column() {
    let files = [written("SELECT 1::INTEGER AS v", ""), written("SELECT 5000000000::BIGINT AS v", "")];
    let project = loaded("{type: duckdb, credentials: out.duckdb}", &[&files[0], &files[1]]);
    assert_eq!(types(&project, "t"), ["v BIGINT"]);
    assert_eq!(project.query("SELECT v FROM t ORDER BY v"), ["1", "5000000000"]);
}

#[test]
fn every_entry_of_a_map_is_a_row_of_its_own() {
    let project = duckdb(MAP_KEYS);
    assert_eq!(types(&project, "t"), Vec::<String>::new());
    let entries = "SELECT k.value, v.value FROM t__t__list k JOIN t__t__list v ON k._dlt_parent_id = v._dlt_parent_id \
                   AND k._dlt_list_idx = 0 AND v._dlt_list_idx = 1 ORDER BY ALL";
    assert_eq!(project.query(entries), ["A,2", "a,1", "a,3", "b,1"]);
}

#[test]
fn maps_with_keys_of_every_type_keep_all_entries() {
    let select = "SELECT 1 AS id, MAP {1: 'x', 2: 'y'} AS by_int, MAP {DATE '2024-01-02': 1.5::DOUBLE} AS by_date, \
                  MAP {true: [1, 2], false: []} AS by_bool, MAP {{'a': 1}: 7} AS by_struct, \
                  MAP {'k': MAP {'inner': 3}} AS nested";
    let project = duckdb(&written(select, ""));
    assert_eq!(project.query("SELECT count(*) FROM t__by_int"), ["2"]);
    assert_eq!(project.query("SELECT count(*) FROM t__by_bool"), ["2"]);
    for table in ["t__by_date__list", "t__by_struct__list", "t__nested__list"] {
        assert_eq!(project.query(&format!("SELECT count(*) FROM {table}")), ["2"], "{table}");
    }
    assert_eq!(project.query("SELECT a FROM t__by_struct__list WHERE a IS NOT NULL"), ["1"]);
}

#[test]
fn a_footer_that_counts_no_rows_hides_none() {
    let project = duckdb(FOOTER);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(project.one("SELECT count(*) FROM t__phone_numbers__phone"), "5");
}

#[test]
fn old_timestamps_of_96_bits_reach_the_year_9999() {
    let project = duckdb(INT96);
    let years = "SELECT strftime(a AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') FROM t ORDER BY a NULLS LAST";
    let rows = project.query(years);
    assert!(rows.contains(&"9999-12-31 03:00:00".to_owned()), "{rows:?}");
    assert_eq!(rows.len(), 6);
    // Years that 64 bits of microseconds do not reach, either.
    assert_eq!(project.query("SELECT a__v_text FROM t WHERE a__v_text IS NOT NULL"), ["-9357363680509551"]);
}

#[test]
fn an_instant_beyond_the_years_of_four_digits_is_a_text() {
    let project = duckdb(RANGE);
    let rows = project.query("SELECT i, epoch_ms(ms), ms__v_text FROM t ORDER BY i");
    assert_eq!(rows, ["1,0,", "2,,+10000-01-01T00:00:00", "3,,9223372036854776", "4,,9223372036854775807"]);
}

#[test]
fn one_instant_is_one_value_in_every_unit() {
    for (unit, tick) in [("_ms", "253402300800000"), ("", "253402300800000000")] {
        let function = if unit == "_ms" { "make_timestamp_ms" } else { "make_timestamp" };
        let far =
            format!("SELECT {function}({tick}) AS t UNION ALL SELECT TIMESTAMP '1969-12-31 23:59:59.5'");
        let project =
            duckdb(&written(&format!("SELECT t::TIMESTAMP{} AS t FROM ({far})", unit.to_uppercase()), ""));
        let rows = project.query("SELECT epoch_ms(t), t__v_text FROM t ORDER BY t NULLS LAST");
        assert_eq!(rows, ["-500,", ",+10000-01-01T00:00:00"], "TIMESTAMP{unit}");
    }
    let nanos = written("SELECT '1969-12-31 23:59:59.999999999'::TIMESTAMP_NS AS t", "");
    assert_eq!(duckdb(&nanos).query("SELECT epoch_us(t) FROM t"), ["-1"]);
}

#[test]
fn uuids_are_texts_at_every_depth() {
    let project = duckdb(UUID);
    assert_eq!(project.one("SELECT t FROM t"), "30313233-3435-3637-3839-616263646566");
    let uuid = "'12345678-9abc-def0-1234-56789abcdef0'::UUID";
    let nested = duckdb(&written(&format!("SELECT [{uuid}] AS l, {{'u': {uuid}}} AS s"), ""));
    assert_eq!(nested.one("SELECT s__u FROM t"), "12345678-9abc-def0-1234-56789abcdef0");
    assert_eq!(nested.one("SELECT value FROM t__l"), "12345678-9abc-def0-1234-56789abcdef0");
}

#[test]
fn every_compression_is_read() {
    assert_eq!(duckdb(LZ4).query("SELECT count(*), sum(v11) FROM t"), ["4,99.525"]);
    for codec in ["snappy", "gzip", "zstd", "brotli", "lz4_raw", "uncompressed"] {
        let file = written("SELECT i FROM range(1000) r(i)", &format!(", COMPRESSION {codec}"));
        assert_eq!(duckdb(&file).one("SELECT sum(i) FROM t"), "499500", "{codec}");
    }
}

#[test]
fn decimals_with_more_digits_than_the_destination_are_kept() {
    let project = duckdb(DECIMAL_60);
    let long = "1234567890123456789012345678901234567890123456.789";
    assert_eq!(project.one("SELECT t__v_text FROM t"), long);
    project.run(0);
    let small = duckdb(DECIMAL_50);
    assert_eq!(types(&small, "t"), ["\"v DECIMAL(38,9)\""]);
    assert_eq!(small.one("SELECT v FROM t"), "1.500000000");
    let folder = loaded(FOLDER, &[DECIMAL_60]);
    assert_eq!(folder.one("SELECT count(*) FROM t"), "1");
    let sqlite = loaded("{type: sqlite, credentials: out.db}", &[DECIMAL_60]);
    assert_eq!(sqlite.one("SELECT count(*) FROM t"), "1");
    sqlite.run(0);
}

#[test]
fn every_destination_loads_every_type_twice() {
    let all = written(
        "SELECT 1::UTINYINT AS a, 2::USMALLINT AS b, 3::UINTEGER AS c, 4::UBIGINT AS d, 1.5::DECIMAL(38,37) AS e, \
         DATE '0044-03-15 (BC)' AS f, DATE '19999-10-30' AS g, TIME '23:59:59.999999' AS h, 'x'::BLOB AS i, \
         TIMESTAMPTZ '2024-01-01 00:00:00+00' AS j, 'NaN'::DOUBLE AS k, 1.5::FLOAT AS l, \
         1::HUGEINT AS m, \
         ['a', NULL] AS n, {'x': [DATE '2024-01-01']} AS o, NULL::INTEGER AS p, 'b'::ENUM('a', 'b') AS q",
        "",
    );
    for destination in [
        "{type: duckdb, credentials: out.duckdb}",
        "{type: sqlite, credentials: out.db}",
        FOLDER,
        "{type: filesystem, bucket_url: out, loader_file_format: jsonl}",
        "{type: filesystem, bucket_url: out, loader_file_format: csv}",
    ] {
        let project = loaded(destination, &[&all]);
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM t"), "2", "{destination}");
    }
}

#[test]
fn a_type_that_no_column_holds_is_named_before_anything_is_loaded() {
    let project = Project::files("");
    project.write("data/a.parquet", written("SELECT 1 AS id, INTERVAL 1 DAY AS lasts", ""));
    let done = project.windlass(&["run", "p.yaml"]);
    assert_ne!(done.code, 0);
    assert!(done.stderr.contains("lasts"), "{}", done.stderr);
    project.write("data/a.parquet", written("SELECT 1 AS id", ""));
    project.run(0);
}
