//! The types that columns are declared with, as SQLAlchemy reads them: by their name, else by SQLite's affinity.

use super::super::sql_type::SqlType;

/// What a declared type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    /// The type.
    Known(SqlType),
    /// Nothing is known but SQLite's rule that texts which look like numbers become some. The values decide.
    Numeric,
    /// Nothing at all. The values decide.
    Nothing,
}

const INTEGER: SqlType = SqlType::Int { bits: 64, is_unsigned: false };
const DOUBLE: SqlType = SqlType::Float { bits: 64, is_decimal: false };
const TIMESTAMP: SqlType = SqlType::Timestamp { has_zone: false, digits: 6 };

/// Reads a declared type such as `VARCHAR(20)`.
pub(super) fn declared(text: &str) -> Declared {
    let text = text.trim();
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), rest.split(')').next().unwrap_or_default()),
        None => (text, ""),
    };
    let numbers: Vec<u32> = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let length = numbers.first().copied();
    let name = name.to_uppercase();
    let known = match name.as_str() {
        "BOOL" | "BOOLEAN" => SqlType::Bool,
        "DATE" | "DATE_CHAR" => SqlType::Date,
        "DATETIME" | "DATETIME_CHAR" | "TIMESTAMP" => TIMESTAMP,
        "TIME" | "TIME_CHAR" => SqlType::Time { digits: 6 },
        "JSON" | "JSONB" => SqlType::Json,
        // SQLite keeps all digits whatever is declared, so a number of digits alone would cut fractions off.
        "NUMERIC" | "DECIMAL" => SqlType::Decimal {
            digits: match numbers.as_slice() {
                [precision, scale] => i32::try_from(*scale).ok().map(|scale| (*precision, scale)),
                _ => None,
            },
        },
        "BLOB" => SqlType::Binary { length: None },
        _ if name.contains("INT") => INTEGER,
        _ if ["CHAR", "CLOB", "TEXT"].iter().any(|part| name.contains(part)) => SqlType::Text { length },
        _ if name.contains("BLOB") => return Declared::Nothing,
        "" => return Declared::Nothing,
        _ if ["REAL", "FLOA", "DOUB"].iter().any(|part| name.contains(part)) => DOUBLE,
        _ => return Declared::Numeric,
    };
    Declared::Known(known)
}

/// Which kinds of values a column has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) integer: bool,
    pub(super) real: bool,
    pub(super) text: bool,
    pub(super) blob: bool,
}

impl Declared {
    /// Whether the values decide.
    pub(super) fn needs_values(self) -> bool {
        !matches!(self, Self::Known(_))
    }

    /// The type of a column whose values are of these kinds.
    pub(super) fn decide(self, kinds: Kinds) -> SqlType {
        match (self, kinds) {
            (Self::Known(sql_type), _) => sql_type,
            (_, Kinds { text: true, .. }) => SqlType::Text { length: None },
            (_, Kinds { blob: true, .. }) => SqlType::Binary { length: None },
            (Self::Numeric, _) => SqlType::Decimal { digits: None },
            (Self::Nothing, Kinds { real: true, .. }) => DOUBLE,
            (Self::Nothing, Kinds { integer: true, .. }) => INTEGER,
            (Self::Nothing, _) => SqlType::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_sqlalchemy_reads_them() {
        let text = |length| Declared::Known(SqlType::Text { length });
        let decimal = |digits| Declared::Known(SqlType::Decimal { digits });
        let cases = [
            ("INT", Declared::Known(INTEGER)),
            ("UNSIGNED BIG INT", Declared::Known(INTEGER)),
            ("FLOATING POINT", Declared::Known(INTEGER)),
            ("character(20)", text(Some(20))),
            ("varchar ( 10 )", text(Some(10))),
            ("CLOB", text(None)),
            ("BLOB", Declared::Known(SqlType::Binary { length: None })),
            ("LONGBLOB", Declared::Nothing),
            ("", Declared::Nothing),
            ("DOUBLE PRECISION", Declared::Known(DOUBLE)),
            ("NUMERIC", decimal(None)),
            ("DECIMAL(10,5)", decimal(Some((10, 5)))),
            ("DECIMAL(5)", decimal(None)),
            ("DateTime", Declared::Known(TIMESTAMP)),
            ("JSON", Declared::Known(SqlType::Json)),
            ("UUID", Declared::Numeric),
            ("BINARY(16)", Declared::Numeric),
        ];
        for (text, expected) in cases {
            assert_eq!(declared(text), expected, "{text}");
        }
    }

    #[test]
    fn values_decide_where_no_type_is_declared() {
        let decide = |kinds| Declared::Nothing.decide(kinds);
        let (integer, real) =
            (Kinds { integer: true, ..Kinds::default() }, Kinds { real: true, ..Kinds::default() });
        assert_eq!(decide(Kinds::default()), SqlType::Other);
        assert_eq!(decide(integer), INTEGER);
        assert_eq!(decide(Kinds { real: true, ..integer }), DOUBLE);
        assert_eq!(decide(Kinds { text: true, ..real }), SqlType::Text { length: None });
        assert_eq!(Declared::Numeric.decide(integer), SqlType::Decimal { digits: None });
        assert_eq!(
            Declared::Numeric.decide(Kinds { blob: true, ..Kinds::default() }),
            SqlType::Binary { length: None }
        );
    }
}
