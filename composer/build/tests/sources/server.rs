//! A web server on this machine that says what a test tells it to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Answers requests until it is dropped.
pub struct Server {
    address: String,
    ended: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// `answer` gets the path and writes whatever it likes.
    pub fn new(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (ended, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(answer);
        let (over, count) = (Arc::clone(&ended), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(mut stream), answer) = (stream, Arc::clone(&answer)) else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                    let (mut first, mut line) = (String::new(), String::new());
                    let _ = reader.read_line(&mut first);
                    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                        line.clear();
                    }
                    answer(first.split(' ').nth(1).unwrap_or_default(), &mut stream);
                });
            }
        });
        Self { address, ended, asked }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// How many connections there were.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It waits for one more.
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
    }
}

/// A complete answer.
pub fn reply(stream: &mut TcpStream, status: &str, more: &str, body: &[u8]) {
    let size = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{more}Connection: close\r\n\r\n"
    );
    let _ = stream.write_all(body);
}
