//! APIs whose pages would be lost in silence: all rows are loaded, or a warning says what may be missing.

use serde_json::{Value, json};

use crate::project::Project;
use crate::weather::{Answer, Asked, Server};

fn project(server: &Server, endpoint: &str) -> Project {
    let project = Project::in_memory();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: rest_api\n  client: \
             {{base_url: \"{}\"}}\n  resources: [{{name: t, endpoint: {{path: things{endpoint}}}}}]\n",
            server.url
        ),
    );
    project
}

fn number(asked: &Asked, name: &str) -> Option<usize> {
    asked.query.iter().find(|(known, _)| known == name)?.1.parse().ok()
}

fn rows(from: usize, to: usize, all: usize) -> Vec<Value> {
    (from.min(all)..to.min(all)).map(|id| json!({"id": id})).collect()
}

/// Runs, and gives the number of rows and what stderr says.
fn run(project: &Project) -> (String, String) {
    let done = project.run(0);
    (project.one("SELECT count(*) || ' ' || count(DISTINCT id) FROM t"), done.stderr)
}

/// Pages of 20 of 57 rows, the first of which has this number.
fn numbered(base: usize, heeds: bool, says: &'static str) -> Server {
    Server::new(move |asked: &Asked| {
        let page = number(asked, "page").filter(|_| heeds).unwrap_or(base).max(base) - base;
        let mut body = json!({"data": rows(page * 20, page * 20 + 20, 57), "total_pages": 3});
        if !says.is_empty() {
            body[says] = json!(page + base);
        }
        Answer::json(&body)
    })
}

#[test]
fn pages_are_guessed_from_the_number_that_the_api_counts_from() {
    for (base, says) in [(0, ""), (1, ""), (1, "page"), (1, "current_page"), (0, "page")] {
        let server = numbered(base, true, says);
        let (count, stderr) = run(&project(&server, ""));
        assert_eq!(count, "57 57", "{base} {says}: {:?}", server.lines());
        assert!(stderr.contains("the paginator is guessed: `page_number`"), "{stderr}");
    }
}

#[test]
fn a_guessed_parameter_that_is_not_heeded_is_an_error() {
    let server = numbered(1, false, "");
    let project = project(&server, "");
    let done = project.run(1);
    done.says(&["the pages are all the same", "`page`"], "set `paginator`");
}

#[test]
fn a_guessed_cursor_ends_where_the_api_says_that_there_is_no_more() {
    // The cursor of the last page leads to the last record again.
    for (more, last) in [("has_more", Some(false)), ("hasNext", Some(false)), ("has_more", None)] {
        let server = Server::new(move |asked: &Asked| {
            let from = number(asked, "cursor").unwrap_or(0);
            let is_last = from + 20 >= 57;
            let next = if is_last && last.is_none() { Value::Null } else { json!(from + 20) };
            let mut body = json!({"data": rows(from.min(56), from + 20, 57), "meta": {"next_cursor": next}});
            match (is_last, last) {
                (false, _) => body["meta"][more] = json!(true),
                (true, Some(last)) => body["meta"][more] = json!(last),
                (true, None) => {}
            }
            Answer::json(&body)
        });
        let (count, stderr) = run(&project(&server, ""));
        assert_eq!(count, "57 57", "{more}: {:?}", server.lines());
        assert!(stderr.contains(&format!("while `meta.{more}` is true")), "{stderr}");
    }
}

#[test]
fn pages_that_end_although_the_answer_says_that_there_are_more_are_told() {
    let cursor = ", paginator: {type: cursor, cursor_path: n, cursor_param: c}";
    for (endpoint, next) in [
        (cursor, json!(0)),
        (cursor, Value::Null),
        (", paginator: {type: json_link, next_url_path: n}", Value::Null),
        (", paginator: {type: page_number, base_page: 1, total_path: null}", Value::Null),
    ] {
        let server = Server::new(move |asked: &Asked| {
            let is_first = number(asked, "page").unwrap_or(1) == 1;
            let data = if is_first { rows(0, 20, 57) } else { Vec::new() };
            Answer::json(&json!({"data": data, "n": next, "has_more": true}))
        });
        let (count, stderr) = run(&project(&server, endpoint));
        assert_eq!(count, "20 20");
        assert!(stderr.contains("says that there are more (`has_more`)"), "{endpoint}: {stderr}");
    }
    // Whoever sets an end wants it.
    let server = Server::new(|_: &Asked| Answer::json(&json!({"data": rows(0, 20, 57), "has_more": true})));
    for endpoint in
        [", paginator: single_page", ", paginator: {type: page_number, total_path: null, maximum_page: 1}"]
    {
        let (_, stderr) = run(&project(&server, endpoint));
        assert!(!stderr.contains("there are more"), "{stderr}");
    }
}

