//! Connections: a bounded number, each for a bounded time.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};
use std::time::Duration;

use tarsia_process::{Exit, ready, say, uptime, wait_readable};

use crate::answer::{Answer, MAX_HEAD, answer, failure};
use crate::{Facts, Places};

/// Connections at a time.
const MAX_CONNECTIONS: usize = 8;
/// The longest time for a request and its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The stack of the thread that serves a connection.
const STACK: usize = 128 * 1024;

/// Connections that are being served.
static SERVED: AtomicUsize = AtomicUsize::new(0);

/// The component's features.
pub struct Config {
    /// The port; below 1024 it wants the capability `net-bind-service`.
    pub port: u32,
}

/// Answers requests on every address; ready when it listens.
pub fn run(config: &'static Config) -> Exit {
    let Ok(port) = u16::try_from(config.port) else {
        return Exit::Failed(format!("listen on port {}, which does not exist", config.port));
    };
    let listener = match TcpListener::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)) {
        Ok(listener) => listener,
        Err(error) => return Exit::failed(format!("listen on port {port}"), error),
    };
    say(format_args!("listens on port {port}"));
    ready();
    match serve(&listener, Places::default()) {
        Ok(never) => match never {},
        Err(error) => Exit::failed("accept connections", error),
    }
}

/// Answers requests that come to `listener`.
///
/// # Errors
/// The listener can no longer be waited on.
pub fn serve(listener: &TcpListener, places: Places) -> io::Result<std::convert::Infallible> {
    // A connection that was given up between poll and accept must not hold this up.
    listener.set_nonblocking(true)?;
    let places: &'static Places = Box::leak(Box::new(places));
    loop {
        wait_readable(listener.as_fd(), None)?;
        match listener.accept() {
            Ok((stream, _)) => admit(stream, places),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The connection was given up, or descriptors are short; either passes.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Serves a connection in a thread of its own, or turns it away. A connection that fails is its
/// client's affair.
fn admit(stream: TcpStream, places: &'static Places) {
    let place = Place::take();
    if place.0 >= MAX_CONNECTIONS {
        turn_away(stream);
        return;
    }
    let serve = move || {
        let _place = place;
        let _ = connection(stream, places);
    };
    // Without a thread the stream is dropped, which closes it.
    let _ = std::thread::Builder::new().stack_size(STACK).spawn(serve);
}

/// Sends what fits without waiting.
fn turn_away(mut stream: TcpStream) {
    if let Answer::Send(bytes) = failure("503 Service Unavailable\r\nRetry-After: 5", true) {
        let _ = stream.set_nonblocking(true).and_then(|()| stream.write(&bytes));
    }
}

fn connection(mut stream: TcpStream, places: &Places) -> io::Result<()> {
    let until = uptime() + PATIENCE;
    stream.set_nonblocking(false)?;
    let mut received = Vec::with_capacity(1024);
    let bytes = loop {
        match answer(&received, || Facts::read(places)) {
            Answer::Send(bytes) => break bytes,
            Answer::More => {}
        }
        let mut part = [0; 1024];
        stream.set_read_timeout(Some(left(until)?))?;
        let room = (MAX_HEAD - received.len()).min(part.len());
        match stream.read(&mut part[..room])? {
            0 => return Ok(()),
            length => received.extend_from_slice(&part[..length]),
        }
    };
    // One time limit for all of it: the socket's own is per write.
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        let length = stream.write(rest)?;
        rest = &rest[length..];
    }
    stream.shutdown(std::net::Shutdown::Write)
}

/// The time that is left; never zero, which would mean none at all.
fn left(until: Duration) -> io::Result<Duration> {
    let left = until.saturating_sub(uptime());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A place among those that are served, given back when dropped; with the number of those before.
struct Place(usize);

impl Place {
    fn take() -> Self {
        Self(SERVED.fetch_add(1, AcqRel))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        SERVED.fetch_sub(1, AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(request).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[test]
    fn it_answers_and_those_that_say_nothing_do_not_keep_others_out() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("known");
        std::thread::spawn(move || serve(&listener, Places::default()).map(|never| match never {}));
        let silent: Vec<_> =
            (0..MAX_CONNECTIONS).map(|_| TcpStream::connect(address).expect("connected")).collect();
        // The last of them is admitted before the next comes.
        let turned_away = ask(address, b"");
        assert!(turned_away.starts_with("HTTP/1.1 503 "), "{turned_away}");
        let start = uptime();
        for mut stream in silent {
            assert_eq!(stream.read(&mut [0; 1]).ok(), Some(0), "closed");
        }
        let took = uptime() - start;
        assert!(took > PATIENCE / 2 && took < PATIENCE * 3, "{took:?}");
        let answer = ask(address, b"GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "there is room again: {answer}");
        assert!(answer.contains("\"total_kib\":"), "{answer}");
    }
}
