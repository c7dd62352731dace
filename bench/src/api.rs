//! `api serve --pages N --records N --delay-ms N` answers requests for pages of nested records until it is ended; `api
//! fetch ADDRESS --pages N --connections N` gets all of them as fast as a client can that does nothing else, and prints
//! the seconds.
//!
//! `GET /records?page=1` gives one of N pages; `GET /part/K/records?page=1` one of the pages of part K of 8. Threads and
//! not a runtime, since `thread::sleep` keeps to 5 ms within tenths, where timers of a runtime tick in whole ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Parts that the pages can also be had in, for clients that cannot ask for several pages of one list at once.
const PARTS: usize = 8;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = options(&arguments);
    let number = |name: &str, default: usize| {
        options.get(name).map_or(Ok(default), |text| text.parse()).map_err(io::Error::other)
    };
    let pages = number("pages", 1000)?;
    match (arguments.first().map(String::as_str), arguments.get(1)) {
        (Some("serve"), _) => {
            serve(pages, number("records", 100)?, Duration::from_millis(number("delay-ms", 5)? as u64))
        }
        (Some("fetch"), Some(address)) => {
            let seconds = fetch(address, pages, number("connections", 1)?.max(1))?;
            print(&format!("{seconds}\n"))
        }
        _ => Err(io::Error::other("usage: api serve | fetch ADDRESS, with --pages N and more")),
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// What stands behind `--name`.
fn options(arguments: &[String]) -> BTreeMap<&str, &str> {
    let named = arguments.windows(2).filter_map(|pair| match pair {
        [name, value] => Some((name.strip_prefix("--")?, value.as_str())),
        _ => None,
    });
    named.collect()
}

/// The whole answers, made before the first request.
fn serve(pages: usize, records: usize, delay: Duration) -> io::Result<()> {
    let pages = Arc::new(Pages {
        whole: (1..=pages).map(|page| answer(page, pages, page, records)).collect(),
        parts: (0..PARTS)
            .map(|part| {
                let own = pages / PARTS;
                (1..=own).map(|page| answer(page, own, part * own + page, records)).collect()
            })
            .collect(),
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    print(&format!("{}\n", listener.local_addr()?))?;
    for stream in listener.incoming() {
        let (stream, pages) = (stream?, Arc::clone(&pages));
        std::thread::Builder::new().name("connection".to_owned()).spawn(move || {
            // The client went away.
            drop(answer_requests(stream, &pages, delay));
        })?;
    }
    Ok(())
}

struct Pages {
    whole: Vec<Vec<u8>>,
    parts: Vec<Vec<Vec<u8>>>,
}

impl Pages {
    /// The answer to the first line of a request.
    fn find(&self, line: &str) -> Option<&Vec<u8>> {
        let target = line.split(' ').nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap_or("1");
        let index = page.parse::<usize>().ok()?.checked_sub(1)?;
        match path.trim_start_matches('/').split_once("/records").map(|(part, _)| part) {
            Some(part) => self.parts.get(part.strip_prefix("part/")?.parse::<usize>().ok()?)?.get(index),
            None => self.whole.get(index),
        }
    }
}

fn answer_requests(stream: TcpStream, pages: &Pages, delay: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let (mut first, mut line) = (String::new(), String::new());
    loop {
        first.clear();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let asked = Instant::now();
        loop {
            line.clear();
            if reader.read_line(&mut line)? <= 2 {
                break;
            }
        }
        let none = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
        let answer = pages.find(&first).unwrap_or(&none);
        std::thread::sleep(delay.saturating_sub(asked.elapsed()));
        stream.write_all(answer)?;
    }
}

/// Head and body of a page: `page` of `pages`, with the records of page `number` of all.
fn answer(page: usize, pages: usize, number: usize, records: usize) -> Vec<u8> {
    let mut body = String::from("{\"data\":[");
    for index in 0..records {
        if index > 0 {
            body.push(',');
        }
        write_record(&mut body, (number - 1) * records + index);
    }
    // Writing to a text cannot fail.
    let _ = write!(body, "],\"page\":{page},\"pages\":{pages}}}");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// A record with two objects and two lists, one of them of objects.
fn write_record(out: &mut String, id: usize) {
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "{{\"id\":{id},\"title\":\"order number {id}\",\"created_at\":\"2026-01-{:02}T{:02}:{:02}:00Z\",\"amount\":{}.{:02},\
         \"paid\":{},\"customer\":{{\"id\":{},\"name\":\"customer {}\",\"address\":{{\"city\":\"city {}\",\"street\":\"{} Main \
         Street\",\"zip\":\"{:05}\"}}}},\"tags\":[\"t{}\",\"t{}\",\"t{}\"],\"lines\":[",
        id % 28 + 1,
        id % 24,
        id % 60,
        id % 997,
        id % 100,
        id.is_multiple_of(3),
        id % 5000,
        id % 5000,
        id % 300,
        id % 900,
        id % 99_999,
        id % 7,
        id % 11,
        id % 13
    );
    for line in 0..3 {
        let _ = write!(
            out,
            "{}{{\"sku\":\"SKU-{:06}\",\"quantity\":{},\"price\":{}.5,\"note\":null}}",
            if line == 0 { "" } else { "," },
            (id * 3 + line) % 100_000,
            line + 1,
            (id + line) % 50
        );
    }
    out.push_str("]}");
}

/// Seconds that all pages take over so many connections.
fn fetch(address: &str, pages: usize, connections: usize) -> io::Result<f64> {
    let started = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|first| {
            let address = address.to_owned();
            std::thread::spawn(move || fetch_every(&address, first + 1, connections, pages))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a connection broke"))??;
    }
    Ok(started.elapsed().as_secs_f64())
}

fn fetch_every(address: &str, first: usize, step: usize, pages: usize) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 << 10, stream.try_clone()?);
    let mut stream = stream;
    let (mut line, mut body) = (String::new(), Vec::new());
    for page in (first..=pages).step_by(step) {
        stream
            .write_all(format!("GET /records?page={page} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? <= 2 {
                break;
            }
            if let Some(text) = line.strip_prefix("Content-Length: ") {
                length = text.trim().parse().map_err(io::Error::other)?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    }
    Ok(())
}
