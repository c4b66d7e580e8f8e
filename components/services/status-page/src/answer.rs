//! From the bytes of a request to the bytes of an answer. Pure, and whatever arrives has an answer:
//! HTTP/1.1 (RFC 9112) as far as two pages need it, one request per connection.

use httparse::{EMPTY_HEADER, Error, Request, Status};

use crate::{Facts, page};

/// The longest head of a request in bytes.
pub const MAX_HEAD: usize = 8 * 1024;
/// The most fields of a head.
const MAX_FIELDS: usize = 64;

/// What follows from the bytes that have arrived so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The head is not yet whole.
    More,
    /// This is to be sent, and the connection closed.
    Send(Vec<u8>),
}

/// The answer to what has arrived; `facts` is called when it is needed.
pub fn answer(received: &[u8], facts: impl FnOnce() -> Facts) -> Answer {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut request = Request::new(&mut fields);
    match request.parse(received) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) if received.len() < MAX_HEAD => return Answer::More,
        Ok(Status::Partial) | Err(Error::TooManyHeaders) => {
            return failure("431 Request Header Fields Too Large", true);
        }
        Err(Error::Version) => return failure("505 HTTP Version Not Supported", true),
        Err(_) => return failure("400 Bad Request", true),
    }
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => return failure("405 Method Not Allowed\r\nAllow: GET, HEAD", true),
    };
    // RFC 9112, section 3.2: without `Host`, or with two, the request is bad.
    let hosts = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("host"));
    if request.version == Some(1) && hosts.count() != 1 {
        return failure("400 Bad Request", body);
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    match path {
        "/" => send("200 OK", "text/html; charset=utf-8", &page::page(&facts()), body),
        "/status.json" => send("200 OK", "application/json", &facts().to_json(), body),
        _ => failure("404 Not Found", body),
    }
}

/// An answer of one line.
pub(crate) fn failure(status: &str, body: bool) -> Answer {
    let text = status.lines().next().unwrap_or_default();
    send(status, "text/plain; charset=utf-8", &format!("{text}\n"), body)
}

fn send(status: &str, kind: &str, text: &str, body: bool) -> Answer {
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         Connection: close\r\n\r\n"
    );
    let mut bytes = head.into_bytes();
    if body {
        bytes.extend_from_slice(text.as_bytes());
    }
    Answer::Send(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Places;
    use proptest::prelude::*;

    fn facts() -> Facts {
        let nowhere = std::path::PathBuf::from("/nonexistent");
        Facts::read(&Places {
            state: nowhere.clone(),
            network: nowhere.clone(),
            memory: nowhere.clone(),
            command_line: nowhere,
        })
    }

    fn text(received: &str) -> String {
        match answer(received.as_bytes(), facts) {
            Answer::Send(bytes) => String::from_utf8(bytes).expect("UTF-8"),
            Answer::More => panic!("`{received}` is whole"),
        }
    }

    #[test]
    fn every_request_has_its_status() {
        for (request, status) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"),
            ("GET /?a=b HTTP/1.0\r\n\r\n", "200 OK"),
            ("HEAD /status.json HTTP/1.1\r\nhost: x\r\n\r\n", "200 OK"),
            ("GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
            ("GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
            ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed\r\nAllow: GET, HEAD"),
            ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
            ("\0\0\0", "400 Bad Request"),
            (&format!("GET /{}", "a".repeat(MAX_HEAD)), "431 Request Header Fields Too Large"),
            (
                &format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65)),
                "431 Request Header Fields Too Large",
            ),
        ] {
            let answer = text(request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
        }
    }

    #[test]
    fn a_head_is_awaited_and_a_body_is_as_long_as_it_says() {
        let request = "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n";
        for length in 0..request.len() {
            assert_eq!(answer(&request.as_bytes()[..length], facts), Answer::More, "{length}");
        }
        let answer = text(request);
        let (head, body) = answer.split_once("\r\n\r\n").expect("both");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
        let value: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(value["well"], false);
        assert_eq!(value["missing"].as_array().map(Vec::len), Some(3), "{body}");
        let head_only = text(&request.replace("GET", "HEAD"));
        assert!(head_only.ends_with("\r\n\r\n") && head_only.len() == head.len() + 4);
    }

    proptest! {
        /// Whatever arrives, the answer is a whole HTTP answer, or the head is awaited, but not for
        /// more than fits.
        #[test]
        fn anything_is_answered(
            start in prop_oneof![Just(""), Just("GET / HTTP/1.1\r\nHost: x\r\n"), Just("HEAD ")],
            bytes in proptest::collection::vec(any::<u8>(), 0..MAX_HEAD + 100),
        ) {
            let received = [start.as_bytes(), &bytes].concat();
            match answer(&received, facts) {
                Answer::More => prop_assert!(received.len() < MAX_HEAD),
                Answer::Send(answer) => {
                    prop_assert!(answer.starts_with(b"HTTP/1.1 "));
                    prop_assert!(answer.windows(4).any(|end| end == b"\r\n\r\n"));
                }
            }
        }
    }
}
