//! An answer that is larger than what memory is to hold.

use std::io::{BufWriter, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use crate::project::Project;

const MEGABYTE: usize = 1 << 20;

/// Bytes of the answer: a gigabyte where tests may take long.
fn size() -> usize {
    if std::env::var_os("WINDLASS_PROPERTY_FACTOR").is_some() { 1024 * MEGABYTE } else { 640 * MEGABYTE }
}

/// What a run may take of memory in all, whatever the size of the answer. DuckDB has most of it.
const MOST_MEMORY: usize = 512 * MEGABYTE;

fn record(id: usize) -> String {
    format!(
        "{{\"id\": {id}, \"tags\": [\"t{}\"], \"text\": \"{}\"}}",
        id % 7,
        "windlass ".repeat(800 + id % 10)
    )
}

/// Answers everything by one document with so many records, made on the way.
fn serve(records: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (opening, closing) = ("{\"data\": {\"items\": [", "]}, \"next\": null}");
    let commas = records - 1;
    let length =
        opening.len() + (0..records).map(|id| record(id).len()).sum::<usize>() + commas + closing.len();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            let mut body = BufWriter::with_capacity(MEGABYTE, stream);
            write!(body, "HTTP/1.1 200 x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{opening}").unwrap();
            for id in 0..records {
                let comma = if id == 0 { "" } else { "," };
                write!(body, "{comma}{}", record(id)).unwrap();
            }
            body.write_all(closing.as_bytes()).unwrap();
            body.flush().unwrap();
        }
    });
    url
}

/// The most memory that a process had, in bytes.
fn peak(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().unwrap() * 1024)
}

#[test]
#[cfg(target_os = "linux")]
fn a_large_answer_streams() {
    let records = size() / record(0).len();
    let url = serve(records);
    let project = Project::new();
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: rest_api\n  \
             client: {{base_url: \"{url}\"}}\n  resources: [{{name: t, endpoint: {{path: things, data_selector: data.items}}}}]\n"
        ),
    );
    let mut run = project.command(&["run", "p.yaml"]).stdout(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = peak(run.id()).map_or(most, |peak| most.max(peak));
        match run.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(status.success());
    let all = (records * (records - 1) / 2).to_string();
    assert_eq!(
        project.query("SELECT count(*), count(DISTINCT id), sum(id)::VARCHAR FROM t"),
        [format!("{records},{records},{all}")]
    );
    assert_eq!(project.one("SELECT count(*) FROM t__tags"), records.to_string());
    assert_eq!(project.one("SELECT count(*) FROM t WHERE length(text) <> 9 * (800 + id % 10)"), "0");
    assert!(
        most > 0 && most < MOST_MEMORY,
        "{} MB for an answer of {} MB",
        most / MEGABYTE,
        size() / MEGABYTE
    );
}