#[test]
fn a_page_that_is_short_in_the_middle_is_told() {
    let server = Server::new(|asked: &Asked| {
        let from = number(asked, "offset").unwrap_or(0);
        let size = if from == 0 { 20 } else { 10 };
        Answer::json(&json!({"data": rows(from, from + size, 57)}))
    });
    let (_, stderr) = run(&project(&server, ", paginator: {type: offset, limit: 20, total_path: null}"));
    assert!(stderr.contains("it is short although another page follows"), "{stderr}");
}

#[test]
fn a_first_page_that_comes_again_is_told() {
    let server = numbered(1, true, "");
    let (_, stderr) = run(&project(&server, ", paginator: {type: page_number, total_path: total_pages}"));
    assert!(stderr.contains("the records of the first one") && stderr.contains("`base_page`"), "{stderr}");
}

#[test]
fn paths_that_lead_nowhere_in_the_first_answer_are_told_by_every_command() {
    for paginator in
        ["json_link", "{type: json_link, next_url_path: links.nxt}", "{type: cursor, cursor_path: links.nxt}"]
    {
        let server = Server::new(|_: &Asked| {
            Answer::json(&json!({"data": [{"id": 1}, {"id": 2}], "links": {"next": "/things?page=2"}}))
        });
        let project = project(&server, &format!(", data_selector: data, paginator: {paginator}"));
        for args in [&["plan", "p.yaml"][..], &["run", "p.yaml"], &["run", "p.yaml", "--json"]] {
            let done = project.windlass(args);
            assert_eq!(done.code % 5, 0, "{}", done.stderr);
            let said = if args.len() > 2 { &done.stdout } else { &done.stderr };
            assert!(
                said.contains("is not in the first answer, which has `data`, `links`"),
                "{args:?}: {said}"
            );
        }
    }
    // An end that is said is none to be told of.
    let server = Server::new(|_: &Asked| Answer::json(&json!({"data": [{"id": 1}], "next": null})));
    let (_, stderr) = run(&project(&server, ", data_selector: data, paginator: json_link"));
    assert!(!stderr.contains("is not in the first answer"), "{stderr}");
}

#[test]
fn an_offset_goes_on_by_what_the_server_gives() {
    for (total, most, options) in [
        (true, 50, "limit: 100"),
        (false, 50, "limit: 100, total_path: null"),
        (true, 1000, "limit: 100"),
        (true, 100, "limit: 100"),
        (false, 100, "limit: 100, total_path: null"),
    ] {
        let server = Server::new(move |asked: &Asked| {
            let offset = number(asked, "offset").unwrap_or(0);
            let size = if most > 100 { most } else { number(asked, "limit").unwrap_or(10).min(most) };
            let mut body = json!({"data": rows(offset, offset + size, 157)});
            if total {
                body["total"] = json!(157);
            }
            Answer::json(&body)
        });
        let (count, stderr) = run(&project(&server, &format!(", paginator: {{type: offset, {options}}}")));
        assert_eq!(count, "157 157", "{total} {most}: {:?}", server.lines());
        assert_eq!(stderr.contains("`limit` is 100"), most == 50, "{stderr}");
    }
}

#[test]
fn a_total_that_denies_what_came_is_not_heeded() {
    for (paginator, size) in [("{type: offset, limit: 20}", 20), ("{type: page_number, base_page: 1}", 20)] {
        let server = Server::new(move |asked: &Asked| {
            let from = number(asked, "offset").or_else(|| Some((number(asked, "page")? - 1) * size)).unwrap();
            Answer::json(&json!({"data": rows(from, from + size, 57), "total": 0}))
        });
        let (count, stderr) = run(&project(&server, &format!(", paginator: {paginator}")));
        assert_eq!(count, "57 57", "{paginator}: {:?}", server.lines());
        assert!(stderr.contains("says that there is nothing"), "{stderr}");
    }
}

