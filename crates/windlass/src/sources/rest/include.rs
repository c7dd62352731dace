//! Fields of the parent's record in the records of those that depend on it.

use windlass_core::json::{ParseBuffers, write_typed};
use windlass_core::{At, Code, Error, Result};

use crate::source::Body;

/// The records with `added` before their closing brace: members as typed JSON, each behind a comma. A record that has such a
/// member already gets the new one in its place, since the last one counts.
///
/// Errors: a record that is no object, a body that is not JSON.
pub(super) fn add_members(body: &Body, added: &str, buffers: &mut ParseBuffers) -> Result<Body> {
    let not_json = |message: &str| Error::of(Code::NotJson, format!("an answer is not JSON: {message}"));
    buffers.keep_literals(true);
    let parsed = match body {
        Body::Lines(bytes) => buffers.parse_lines(bytes)?,
        Body::TypedLines(bytes) => buffers.parse_typed_lines(bytes)?,
        Body::Document(bytes, select) => {
            buffers.parse_document(bytes, select).map_err(|error| not_json(&error.message))?
        }
        _ => return Err(Error::internal("records of a REST API are JSON")),
    };
    if let Some(bad) = parsed.bad.first() {
        return Err(not_json(&bad.error.message));
    }
    let mut text = String::new();
    for row in &parsed.rows {
        if !parsed.tape.is_object(row.node) {
            return Err(Error::data("a record is no object, so that nothing of its parent can be added")
                .at(At { row: Some(u64::from(row.ordinal)), ..At::default() })
                .with_hint("leave out include_from_parent, or select objects by data_selector"));
        }
        let start = text.len();
        write_typed(&mut text, &parsed.tape, row.node);
        text.pop();
        let is_empty = text.len() == start + 1;
        text.push_str(if is_empty { added.trim_start_matches(',') } else { added });
        text.push_str("}\n");
    }
    let memory = parsed.into_memory();
    buffers.restore(memory);
    Ok(Body::TypedLines(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windlass_core::json::Select;

    use super::*;

    fn add(body: &Body) -> Result<String> {
        let Body::TypedLines(bytes) = add_members(body, ",\"_p_id\":1", &mut ParseBuffers::new())? else {
            unreachable!()
        };
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn every_record_gets_the_members() {
        let select = Arc::new(Select::parse("data").unwrap());
        let document = Body::Document(br#"{"data": [{"a": [1, {"b": null}]}, {}]}"#.to_vec(), select);
        assert_eq!(add(&document).unwrap(), "{\"a\":[1,{\"b\":null}],\"_p_id\":1}\n{\"_p_id\":1}\n");
        assert_eq!(add(&Body::Lines(b"{\"x\":\"}\"}\n".to_vec())).unwrap(), "{\"x\":\"}\",\"_p_id\":1}\n");
    }

    #[test]
    fn records_that_are_no_objects_are_refused() {
        assert!(add(&Body::Lines(b"{}\n5\n".to_vec())).unwrap_err().to_string().contains("no object"));
        assert!(add(&Body::Lines(b"{\n".to_vec())).unwrap_err().to_string().contains("not JSON"));
    }
}
