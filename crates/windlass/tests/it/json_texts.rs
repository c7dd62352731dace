//! What JSON is: a table of texts, each as a document, as an element of a list, as a line and under `records`. What is
//! valid is loaded as it is, what is not is refused with its place, and the rest is one of both.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use windlass::core::json::Select;
use windlass::core::normalize::batch_lines;
use windlass::core::value::{Scalar, decode_tagged, strip_tag};
use windlass::destinations::Memory;
use windlass::pipeline::{Pipeline, RunOptions};
use windlass::source::{Resource, Source};
use windlass::sources::{FileResource, FileSource, InputFormat};

/// Texts that are JSON.
#[rustfmt::skip]
const VALID: &[&str] = &[
    "0", "-0", "1", "-1", "10", "123456789", "9223372036854775807", "-9223372036854775808", "0.5", "-0.5", "1.25",
    "0e0", "0E+1", "1e2", "1E2", "1e+2", "1e-2", "1.5e3", "-1.5E-3", "0.0", "-0.0", "5e-324",
    "1.7976931348623157e308", "123.456e-7", "0.1", "100.0", "1e00", "2.0e01", "true", "false", "null", "\"\"",
    "\"a\"", "\" \"", "\"true\"", "\"0\"", "\"-\"", "\"a b\"", "\"[\"", "\"{\"", "\"]\"", "\"}\"", "\",\"", "\":\"",
    "\"[]\"", "\"{}\"", "\"//\"", "\"/*\"", "\"#\"", "\"'\"", "\"NaN\"", r#""\"""#, r#""\\""#, r#""\/""#, r#""\b""#,
    r#""\f""#, r#""\n""#, r#""\r""#, r#""\t""#, r#""\u0041""#, r#""\u00e9""#, r#""\u20AC""#, r#""\ud83d\ude00""#,
    r#""\uD834\uDd1e""#, r#""\u0022""#, r#""\u005C""#, r#""\u0008""#, r#""\u001f""#, r#""\u007f""#, r#""\ufeff""#,
    r#""\uffff""#, r#""\ufdd0""#, r#""\udbff\udfff""#, r#""\\u0041""#, r#""\\\"x""#, r#""a\\""#, r#""\\n""#,
    r#""\u2028""#, r#""\u0060\u012a\u12AB""#, "\"é\"", "\"€\"", "\"香\"", "\"🧡 love\"", "\"\u{7f}\"", "\"\u{2028}\"",
    "\"\u{2029}\"", "\"\u{feff}\"", "\"\u{ffff}\"", "\"\u{10ffff}\"", "\"a\u{301}\"", "\"\u{202e}x\"",
    "\"\u{e000}\"", "\"日本語テキスト\"", "[]", "[[]]", "[ ]", "[1]", "[1,2]", "[1 , 2]", "[\n1\n,\n2\n]", "[\t1\t]",
    "[\r\n1]", "[null]", "[true,false]", "[\"a\",1,null,{}]", "[[1],[2,[3]]]", "[{}]", "[{\"a\":1},{\"a\":2}]",
    "[0.1,1e1]", "[\"\"]", "[\"]\"]", "[\"\\\"\"]", "[[[[[[[[[[]]]]]]]]]]", "[1,\"2\",3.5,[],{\"x\":[]}]",
    "[\"\\\\\",\"\\\\\"]", "{}", "{ }", "{\"a\":1}", "{ \"a\" : 1 }", "{\n\"a\"\n:\n1\n}", "{\"a\":1,\"b\":2}",
    "{\"a\":{\"b\":{\"c\":{}}}}", "{\"a\":[]}", "{\"a\":null}", "{\"a b\":1}", "{\"a\\u0062\":1}", "{\"é\":1}",
    "{\"}\":\"{\"}", "{\"a\":\"b,c\"}", "{\"a\":\"}\",\"b\":\"]\"}", "{\"x\":[{\"id\":\"00000000\"}],\"id\":\"0\"}",
    "{\"title\":\"\\u041f\\u043e\"}", "{\"min\":-1.0e+28,\"max\":1.0e+28}", "{\"a\":[1,{\"b\":[2]}]}",
    "{\"1\":1,\"2\":2}", "{\"a\":1,\"b\":[true,{\"c\":null}],\"d\":\"e\"}",
];

