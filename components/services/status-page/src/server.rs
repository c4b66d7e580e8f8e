//! Connections: a bounded number, each for a bounded time.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use tarsia_process::{Exit, ready, say, uptime, wait_readable};

use crate::answer::{Answer, MAX_HEAD, answer, failure};
use crate::seats::{Guest, Seats};
use crate::{Facts, Places};

/// The longest time for a request and its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The stack of the thread that serves a connection.
const STACK: usize = 128 * 1024;

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
    let seats: &'static Seats = Box::leak(Box::default());
    loop {
        wait_readable(listener.as_fd(), None)?;
        match listener.accept() {
            Ok((stream, _)) => admit(stream, seats, places),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The connection was given up, or descriptors are short; either passes.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Serves a connection in a thread of its own, or turns it away. A connection that fails is its
/// client's affair.
fn admit(stream: TcpStream, seats: &'static Seats, places: &'static Places) {
    let seat = match seats.take(stream) {
        Ok(seat) => seat,
        Err(stream) => return turn_away(&stream),
    };
    let serve = move || {
        let _ = connection(&seat.guest, places);
    };
    // Without a thread the stream is dropped, which closes it.
    let _ = std::thread::Builder::new().stack_size(STACK).spawn(serve);
}

/// Sends what fits without waiting.
fn turn_away(mut stream: &TcpStream) {
    if let Answer::Send(bytes) = failure("503 Service Unavailable\r\nRetry-After: 5", true) {
        let _ = stream.set_nonblocking(true).and_then(|()| stream.write(&bytes));
    }
    part(stream);
}

/// Ends a connection after its answer. What its client sent and nobody read would have the kernel reset it,
/// by which the client may lose the answer (RFC 9112, section 9.6).
fn part(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_nonblocking(true);
    let mut bytes = [0; 1024];
    // Bounded, as it may send without end.
    for _ in 0..64 {
        if !matches!(stream.read(&mut bytes), Ok(1..)) {
            return;
        }
    }
}

fn connection(guest: &Guest, places: &Places) -> io::Result<()> {
    let mut stream = &guest.stream;
    let until = uptime() + PATIENCE;
    stream.set_nonblocking(false)?;
    let mut received = Vec::with_capacity(1024);
    let bytes = loop {
        let facts = || {
            guest.asked();
            Facts::read(places)
        };
        match answer(&received, facts) {
            Answer::Send(bytes) => break bytes,
            Answer::More => {}
        }
        let mut part = [0; 1024];
        stream.set_read_timeout(Some(left(until)?))?;
        let room = (MAX_HEAD - received.len()).min(part.len());
        match stream.read(&mut part[..room])? {
            0 if guest.gave_way() => {
                turn_away(stream);
                return Ok(());
            }
            0 => return Ok(()),
            length => received.extend_from_slice(&part[..length]),
        }
    };
    guest.asked();
    // One time limit for all of it: the socket's own is per write.
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        let length = stream.write(rest)?;
        rest = &rest[length..];
    }
    part(stream);
    Ok(())
}

/// The time that is left; never zero, which would mean none at all.
fn left(until: Duration) -> io::Result<Duration> {
    let left = until.saturating_sub(uptime());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seats::MAX_CONNECTIONS;

    fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(request).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[test]
    fn those_that_say_nothing_give_way() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("known");
        std::thread::spawn(move || serve(&listener, Places::default()).map(|never| match never {}));
        let start = uptime();
        let mut silent: Vec<_> =
            (0..MAX_CONNECTIONS).map(|_| TcpStream::connect(address).expect("connected")).collect();
        // It has begun to ask, and does not go on.
        silent[0].write_all(b"GET / HTTP/1.1\r\n").expect("sent");
        let answer = ask(address, b"GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\"total_kib\":"), "{answer}");
        let mut first = String::new();
        silent.remove(0).read_to_string(&mut first).expect("answered, not reset");
        assert!(first.starts_with("HTTP/1.1 503 "), "{first}");
        assert!(uptime() - start < PATIENCE, "at once");
        for mut stream in silent {
            assert_eq!(stream.read(&mut [0; 1]).ok(), Some(0), "closed");
        }
        let took = uptime() - start;
        assert!(took > PATIENCE / 2 && took < PATIENCE * 3, "the others had their time: {took:?}");
    }

    #[test]
    fn one_that_is_turned_away_gets_its_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("known")).expect("there");
        client.write_all(&[b'x'; 10_000]).expect("sent");
        let (stream, _) = listener.accept().expect("accepted");
        turn_away(&stream);
        let left = (&stream).read(&mut [0; 1]).map_err(|error| error.kind());
        assert_eq!(left, Err(io::ErrorKind::WouldBlock), "what was sent is read");
        drop(stream);
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("answered, not reset");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
}
