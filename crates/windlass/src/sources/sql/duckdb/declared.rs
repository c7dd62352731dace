//! DuckDB's types, and how each is read exactly.

use super::super::sql_type::SqlType;

/// The type that DuckDB writes as `text`.
pub(super) fn sql_type(text: &str) -> SqlType {
    let text = text.trim();
    if text.ends_with(']') {
        return SqlType::Array;
    }
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), rest.trim_end_matches(')')),
        None => (text, ""),
    };
    let int = |bits, is_unsigned| SqlType::Int { bits, is_unsigned };
    match name.to_uppercase().as_str() {
        "BOOLEAN" => SqlType::Bool,
        "TINYINT" => int(8, false),
        "SMALLINT" => int(16, false),
        "INTEGER" => int(32, false),
        "BIGINT" => int(64, false),
        "UTINYINT" => int(8, true),
        "USMALLINT" => int(16, true),
        "UINTEGER" => int(32, true),
        "UBIGINT" => int(64, true),
        "HUGEINT" | "UHUGEINT" => SqlType::Decimal { digits: Some((38, 0)) },
        "BIGNUM" | "VARINT" => SqlType::Decimal { digits: None },
        "FLOAT" => SqlType::Float { bits: 32, is_decimal: false },
        "DOUBLE" => SqlType::Float { bits: 64, is_decimal: false },
        "DECIMAL" => {
            let digits = arguments.split_once(',').and_then(|(precision, scale)| {
                Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
            });
            SqlType::Decimal { digits }
        }
        "VARCHAR" => SqlType::Text { length: None },
        "ENUM" => SqlType::Enum,
        "BLOB" => SqlType::Binary { length: None },
        "DATE" => SqlType::Date,
        "TIME" | "TIME_NS" | "TIME WITH TIME ZONE" => SqlType::Time { digits: 6 },
        "TIMESTAMP" | "TIMESTAMP_NS" => SqlType::Timestamp { has_zone: false, digits: 6 },
        "TIMESTAMP_MS" => SqlType::Timestamp { has_zone: false, digits: 3 },
        "TIMESTAMP_S" => SqlType::Timestamp { has_zone: false, digits: 0 },
        "TIMESTAMP WITH TIME ZONE" => SqlType::Timestamp { has_zone: true, digits: 6 },
        "JSON" | "STRUCT" | "MAP" | "UNION" | "VARIANT" => SqlType::Json,
        "UUID" => SqlType::Uuid,
        _ => SqlType::Other,
    }
}

/// The SQL that reads a column in the layout of its type.
pub(super) fn selected(declared: &str, sql_type: SqlType, quoted: &str) -> String {
    let cast = |target: &str| format!("CAST({quoted} AS {target})");
    match (declared.trim().to_uppercase().as_str(), sql_type) {
        ("HUGEINT" | "UHUGEINT", _) => cast("DECIMAL(38, 0)"),
        ("TIME WITH TIME ZONE" | "TIME_NS", _) => cast("TIME"),
        ("TIMESTAMP_NS" | "TIMESTAMP_MS" | "TIMESTAMP_S", _) => cast("TIMESTAMP"),
        ("JSON", _)
        | (_, SqlType::Decimal { digits: None } | SqlType::Enum | SqlType::Uuid | SqlType::Other) => {
            cast("VARCHAR")
        }
        (_, SqlType::Array | SqlType::Json) => format!("CAST(to_json({quoted}) AS VARCHAR)"),
        _ => quoted.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_from_their_names() {
        let cases = [
            ("INTEGER", SqlType::Int { bits: 32, is_unsigned: false }),
            ("INTEGER[]", SqlType::Array),
            ("STRUCT(a INTEGER, b DECIMAL(3,1))[3]", SqlType::Array),
            ("STRUCT(a INTEGER[])", SqlType::Json),
            ("MAP(VARCHAR, INTEGER)", SqlType::Json),
            ("ENUM('a', 'b')", SqlType::Enum),
            ("DECIMAL(18,3)", SqlType::Decimal { digits: Some((18, 3)) }),
            ("HUGEINT", SqlType::Decimal { digits: Some((38, 0)) }),
            ("TIMESTAMP WITH TIME ZONE", SqlType::Timestamp { has_zone: true, digits: 6 }),
            ("INTERVAL", SqlType::Other),
            ("BIT", SqlType::Other),
            ("\"NULL\"", SqlType::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(sql_type(text), expected, "{text}");
        }
        assert_eq!(selected("INTEGER", sql_type("INTEGER"), "\"a\""), "\"a\"");
        assert_eq!(selected("INTEGER[]", SqlType::Array, "\"a\""), "CAST(to_json(\"a\") AS VARCHAR)");
    }
}