/// Texts that are not.
#[rustfmt::skip]
const INVALID: &[&str] = &[
    "+1", "-", "--1", "-a", "- 1", "01", "-01", "00", "-00", "012", "1.", "-1.", ".5", "-.5", "1.e1", "1e", "1e+",
    "1E-", "1ee2", "1e1.5", "1.2.3", "1+1", "1-1", "0x1", "0x", "0b1", "1_000", "1,000", "1a", "1.a", "1e1a",
    "0.e1", "0e", "0e+", "9.e+", "2.e3", "2.e-3", "１", "+Infinity", "+NaN", "Inf", "-Inf", "-nan", "nan",
    "infinity", "Infinit", "NaNs", "-NaN", "1 000", "$1", "1%", "tru", "truee", "True", "TRUE", "fals", "False",
    "nul", "nulll", "Null", "None", "nil", "undefined", "yes", "t", "f", "n", "a", "abc", "*", "&", "@", "\\",
    "\\u0041", "/", "//", "<null>", "^", "`a`", "~", "\"", "\"a", "a\"", "'a'", "\"a'", "\"\\\"", "\"\\",
    "\"\\\\\\\"", "\"\\a\"", "\"\\x41\"", "\"\\0\"", "\"\\ \"", "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"",
    "\"\\u123g\"", "\"\\u 123\"", "\"\\uzzzz\"", "\"\\u00A\"", "\"\\U0041\"", "\"\\'\"", "\"\\🌀\"", "\"\\é\"",
    "\"\\\n\"", "\"a\nb\"", "\"a\rb\"", "\"a\tb\"", "\"\u{1}\"", "\"\u{1f}\"", "\"\u{8}\"", "\"\u{b}\"",
    "\"\u{0}\"", "\"a\"\"b\"", "\"a\" \"b\"", "\"a\"b", "\"a\"1", "“a”", "\"\\ud800\"", "\"\\udc00\"",
    "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\\udfff\\ud800\"", "\"\\ud800a\"", "\"\\ud800\\n\"",
    "\"\\ud83d\\u\"", "\"\\ud83d\\ude0\"", "[", "]", "[1", "1]", "[1,", "[,", "[,1]", "[1,]", "[1,,2]", "[,,]",
    "[1,,]", "[1 2]", "[1;2]", "[1:2]", "[1}", "{1]", "[[1]", "[1]]", "[][]", "[] []", "[1][", "[\"a\"", "[\"a]",
    "[\"a\",\n4\n,1,", "[a]", "[1,a]", "[\u{b}1]", "[\u{c}]", "[\u{a0}1]", "[\u{feff}]", "[\u{2060}]",
    "[1\u{2028}]", "[\u{0}]", "[--1]", "[*]", "[1,\n1\n,1", "[{}", "[{]", "[{\"a\":1]", "[\"a\"x]", "[3[4]]",
    "[1{}]", "[{}{}]", "[\"x\"[]]", "[\"\": 1]", "['a']", "[NULL]", "[(1)]", "[1]x", "[1] 2", "[1],", "[...]",
    "[1,...]", "{", "}", "{]", "{}}", "{{}}", "{}{}", "{} 1", "{},", "{a:1}", "{1:1}", "{null:1}", "{'a':1}",
    "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{,\"a\":1}", "{\"a\":1,,\"b\":2}",
    "{\"a\",1}", "{\"a\"=1}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}", "{\"a\":\"b\"c}",
    "{\"a\":1}}", "{\"a\":1]", "{\"a\":[1}", "{[]:1}", "{{}:1}", "{\"a\":a}", "{\"a\":tru}", "{\"a", "{\"a\":\"b",
    "{\"a\":1}#", "{\"a\":1}//", "{\"a\":1}/**/", "/**/{}", "{/**/}", "{\"a\"/**/:1}", "{:1}", "{:}",
    "{\"a\":1,\"b\"}", "{\"a\":1,\"b\":}", "{\"a\": 1 2}", "{\"id\":0,,,,,}", "{😀}", "{\"a\":+1}", "{\"a\":.5}",
    "{\"a\":'b'}", "{\"a\":\"b\",\n\"c\"\n", "{\"a\":1}x", "{\"asd\":\"asd\"", "{\u{a0}\"a\":1}", "{\"a\"\u{0}:1}",
    "{\"\\uD800\":1}", "{\"a\\x\":1}", "{\"a\nb\":1}",
];

/// Bytes that are no text at all.
#[rustfmt::skip]
const NO_TEXT: &[&[u8]] = &[
    b"\"\xff\"", b"\"\xc3\"", b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\"", b"\"\xf4\xbf\xbf\xbf\"", b"\"\xe9\"",
    b"\"\x80\"", b"\"\xfc\x83\xbf\xbf\xbf\xbf\"", b"\"a\xf0\x9f\x98\"", b"\"\xe0\xff\"", b"[\"\xff\"]",
    b"{\"\xb9\":\"0\"}", b"\xe5", b"[\xe9]", b"1\xe5",
];

