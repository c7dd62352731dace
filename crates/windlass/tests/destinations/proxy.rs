//! A proxy in front of a Postgres server that breaks connections at a chosen point, once.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Where a connection is broken.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "each test that includes this file has its own breaks")]
pub(crate) enum Break {
    /// Nowhere: messages are only counted.
    Never,
    /// When the client has sent this many bytes on one connection.
    AfterBytes(usize),
    /// After the server has answered a message that contains these bytes; the answer is kept back.
    Answer(&'static [u8]),
    /// At a message of the client, counted from 0 over all connections.
    Message(usize, Side),
}

/// On which side of a message the connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each test that includes this file has its own breaks")]
pub(crate) enum Side {
    /// The server never gets it.
    Unsent,
    /// The server gets it, and nobody waits for what it says.
    Unanswered,
    /// The server has answered; the answer is kept back.
    Answered,
}

/// How a connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It ends, as if the other side had closed it.
    Fin,
    /// It is reset, as by a firewall or a host that has forgotten it.
    Reset,
}

/// A running proxy.
pub(crate) struct Proxy {
    /// The server's URL, through the proxy.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    point: Break,
    cut: Cut,
    is_spent: AtomicBool,
    count: AtomicUsize,
    messages: Mutex<Vec<String>>,
}

impl Proxy {
    /// Starts a proxy to the server of a URL.
    pub(crate) fn start(url: &str, point: Break, cut: Cut) -> Self {
        let authority = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let url = format!("{}?sslmode=disable", url.replace(&authority, &own));
        let shared = Arc::new(Shared {
            point,
            cut,
            is_spent: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            messages: Mutex::default(),
        });
        let passing = Arc::clone(&shared);
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let Ok(server) = TcpStream::connect(&authority) else { return };
                let shared = Arc::clone(&passing);
                std::thread::spawn(move || pass(&client, &server, &shared));
            }
        });
        Self { url, shared }
    }

    /// What the client has sent: the type of each message, and of statements the first word.
    #[allow(dead_code, reason = "not every test that includes this file asks")]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.shared.messages.lock().unwrap().clone()
    }

    /// Whether the connection was broken.
    #[allow(dead_code, reason = "not every test that includes this file asks")]
    pub(crate) fn is_spent(&self) -> bool {
        self.shared.is_spent.load(Ordering::SeqCst)
    }
}

/// What is to become of a connection.
#[derive(Default)]
struct Fate {
    is_broken: AtomicBool,
    keeps_answer: AtomicBool,
}

/// Ends both connections of a client: by a reset where one is due, which leaves out all farewells.
fn end(sides: [&TcpStream; 2], fate: &Fate, cut: Cut) {
    let resets = cut == Cut::Reset && fate.is_broken.load(Ordering::SeqCst);
    for side in sides {
        if resets {
            socket2::SockRef::from(side).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        }
        // Who reads from it wakes up; a reset goes out when the last of them lets go.
        drop(side.shutdown(if resets { Shutdown::Read } else { Shutdown::Both }));
    }
}

/// Passes a connection on until it ends or is broken.
fn pass(client: &TcpStream, server: &TcpStream, shared: &Arc<Shared>) {
    drop(client.set_nodelay(true));
    drop(server.set_nodelay(true));
    let fate = Arc::new(Fate::default());
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let (known, cut) = (Arc::clone(&fate), shared.cut);
    let answers = std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from_server.read(&mut bytes) {
            if known.keeps_answer.load(Ordering::SeqCst) || to_client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        end([&to_client, &from_server], &known, cut);
    });
    questions(client, server, shared, &fate);
    if !fate.keeps_answer.load(Ordering::SeqCst) {
        end([client, server], &fate, cut);
    }
    drop(answers.join());
}

/// Passes the messages of a client on, one by one.
fn questions(mut client: &TcpStream, mut server: &TcpStream, shared: &Shared, fate: &Fate) {
    let (mut sent, mut is_first) = (0, true);
    while let Some(message) = read_message(&mut client, is_first) {
        let label = label(&message, is_first);
        is_first = false;
        sent += message.len();
        let number = shared.count.fetch_add(1, Ordering::SeqCst);
        shared.messages.lock().unwrap().push(label);
        let side = match shared.point {
            Break::AfterBytes(limit) if sent > limit => Some(Side::Unsent),
            Break::Answer(text) if message.windows(text.len()).any(|window| window == text) => {
                Some(Side::Answered)
            }
            Break::Message(at, side) if at == number => Some(side),
            _ => None,
        };
        let side = side.filter(|_| !shared.is_spent.swap(true, Ordering::SeqCst));
        if side.is_some() {
            fate.is_broken.store(true, Ordering::SeqCst);
        }
        match side {
            Some(Side::Unsent) => return,
            Some(Side::Answered) => fate.keeps_answer.store(true, Ordering::SeqCst),
            Some(Side::Unanswered) | None => {}
        }
        if server.write_all(&message).is_err() || side == Some(Side::Unanswered) {
            return;
        }
    }
}

/// The next message; the first of a connection has no type.
fn read_message(client: &mut &TcpStream, is_first: bool) -> Option<Vec<u8>> {
    let start = usize::from(!is_first);
    let mut message = vec![0; start + 4];
    client.read_exact(&mut message).ok()?;
    let length = u32::from_be_bytes(message[start..].try_into().ok()?) as usize;
    message.resize(start + length, 0);
    client.read_exact(&mut message[start + 4..]).ok()?;
    Some(message)
}

fn label(message: &[u8], is_first: bool) -> String {
    if is_first {
        return "startup".to_owned();
    }
    let kind = char::from(message[0]);
    let text = String::from_utf8_lossy(&message[5..]);
    match kind {
        'Q' => format!("Q {}", text.split([' ', '\0']).next().unwrap_or_default()),
        kind => kind.to_string(),
    }
}
