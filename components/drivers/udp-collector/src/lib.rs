//! A console whose lines go to a collector in the network, a UDP datagram each: telemetry sends its
//! packs there without knowing. What the network loses is lost; that it does is said.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use embedded_io_async::{ErrorType, Write};
use tarsia_process::say;

/// The longest line in bytes: what goes through any network in one piece (RFC 1122, section 3.3.2:
/// 576 bytes, less the headers). A longer one is lost, as half a pack is none.
const LINE: usize = 548;

/// The component's features.
pub struct Config {
    /// Address and port of the collector, such as `192.0.2.1:5514`.
    pub address: &'static str,
}

/// Lines on their way to a collector.
pub struct Device {
    /// The collector; none when the address is not one.
    collector: Option<SocketAddr>,
    /// Made when it is first needed, and anew after an error.
    socket: Option<UdpSocket>,
    line: Vec<u8>,
    /// Lines lost since one last went out.
    lost: u32,
}

/// A console at this collector. The network need not be there yet.
pub fn init(config: &'static Config) -> Device {
    let collector = config.address.parse();
    if collector.is_err() {
        say(format_args!("`{}` is no address of a collector: all lines are lost", config.address));
    }
    Device { collector: collector.ok(), socket: None, line: Vec::new(), lost: 0 }
}

impl Device {
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        match self.send(&line) {
            Ok(()) if self.lost > 0 => {
                say(format_args!("lines reach the collector again; {} were lost", self.lost));
                self.lost = 0;
            }
            Ok(()) => {}
            Err(error) => {
                self.socket = None;
                if self.lost == 0 {
                    say(format_args!("failed to send a line to the collector: {error}"));
                }
                self.lost = self.lost.saturating_add(1);
            }
        }
    }

    fn send(&mut self, line: &[u8]) -> io::Result<()> {
        if line.len() > LINE {
            return Err(io::Error::other(format!("it has more than {LINE} bytes")));
        }
        let collector = self.collector.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?),
        };
        socket.send_to(line, collector).map(drop)
    }
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl Write for Device {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for &byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                b'\r' => {}
                // One more than fits is kept, by which the end of the line knows.
                _ if self.line.len() <= LINE => self.line.push(byte),
                _ => {}
            }
        }
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_futures::block_on;

    fn at(collector: &UdpSocket) -> Device {
        let address = collector.local_addr().expect("bound").to_string();
        init(Box::leak(Box::new(Config { address: address.leak() })))
    }

    fn write(device: &mut Device, text: &[u8]) {
        let Ok(length) = block_on(device.write(text));
        assert_eq!(length, text.len());
    }

    #[test]
    fn each_line_is_a_datagram() {
        let collector = UdpSocket::bind("127.0.0.1:0").expect("a port");
        collector.set_nonblocking(true).expect("set");
        let mut device = at(&collector);
        let longest = [b'x'; LINE];
        for piece in
            [&b"[{\"bn\""[..], b":\"x\"}]\r\n\r\nab\nc", &longest, b"\n", &longest, b"\nd\ne"]
        {
            write(&mut device, piece);
        }
        let mut bytes = [0; 2 * LINE];
        let mut received = Vec::new();
        while let Ok((length, _)) = collector.recv_from(&mut bytes) {
            received.push(bytes[..length].to_vec());
        }
        assert_eq!(received, [&b"[{\"bn\":\"x\"}]"[..], b"ab", &longest, b"d"]);
        assert_eq!(device.lost, 0, "the one that was too long was said");
    }

    #[test]
    fn a_collector_that_is_none_loses_lines_and_nothing_else() {
        let mut device = init(&Config { address: "collector" });
        write(&mut device, b"a\nb\n");
        assert_eq!(device.lost, 2);
    }
}