/// Texts that some parsers accept and others do not; they are never altered.
#[rustfmt::skip]
const EITHER: &[&str] = &[
    "NaN", "Infinity", "-Infinity", "[NaN]", "{\"a\":Infinity}", "1e400", "-1e400", "[1e400]", "1e-400",
    "123e-10000000", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
    "100000000000000000000", "-123123123123123123123123123123", "0.4e00669999999999999999999999999",
    "123123e100000", "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":{\"b\":2}}", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}",
    "{\"a\":[1],\"a\":[2,3]}", "{\"a\":{},\"a\":null}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "\"\\u0000\"", "{\"\":1}",
    "{\"\\u0000\":1}", "0.1000000000000000055511151231257827", "1.00000000000000000001",
    "3.141592653589793238462643383279", "\"\u{f026}1\"", "\"\u{f02f}x\"", "\"2024-01-01T00:00:00Z\"",
];

/// The forms in which a text stands in a file.
#[derive(Clone, Copy, Debug)]
enum Form {
    Document,
    Element,
    Line,
    UnderRecords,
    /// The text is the whole file.
    Bare,
    /// The text is the only element of a list, if it is one.
    BareElement,
}

const WRAPPED: [Form; 4] = [Form::Document, Form::Element, Form::Line, Form::UnderRecords];

impl Form {
    fn write(self, text: &[u8]) -> Vec<u8> {
        let (before, after) = self.around();
        [before.as_bytes(), text, after.as_bytes()].concat()
    }

    /// The same with a number beside the text.
    fn write_numbered(self, text: &[u8], number: usize) -> Vec<u8> {
        let (before, after) = self.around();
        let before = before.strip_suffix("\"v\":").unwrap();
        [format!("{before}\"n\":{number},\"v\":").as_bytes(), text, after.as_bytes()].concat()
    }

    fn around(self) -> (&'static str, &'static str) {
        match self {
            Self::Document => ("{\"v\":", "}"),
            Self::Element => ("[{\"v\":0}\n, {\"v\":", "}]"),
            Self::Line => ("{\"v\":0}\n{\"v\":", "}\n"),
            Self::UnderRecords => ("{\"a\":[1],\"items\":[{\"v\":", "}],\"b\":2}"),
            Self::Bare => ("", ""),
            Self::BareElement => ("[", "]"),
        }
    }

    fn file(self) -> &'static str {
        if matches!(self, Self::Line) { "a.jsonl" } else { "a.json" }
    }

    /// Whether the text can stand there: a line has no line breaks.
    fn takes(self, text: &[u8]) -> bool {
        !matches!(self, Self::Line) || !text.contains(&b'\n')
    }

    fn source(self, folder: &Path) -> Box<dyn Source> {
        let mut resource = Resource::new("t");
        resource.hints.max_table_nesting = Some(0);
        let records = matches!(self, Self::UnderRecords).then(|| Select::parse("items").unwrap());
        Box::new(FileSource {
            name: "s".to_owned(),
            bucket_url: folder.display().to_string(),
            resources: vec![FileResource {
                resource,
                file_glob: "*".to_owned(),
                format: InputFormat::Auto,
                records,
                csv: Default::default(),
                encoding: None,
                new_files: None,
            }],
            settings: Default::default(),
            seen: Default::default(),
        })
    }
}

fn pipeline(folder: &Path, destination: &Arc<Memory>) -> Pipeline {
    let destination: Arc<dyn windlass::destination::Destination> = Arc::clone(destination) as _;
    Pipeline::new("p", destination, folder.join("work")).unwrap().dataset("d")
}

/// Reads one text in one form; gives the rows, or the message of the error.
async fn read(form: Form, text: &[u8]) -> Result<u64, String> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join(form.file()), form.write(text)).unwrap();
    let pipeline = pipeline(folder.path(), &Arc::new(Memory::private()));
    let read = pipeline.read(&[form.source(&data)], &RunOptions::default()).await;
    read.map(|reading| reading.rows.get("t").copied().unwrap_or(0)).map_err(|error| error.to_string())
}

