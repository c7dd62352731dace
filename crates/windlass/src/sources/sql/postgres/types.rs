//! The types of a server in the terms of the source.

use tokio_postgres::types::{Kind, Type};

use super::super::catalog::ColumnShape;
use super::super::sql_type::SqlType;

/// What is known of a column's type.
#[derive(Clone, Debug)]
pub(super) struct TypeFacts<'a> {
    /// Its number, or that of the type below a domain.
    pub(super) oid: u32,
    /// `b`ase, `c`omposite, `d`omain, `e`num, `r`ange, `m`ultirange, `p`seudo.
    pub(super) kind: char,
    /// Name of the type, for extensions whose numbers differ.
    pub(super) name: &'a str,
    /// Whether it is an array.
    pub(super) is_array: bool,
    /// Digits and lengths; -1 without.
    pub(super) modifier: i32,
}

/// The type in the source's terms. What has no type there is read as the server's text.
pub(super) fn sql_type(facts: &TypeFacts<'_>) -> SqlType {
    let modifier = (facts.modifier >= 0).then_some(facts.modifier);
    let digits = modifier.and_then(|digits| u8::try_from(digits).ok()).unwrap_or(6);
    // The modifier of texts counts its own four bytes.
    let length = modifier.and_then(|length| u32::try_from(length - 4).ok());
    if facts.is_array {
        return SqlType::Array;
    }
    match facts.oid {
        16 => SqlType::Bool,
        17 => SqlType::Binary { length: None },
        18 => SqlType::Text { length: Some(1) },
        19 | 25 => SqlType::Text { length: None },
        20 => SqlType::Int { bits: 64, is_unsigned: false },
        21 => SqlType::Int { bits: 16, is_unsigned: false },
        23 => SqlType::Int { bits: 32, is_unsigned: false },
        26 => SqlType::Int { bits: 32, is_unsigned: true },
        114 | 3802 => SqlType::Json,
        700 => SqlType::Float { bits: 32, is_decimal: false },
        701 => SqlType::Float { bits: 64, is_decimal: false },
        1042 | 1043 => SqlType::Text { length },
        1082 => SqlType::Date,
        1083 | 1266 => SqlType::Time { digits },
        1114 => SqlType::Timestamp { has_zone: false, digits },
        1184 => SqlType::Timestamp { has_zone: true, digits },
        1700 => SqlType::Decimal { digits: modifier.map(numeric_digits) },
        2950 => SqlType::Uuid,
        _ if facts.kind == 'e' => SqlType::Enum,
        _ if facts.name == "citext" => SqlType::Text { length: None },
        _ => SqlType::Other,
    }
}

/// All digits and those after the point; the scale has eleven bits and a sign since version 15.
fn numeric_digits(modifier: i32) -> (u32, i32) {
    let modifier = modifier - 4;
    let precision = u32::try_from((modifier >> 16) & 0xffff).unwrap_or(0);
    let scale = ((modifier & 0x7ff) ^ 1024) - 1024;
    (precision, scale)
}

/// The type of a query's column.
pub(super) fn of_query(column: &tokio_postgres::Column) -> SqlType {
    let mut base = column.type_().clone();
    let mut is_domain = false;
    while let Kind::Domain(inner) = base.kind() {
        base = inner.clone();
        is_domain = true;
    }
    let kind = match base.kind() {
        Kind::Enum(_) => 'e',
        Kind::Composite(_) => 'c',
        Kind::Range(_) | Kind::Multirange(_) => 'r',
        _ => 'b',
    };
    sql_type(&TypeFacts {
        oid: base.oid(),
        kind,
        name: base.name(),
        is_array: matches!(base.kind(), Kind::Array(_))
            && base != Type::OID_VECTOR
            && base != Type::INT2_VECTOR,
        modifier: if is_domain { -1 } else { column.type_modifier() },
    })
}