#[test]
fn what_is_read_as_one_page_is_told() {
    let server = Server::new(|_: &Asked| Answer::json(&json!([{"id": 1}, {"id": 2}])));
    let (_, stderr) = run(&project(&server, ""));
    assert!(stderr.contains("no paginator was found in the first answer"), "{stderr}");
    let (_, stderr) = run(&project(&server, ", paginator: single_page"));
    assert!(!stderr.contains("no paginator"), "{stderr}");
}

#[test]
fn links_of_every_legal_form_lead_on() {
    for form in [
        "<LINK>; rel=\"next last\"",
        "<LINK>; REL=\"next\"",
        "<LINK>; rel=NEXT",
        "<LINK>; title=\"a, b; c\"; rel=next",
        "</x?a=1,2;b>; rel=prev, <LINK>; rel=next",
    ] {
        let server = Server::new(move |asked: &Asked| match number(asked, "page").unwrap_or(1) {
            page @ 1..3 => Answer::json(&json!([{"id": page}]))
                .with_header("link", form.replace("LINK", &format!("/things?page={}", page + 1))),
            page => Answer::json(&json!([{"id": page}])),
        });
        for paginator in ["", ", paginator: header_link"] {
            let (count, stderr) = run(&project(&server, paginator));
            assert_eq!(count, "3 3", "{form}: {stderr}");
        }
    }
}

#[test]
fn an_empty_page_although_there_are_more_is_told() {
    for (paginator, base, empty) in [
        ("{type: page_number, total_path: total_pages}", 1, 0),
        ("{type: page_number, base_page: 1, total_path: total_pages}", 1, 2),
        ("{type: page_number, base_page: 1, total_path: total_pages}", 0, 3),
        ("{type: page_number, total_path: null, has_more_path: more}", 0, 1),
    ] {
        let server = Server::new(move |asked: &Asked| {
            let page = number(asked, "page").unwrap_or(base);
            let at = page.wrapping_sub(base);
            let records = if page == empty || at > 2 { Vec::new() } else { rows(at * 20, at * 20 + 20, 57) };
            Answer::json(&json!({"data": records, "total_pages": 3, "more": true}))
        });
        let stderr =
            project(&server, &format!(", data_selector: data, paginator: {paginator}")).run(0).stderr;
        assert!(stderr.contains("a page has no records, and reading ends there"), "{paginator}: {stderr}");
    }
}

#[test]
fn pages_whose_parameter_is_not_heeded_are_told() {
    for paginator in [
        "{type: offset, limit: 20}",
        "{type: cursor, cursor_path: next}",
        "{type: json_link, next_url_path: link}",
    ] {
        let server = Server::new(|asked: &Asked| {
            let next = asked.number + 1;
            let next = if next < 4 { json!(next) } else { Value::Null };
            let link = if next.is_null() { Value::Null } else { json!(format!("/things?page={next}")) };
            Answer::json(&json!({"data": rows(0, 20, 57), "total": 57, "next": next, "link": link}))
        });
        let (_, stderr) = run(&project(&server, &format!(", data_selector: data, paginator: {paginator}")));
        assert!(stderr.contains("the server does not heed"), "{paginator}: {stderr}");
    }
}

#[test]
fn a_first_page_that_comes_again_is_known_by_its_ids() {
    let server = Server::new(|asked: &Asked| {
        let page = number(asked, "page").unwrap_or(1).max(1) - 1;
        let mut records = rows(page * 20, page * 20 + 20, 57);
        records.iter_mut().for_each(|record| record["served"] = json!(asked.number));
        Answer::json(&json!({"data": records, "total_pages": 3}))
    });
    assert_eq!(run(&project(&server, "")).0, "57 57", "{:?}", server.lines());
}

#[test]
fn headers_that_name_no_next_page_are_told() {
    for (paginator, header, is_told) in [
        ("{type: header_cursor, cursor_key: x-nextt, cursor_param: c}", ("X-Next", "1"), true),
        ("header_link", ("Link", "</things?page=2>; rel=\"nxt\""), true),
        ("{type: header_link, links_next_key: nextt}", ("Link", "</things?page=2>; rel=next"), true),
        ("header_link", ("Link", "</things>; rel=\"first last self\""), false),
    ] {
        let server = Server::new(move |_: &Asked| {
            Answer::json(&json!({"data": rows(0, 20, 57)})).with_header(header.0, header.1)
        });
        let (_, stderr) = run(&project(&server, &format!(", data_selector: data, paginator: {paginator}")));
        assert_eq!(
            stderr.contains("is not in the first answer"),
            is_told,
            "{paginator} {header:?}: {stderr}"
        );
    }
}
