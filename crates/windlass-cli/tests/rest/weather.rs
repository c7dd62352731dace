//! A server on the loopback whose answers meet all kinds of weather on their way.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded and sorted.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Requests that arrived before.
    pub(crate) number: usize,
    /// Requests before that were the same.
    pub(crate) again: usize,
    pub(crate) at: Instant,
}

impl Asked {
    /// The request on one line.
    pub(crate) fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        // However JSON is spaced, it is the same.
        let json = serde_json::from_slice::<serde_json::Value>(&self.body).map(|body| body.to_string());
        let body = json.unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into_owned());
        format!("{} {}{query} {body}", self.method, self.path).trim_end().to_owned()
    }
}

/// What the server has to say.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status: 200, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Self { status, headers, body: body.as_bytes().to_vec() }
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn head(&self, length: usize) -> String {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("HTTP/1.1 {} x\r\ncontent-length: {length}\r\n{headers}\r\n", self.status)
    }
}

/// What becomes of an answer on its way.
#[derive(Clone, Debug)]
pub(crate) enum Weather {
    /// It arrives.
    Clear,
    /// Another one arrives.
    Instead(Answer),
    /// The connection ends in the middle of the body.
    Cut,
    /// The connection ends without an answer.
    Close,
    /// Its header says that the body is longer than it is, by so many bytes; then the connection ends.
    TooLong(usize),
    /// Its header says that the body is shorter than it is, by so many bytes, but that there is one.
    TooShort(usize),
    /// It arrives in so many pieces with a pause before each.
    Slow(usize, Duration),
    /// Nothing arrives, for so long.
    Silence(Duration),
    /// The client is stopped, and nothing of the answer arrives.
    StopBefore,
    /// Half of the answer arrives, and the client is stopped.
    StopWithin,
    /// The client is stopped when the whole answer is on its way.
    StopBehind,
}

type Answering = Box<dyn Fn(&Asked) -> Answer + Send>;
type Forecast = Box<dyn Fn(&Asked) -> Weather + Send>;

/// The server. It ends with the process of the test.
pub(crate) struct Server {
    /// Without a slash at the end.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    /// Says when the client is to be stopped.
    pub(crate) stops: Receiver<()>,
}

struct State {
    answering: Answering,
    forecast: Forecast,
    asked: Vec<Asked>,
    seen: HashMap<String, usize>,
    stop: SyncSender<()>,
}

impl Server {
    /// A server that gives these answers.
    pub(crate) fn new(answering: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stops) = sync_channel(1000);
        let state = State {
            answering: Box::new(answering),
            forecast: Box::new(|_| Weather::Clear),
            asked: Vec::new(),
            seen: HashMap::new(),
            stop,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                // A client that is killed leaves its connections in the middle of anything.
                std::thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { url, state, stops }
    }

    /// Gives other answers from now on, counts anew, and has this weather.
    pub(crate) fn set(
        &self,
        answering: impl Fn(&Asked) -> Answer + Send + 'static,
        forecast: impl Fn(&Asked) -> Weather + Send + 'static,
    ) {
        self.state.lock().unwrap().answering = Box::new(answering);
        self.expect(forecast);
    }

    /// Has this weather, and counts anew.
    pub(crate) fn expect(&self, forecast: impl Fn(&Asked) -> Weather + Send + 'static) {
        let mut state = self.state.lock().unwrap();
        state.forecast = Box::new(forecast);
        state.asked.clear();
        state.seen.clear();
        while self.stops.try_recv().is_ok() {}
    }

    /// What was asked since the weather was set.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The same as lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

/// Answers the requests of a connection; an error is its end.
fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let Some(mut asked) = read_request(&mut reader)? else { return Ok(()) };
        let (answer, weather, stop) = {
            let mut state = state.lock().unwrap();
            asked.number = state.asked.len();
            let seen = state.seen.entry(asked.line()).or_insert(0);
            asked.again = *seen;
            *seen += 1;
            let decided = ((state.answering)(&asked), (state.forecast)(&asked), state.stop.clone());
            state.asked.push(asked);
            decided
        };
        let whole = answer.head(answer.body.len()).into_bytes();
        let half = answer.body.len() / 2;
        match weather {
            Weather::Clear => stream.write_all(&[whole, answer.body].concat())?,
            Weather::Instead(other) => {
                stream.write_all(&[other.head(other.body.len()).into_bytes(), other.body].concat())?;
            }
            Weather::Cut => return stream.write_all(&[&whole, &answer.body[..half]].concat()),
            Weather::Close => return Ok(()),
            Weather::TooLong(bytes) => {
                let head = answer.head(answer.body.len() + bytes).into_bytes();
                return stream.write_all(&[head, answer.body].concat());
            }
            Weather::TooShort(bytes) => {
                let head = answer.head(answer.body.len().saturating_sub(bytes).max(1)).into_bytes();
                stream.write_all(&[head, answer.body].concat())?;
            }
            Weather::Slow(pieces, pause) => {
                let bytes = [whole, answer.body].concat();
                for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
                    std::thread::sleep(pause);
                    stream.write_all(piece)?;
                }
            }
            Weather::Silence(time) => std::thread::sleep(time),
            Weather::StopBefore => stop.send(()).unwrap(),
            Weather::StopWithin => {
                stream.write_all(&[&whole, &answer.body[..half]].concat())?;
                stop.send(()).unwrap();
            }
            Weather::StopBehind => {
                stream.write_all(&[whole, answer.body].concat())?;
                stop.send(()).unwrap();
            }
        }
    }
}

/// The next request; `None` when there are no more.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut query: Vec<_> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    query.sort();
    let path = path.to_owned();
    Ok(Some(Asked { method, path, query, headers, body, number: 0, again: 0, at: Instant::now() }))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