/// The SQL that reads a column of this type: as text where the binary form is not understood.
pub(super) fn selected(column: &ColumnShape, quoted: &str) -> String {
    match column.sql_type {
        SqlType::Array => format!("pg_catalog.array_to_json({quoted})::pg_catalog.text"),
        // A cast would write the mask of single addresses as well.
        SqlType::Other if column.declared == "inet" => {
            format!("pg_catalog.textin(pg_catalog.inet_out({quoted}))")
        }
        SqlType::Other => format!("({quoted})::pg_catalog.text"),
        _ => quoted.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sql_type::ReflectionLevel;
    use super::*;

    #[test]
    fn the_modifier_of_numeric_holds_digits_and_a_signed_scale() {
        let modifier = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        assert_eq!(numeric_digits(modifier(10, 2)), (10, 2));
        assert_eq!(numeric_digits(modifier(1000, 0)), (1000, 0));
        assert_eq!(numeric_digits(modifier(3, 5)), (3, 5));
        assert_eq!(numeric_digits(modifier(5, -3)), (5, -3));
    }

    /// Numbers, kinds and modifiers of the types that were recorded by their names in SQLAlchemy.
    const RECORDED: [(&str, u32, char, &str, bool, i32); 30] = [
        ("JSONB(astext_type=Text())", 3802, 'b', "jsonb", false, -1),
        ("JSON(astext_type=Text())", 114, 'b', "json", false, -1),
        ("UUID()", 2950, 'b', "uuid", false, -1),
        ("ARRAY(Text())", 1009, 'b', "_text", true, -1),
        ("BYTEA()", 17, 'b', "bytea", false, -1),
        ("INET()", 869, 'b', "inet", false, -1),
        ("CIDR()", 650, 'b', "cidr", false, -1),
        ("MACADDR()", 829, 'b', "macaddr", false, -1),
        ("MONEY()", 790, 'b', "money", false, -1),
        ("TSVECTOR()", 3614, 'b', "tsvector", false, -1),
        ("HSTORE(text_type=Text())", 16_400, 'b', "hstore", false, -1),
        ("INTERVAL()", 1186, 'b', "interval", false, -1),
        ("BIT(length=3)", 1560, 'b', "bit", false, 3),
        ("DOUBLE_PRECISION()", 701, 'b', "float8", false, -1),
        ("DOUBLE_PRECISION(precision=53)", 701, 'b', "float8", false, -1),
        ("REAL()", 700, 'b', "float4", false, -1),
        ("NUMERIC()", 1700, 'b', "numeric", false, -1),
        ("NUMERIC(precision=12, scale=3)", 1700, 'b', "numeric", false, (12 << 16) + 3 + 4),
        ("TIMESTAMP(precision=3)", 1114, 'b', "timestamp", false, 3),
        ("TIMESTAMP(timezone=True)", 1184, 'b', "timestamptz", false, -1),
        ("TIME(timezone=True)", 1266, 'b', "timetz", false, -1),
        ("INT4RANGE()", 3904, 'r', "int4range", false, -1),
        ("TSRANGE()", 3908, 'r', "tsrange", false, -1),
        ("CITEXT()", 16_401, 'b', "citext", false, -1),
        ("REGCLASS()", 2205, 'b', "regclass", false, -1),
        // An enum has no length here: the longest label says nothing about values to come.
        ("ENUM('a', 'b', name='e')", 16_402, 'e', "e", false, -1),
        // Not of the reference's list: what its families are in this database.
        ("Integer()", 23, 'b', "int4", false, -1),
        ("BigInteger()", 20, 'b', "int8", false, -1),
        ("SmallInteger()", 21, 'b', "int2", false, -1),
        ("String(length=10)", 1043, 'b', "varchar", false, 14),
    ];

    #[test]
    fn hints_are_those_of_the_reference() {
        use serde_json::{Value, json};

        let recorded: Value = serde_json::from_str(include_str!("../testdata/postgres_types.json")).unwrap();
        let levels =
            [("full", ReflectionLevel::Full), ("full_with_precision", ReflectionLevel::FullWithPrecision)];
        let mut seen = 0;
        for row in recorded["rows"].as_array().unwrap() {
            let name = row["type"].as_str().unwrap();
            let Some((_, oid, kind, type_name, is_array, modifier)) =
                RECORDED.into_iter().find(|(known, ..)| *known == name)
            else {
                // Numbers of objects and domains get a type here where the reference waits for the values.
                assert!(name == "OID()" || name.starts_with("DOMAIN"), "{name}");
                continue;
            };
            let facts = TypeFacts { oid, kind, name: type_name, is_array, modifier };
            for (key, level) in levels {
                let mut expected = row[key].clone();
                if kind == 'e' {
                    expected = json!({"data_type": "text"});
                }
                assert_eq!(Value::Object(sql_type(&facts).hints(level)), expected, "{name} {key}");
            }
            seen += 1;
        }
        assert!(seen >= 26, "{seen}");
    }
}