/// Loads texts in one form, each in a file of its own; gives `v` of each row, in the order of the texts.
async fn load(form: Form, texts: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for (number, text) in texts.iter().enumerate() {
        std::fs::write(
            data.join(format!("{number:04}{}", form.file())),
            form.write_numbered(text.as_bytes(), number),
        )
        .unwrap();
    }
    let destination = Arc::new(Memory::private());
    pipeline(folder.path(), &destination).run(&[form.source(&data)], &RunOptions::default()).await.unwrap();
    let mut values = BTreeMap::new();
    for batch in destination.table("d", "t").unwrap() {
        let lines = String::from_utf8(batch_lines(&batch).unwrap()).unwrap();
        for line in lines.lines() {
            let row: Map<String, Value> = serde_json::from_str(line).unwrap();
            // Rows before the text have no number.
            let Some(number) = row["n"].as_u64() else { continue };
            let found = row.into_iter().find(|(name, value)| name.starts_with('v') && !value.is_null());
            values.insert(number, found.map_or(Value::Null, |(_, value)| plain(value)));
        }
    }
    values.into_values().collect()
}

/// Lines of batches tell types by marks, which texts of users have not.
fn plain(value: Value) -> Value {
    match &value {
        Value::String(text) => match decode_tagged(text) {
            Scalar::Text(text) => Value::String(text.into_owned()),
            _ => strip_tag(text).map_or(value.clone(), |(_, body)| Value::String(body.to_owned())),
        },
        _ => value,
    }
}

/// What is stored as JSON or by another type is the same value.
fn is_same(found: &Value, expected: &Value) -> bool {
    let same_text = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|value| value == *expected);
    match (found, expected) {
        (Value::String(text), Value::Array(_) | Value::Object(_)) => same_text(text),
        (Value::String(text), Value::Number(_) | Value::Bool(_)) => same_text(text),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        // A text of digits is a number in a column of numbers.
        (Value::Number(_), Value::String(text)) => {
            serde_json::from_str::<Value>(text).is_ok_and(|value| value == *found)
        }
        _ => found == expected,
    }
}

#[tokio::test]
async fn valid_texts_are_loaded_as_they_are() {
    for form in WRAPPED {
        let texts: Vec<&str> = VALID.iter().copied().filter(|text| form.takes(text.as_bytes())).collect();
        let values = load(form, &texts).await;
        assert_eq!(values.len(), texts.len(), "{form:?}");
        for (text, found) in texts.iter().zip(&values) {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert!(is_same(found, &expected), "{form:?} {text}: {found} is not {expected}");
        }
    }
}

#[tokio::test]
async fn invalid_texts_are_refused_with_their_place() {
    let texts = INVALID.iter().map(|text| text.as_bytes()).chain(NO_TEXT.iter().copied());
    for text in texts {
        for form in WRAPPED.into_iter().filter(|form| form.takes(text)) {
            let written = form.write(text);
            assert!(serde_json::from_slice::<Value>(&written).is_err() || matches!(form, Form::Line));
            let error = read(form, text).await.expect_err(&String::from_utf8_lossy(&written));
            let place = format!("{}:", form.file());
            let named = error.split_once(&place).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
            assert!(named.starts_with(|c: char| c.is_ascii_digit()), "{form:?} {text:?}: {error}");
        }
    }
}

#[tokio::test]
async fn other_texts_are_loaded_or_refused() {
    for text in EITHER {
        for form in WRAPPED.into_iter().filter(|form| form.takes(text.as_bytes())) {
            if read(form, text.as_bytes()).await.is_err() {
                continue;
            }
            let values = load(form, &[*text]).await;
            assert_eq!(values.len(), 1, "{form:?} {text}");
            // What this parser cannot hold is compared by its digits.
            let expected: Value = match serde_json::from_str(text) {
                Ok(value) if !text.contains(|c: char| c.is_ascii_digit()) || text.len() < 19 => value,
                _ => continue,
            };
            assert!(is_same(&values[0], &expected), "{form:?} {text}: {} is not {expected}", values[0]);
        }
    }
}

#[tokio::test]
async fn a_file_that_is_only_the_text_is_judged_as_a_whole() {
    let texts = VALID.iter().chain(INVALID).map(|text| text.as_bytes()).chain(NO_TEXT.iter().copied());
    for text in texts {
        for form in [Form::Bare, Form::BareElement] {
            let written = form.write(text);
            let parsed: Result<Value, _> = serde_json::from_slice(&written);
            let read = read(form, text).await;
            let shown = String::from_utf8_lossy(&written).into_owned();
            match parsed {
                Ok(Value::Array(items)) => assert_eq!(read, Ok(items.len() as u64), "{shown}"),
                Ok(_) => assert_eq!(read, Ok(1), "{shown}"),
                Err(_) => assert!(read.is_err(), "{shown}"),
            }
        }
    }
}

#[tokio::test]
async fn blank_files_have_no_records() {
    for text in ["", " ", "\n", "\r\n\t\n", "\u{feff}"] {
        assert_eq!(read(Form::Bare, text.as_bytes()).await, Ok(0), "{text:?}");
    }
}
