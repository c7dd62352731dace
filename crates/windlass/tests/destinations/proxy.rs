//! A proxy in front of a server that breaks connections at a chosen point.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Where a connection is broken, once.
#[derive(Clone, Debug)]
pub(crate) enum Break {
    /// When the client has sent this many bytes on one connection.
    AfterBytes(usize),
    /// After the server has answered what contains these bytes; the answer is kept back.
    Answer(&'static [u8]),
}

/// Starts a proxy to the server of a URL and gives the URL that goes through it.
pub(crate) async fn proxy(url: &str, point: Break) -> String {
    let authority = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let proxied = format!("{}?sslmode=disable", url.replace(&authority, &own));
    let is_spent = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&authority).await.unwrap();
            tokio::spawn(pass(client, server, point.clone(), Arc::clone(&is_spent)));
        }
    });
    proxied
}

async fn pass(client: TcpStream, server: TcpStream, point: Break, is_spent: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let keeps_answer = Arc::new(AtomicBool::new(false));
    let keeps = Arc::clone(&keeps_answer);
    let answers = async move {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            if keeps.load(Ordering::SeqCst) || to_client.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    let questions = async move {
        let mut bytes = vec![0; 1 << 16];
        let mut sent = 0;
        while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
            let piece = &bytes[..count];
            sent += count;
            match &point {
                Break::AfterBytes(limit) if sent > *limit && !is_spent.swap(true, Ordering::SeqCst) => return,
                Break::Answer(text)
                    if piece.windows(text.len()).any(|window| window == *text)
                        && !is_spent.swap(true, Ordering::SeqCst) =>
                {
                    keeps_answer.store(true, Ordering::SeqCst);
                }
                _ => {}
            }
            if to_server.write_all(piece).await.is_err() {
                return;
            }
        }
    };
    // Whichever ends first ends the connection on both sides.
    tokio::select! {
        () = answers => {}
        () = questions => {}
    }
}
