//! The DHCP client of smoltcp over an interface of the kernel. smoltcp decides what is asked and
//! when; this asks for it, and hands out what follows for the interface.

use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::io::Errno;
use smoltcp::iface::{Config, Interface as Stack, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4::{Event, RetryConfig, Socket};
use smoltcp::time::Instant;
use smoltcp::wire::{DhcpPacket, DhcpRepr, EthernetAddress, HardwareAddress, IpCidr};

use crate::frames::{FRAME, Frames};
use crate::packet;
use crate::{Fixed, Interface};

/// After this long without anything to send, a lease is quiet and the socket is closed.
const QUIET: Duration = Duration::from_secs(10);
/// How often a server is looked for. smoltcp's ten seconds are long for a start.
const DISCOVER: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(3);

/// What smoltcp takes a lease to last that does not say so, in seconds (DEFAULT_LEASE_DURATION).
const UNSAID: u32 = 120;

/// What follows for the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The server gave this, anew or again, for so many seconds from now on; `u32::MAX` is for ever.
    Leased(Fixed, u32),
    /// The address must no longer be used.
    Lost,
}

/// The client.
pub(crate) struct Client {
    index: u32,
    frames: Frames,
    stack: Stack,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    bound: bool,
    /// When something was last due.
    busy: Duration,
}

fn instant(time: Duration) -> Instant {
    Instant::from_micros(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

impl Client {
    /// A client that has asked for nothing yet. `seed` makes the numbers of its questions differ
    /// from those of others.
    pub fn new(interface: &Interface, seed: u64, now: Duration) -> Self {
        let mut frames = Frames::default();
        let mut config =
            Config::new(HardwareAddress::Ethernet(EthernetAddress(interface.hardware)));
        config.random_seed = seed;
        let stack = Stack::new(config, &mut frames, instant(now));
        let mut dhcp = Socket::new();
        let mut retry = RetryConfig::default();
        retry.discover_timeout = DISCOVER;
        dhcp.set_retry_config(retry);
        // With it, smoltcp tells of every renewal, and how long the lease is. There is one client.
        dhcp.set_receive_packet_buffer(vec![0; FRAME].leak());
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(dhcp);
        let index = interface.index;
        Self { index, frames, stack, sockets, socket, bound: false, busy: now }
    }

    /// Does what is due; what follows for the interface, if anything does.
    ///
    /// # Errors
    /// The interface's frames cannot be had.
    pub fn step(&mut self, now: Duration) -> Result<Option<Change>, Errno> {
        let due = self.due(now).is_none_or(|due| due <= now);
        if due {
            self.busy = now;
            if self.frames.socket.is_none() {
                self.frames.socket = Some(packet::open(self.index)?);
            }
        } else if self.bound && now.saturating_sub(self.busy) > QUIET {
            self.frames.socket = None;
        }
        let Self { frames, stack, sockets, socket, .. } = self;
        frames.turn();
        stack.poll(instant(now), frames, sockets);
        let change = match sockets.get_mut::<Socket<'_>>(*socket).poll() {
            None => None,
            Some(Event::Deconfigured) => Some(Change::Lost),
            Some(Event::Configured(config)) => {
                let fixed = Fixed {
                    address: config.address.address(),
                    prefix: config.address.prefix_len(),
                    gateway: config.router.filter(usable),
                    dns: config.dns_servers.iter().copied().filter(usable).collect(),
                };
                Some(Change::Leased(fixed, config.packet.and_then(lifetime).unwrap_or(UNSAID)))
            }
        };
        match &change {
            Some(Change::Lost) => {
                self.bound = false;
                self.stack.update_ip_addrs(|list| list.clear());
                self.stack.routes_mut().remove_default_ipv4_route();
            }
            // The client renews from its address, by the stack that it knows.
            Some(Change::Leased(fixed, _)) => {
                self.bound = true;
                let address = IpCidr::new(fixed.address.into(), fixed.prefix);
                self.stack.update_ip_addrs(|list| {
                    list.clear();
                    // Just cleared, so there is room.
                    let _ = list.push(address);
                });
                if let Some(gateway) = fixed.gateway {
                    // The table has room for one; it is replaced.
                    let _ = self.stack.routes_mut().add_default_ipv4_route(gateway);
                } else {
                    self.stack.routes_mut().remove_default_ipv4_route();
                }
            }
            None => {}
        }
        Ok(change)
    }

    /// When smoltcp has something to say.
    fn due(&mut self, now: Duration) -> Option<Duration> {
        let due = self.stack.poll_at(instant(now), &self.sockets)?;
        Some(Duration::from_micros(u64::try_from(due.total_micros()).unwrap_or(0)))
    }

    /// When [`Client::step`] has something to do if no frame arrives before.
    pub fn next(&mut self, now: Duration) -> Option<Duration> {
        let open = self.bound && self.frames.socket.is_some();
        let close = open.then(|| self.busy + QUIET + Duration::from_millis(1));
        self.due(now).into_iter().chain(close).min()
    }

    /// What to wait on, while there is something.
    pub fn socket(&self) -> Option<&std::os::fd::OwnedFd> {
        self.frames.socket.as_ref()
    }
}

/// How long the server's answer says that the lease is, in seconds.
fn lifetime(packet: DhcpPacket<&[u8]>) -> Option<u32> {
    DhcpRepr::parse(&packet).ok()?.lease_duration
}

/// Servers fill lists up with zeros.
fn usable(address: &Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_broadcast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        ArpOperation, ArpPacket, ArpRepr, DhcpMessageType, EthernetFrame, EthernetProtocol,
        IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
    };
    use std::os::unix::net::UnixDatagram;

    const SERVER: Ipv4Address = Ipv4Address::new(192, 0, 2, 1);
    const GIVEN: Ipv4Address = Ipv4Address::new(192, 0, 2, 77);
    const HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 5];
    /// Where the server is on the wire.
    const AT: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
    /// Seconds that a lease lasts; half of them until it is renewed (RFC 2131, section 4.4.5).
    const LEASE: u32 = 3_600;

    /// A wire to the client, and the server at its other end.
    struct Server(UnixDatagram);

    fn plugged(client: &mut Client) -> Server {
        let (ours, theirs) = UnixDatagram::pair().expect("a wire");
        ours.set_nonblocking(true).expect("set");
        theirs.set_nonblocking(true).expect("set");
        client.frames.socket = Some(theirs.into());
        Server(ours)
    }

    impl Server {
        /// Takes what the client sent; the kinds of its messages. Answers with `answer`, if it is
        /// one.
        fn serve(
            &self,
            answer: impl Fn(DhcpMessageType) -> Option<DhcpMessageType>,
        ) -> Vec<DhcpMessageType> {
            let (mut kinds, mut bytes) = (Vec::new(), [0; 2_000]);
            while let Ok(length) = self.0.recv(&mut bytes) {
                let frame = EthernetFrame::new_checked(&bytes[..length]).expect("a frame");
                assert_eq!(frame.src_addr().0, HARDWARE);
                if frame.ethertype() == EthernetProtocol::Arp {
                    self.0.send(&here(frame.payload())).expect("sent");
                    continue;
                }
                let packet = Ipv4Packet::new_checked(frame.payload()).expect("a packet");
                let datagram = UdpPacket::new_checked(packet.payload()).expect("a datagram");
                let message = DhcpPacket::new_checked(datagram.payload()).expect("a message");
                let asked = DhcpRepr::parse(&message).expect("understood");
                kinds.push(asked.message_type);
                if let Some(kind) = answer(asked.message_type) {
                    self.0.send(&message_of(kind, &asked)).expect("sent");
                }
            }
            kinds
        }
    }

    /// The answer to who has the server's address.
    fn here(asked: &[u8]) -> Vec<u8> {
        let packet = ArpPacket::new_checked(asked).expect("a packet");
        let ArpRepr::EthernetIpv4 { source_protocol_addr, .. } =
            ArpRepr::parse(&packet).expect("understood")
        else {
            panic!("ARP for Ethernet and IPv4 is all that there is");
        };
        let repr = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: AT,
            source_protocol_addr: SERVER,
            target_hardware_addr: EthernetAddress(HARDWARE),
            target_protocol_addr: source_protocol_addr,
        };
        let mut arp = vec![0; repr.buffer_len()];
        repr.emit(&mut ArpPacket::new_unchecked(&mut arp));
        framed(EthernetProtocol::Arp, &arp)
    }

    fn framed(kind: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 14 + payload.len()];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes);
        frame.set_src_addr(AT);
        frame.set_dst_addr(EthernetAddress(HARDWARE));
        frame.set_ethertype(kind);
        frame.payload_mut().copy_from_slice(payload);
        bytes
    }

    fn message_of(kind: DhcpMessageType, asked: &DhcpRepr<'_>) -> Vec<u8> {
        let mut repr = DhcpRepr {
            message_type: kind,
            your_ip: GIVEN,
            server_ip: SERVER,
            router: Some(SERVER),
            subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
            server_identifier: Some(SERVER),
            dns_servers: Some([SERVER, Ipv4Address::UNSPECIFIED].into_iter().collect()),
            lease_duration: Some(LEASE),
            requested_ip: None,
            client_identifier: None,
            parameter_request_list: None,
            max_size: None,
            ..asked.clone()
        };
        repr.client_ip = Ipv4Address::UNSPECIFIED;
        let mut dhcp = vec![0; repr.buffer_len()];
        repr.emit(&mut DhcpPacket::new_unchecked(&mut dhcp)).expect("it fits");
        let checksums = ChecksumCapabilities::default();
        let udp = UdpRepr { src_port: 67, dst_port: 68 };
        let mut datagram = vec![0; udp.header_len() + dhcp.len()];
        udp.emit(
            &mut UdpPacket::new_unchecked(&mut datagram),
            &SERVER.into(),
            &Ipv4Address::BROADCAST.into(),
            dhcp.len(),
            |payload| payload.copy_from_slice(&dhcp),
            &checksums,
        );
        let ip = Ipv4Repr {
            src_addr: SERVER,
            dst_addr: Ipv4Address::BROADCAST,
            next_header: IpProtocol::Udp,
            payload_len: datagram.len(),
            hop_limit: 64,
        };
        let mut bytes = vec![0; ip.buffer_len() + datagram.len()];
        let mut packet = Ipv4Packet::new_unchecked(&mut bytes);
        ip.emit(&mut packet, &checksums);
        packet.payload_mut().copy_from_slice(&datagram);
        framed(EthernetProtocol::Ipv4, &bytes)
    }

    fn obliging(asked: DhcpMessageType) -> Option<DhcpMessageType> {
        Some(match asked {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            _ => DhcpMessageType::Ack,
        })
    }

    fn client() -> Client {
        let interface = Interface { name: "eth0".to_owned(), index: 2, hardware: HARDWARE };
        Client::new(&interface, 1, Duration::ZERO)
    }

    /// A client with a lease, the server, and the time.
    fn leased() -> (Client, Server, Duration) {
        let mut client = client();
        let server = plugged(&mut client);
        let mut now = Duration::ZERO;
        let mut changes = Vec::new();
        for _ in 0..6 {
            changes.extend(client.step(now).expect("a wire"));
            server.serve(obliging);
            now += Duration::from_millis(10);
        }
        let fixed = Fixed { address: GIVEN, prefix: 24, gateway: Some(SERVER), dns: vec![SERVER] };
        // At first it is said that there is none.
        assert_eq!(changes, [Change::Lost, Change::Leased(fixed, LEASE)]);
        (client, server, now)
    }

    #[test]
    fn a_server_is_looked_for_until_there_is_one() {
        let mut client = client();
        let server = plugged(&mut client);
        let mut discovers = 0;
        for second in 0..30 {
            client.step(Duration::from_secs(second)).expect("a wire");
            discovers += server.serve(|_| None).len();
        }
        assert_eq!(discovers, 10, "one in three seconds");
        assert!(client.socket().is_some(), "it listens meanwhile");
    }

    #[test]
    fn a_lease_is_quiet_until_it_is_renewed() {
        let (mut client, _server, now) = leased();
        let mut steps = 0;
        let mut time = now;
        while client.socket().is_some() {
            time = client.next(time).expect("something");
            client.step(time).expect("a wire");
            steps += 1;
            assert!(steps < 5, "busy");
        }
        assert!(time <= now + QUIET + Duration::from_secs(1), "closed at {time:?}");
        let renewal = client.next(time).expect("something");
        assert!(renewal.as_secs().abs_diff(u64::from(LEASE) / 2) <= 1, "renewed at {renewal:?}");
        let server = plugged(&mut client);
        let mut kinds = Vec::new();
        let mut changes = Vec::new();
        for step in 0..100 {
            changes
                .extend(client.step(renewal + Duration::from_millis(step * 20)).expect("a wire"));
            kinds.extend(server.serve(obliging));
        }
        assert_eq!(kinds, [DhcpMessageType::Request]);
        assert!(
            matches!(changes[..], [Change::Leased(Fixed { address: GIVEN, .. }, LEASE)]),
            "{changes:?}"
        );
        let due = client.due(renewal + Duration::from_secs(3)).expect("something");
        assert!((due - renewal).as_secs().abs_diff(u64::from(LEASE) / 2) <= 1, "again at {due:?}");
    }

    #[test]
    fn a_lease_that_nobody_renews_is_lost() {
        let (mut client, _server, now) = leased();
        let mut time = now;
        let mut changes = Vec::new();
        // Once a second it is asked who has the server's address.
        for _ in 0..LEASE * 2 {
            // The wire is dead: what is sent is lost.
            client.frames.socket = Some(
                UnixDatagram::unbound()
                    .map(|dead| {
                        dead.set_nonblocking(true).expect("set");
                        dead.into()
                    })
                    .expect("a socket"),
            );
            time = client.due(time).expect("something").max(time + Duration::from_millis(1));
            changes.extend(client.step(time).expect("a wire"));
            if !changes.is_empty() {
                break;
            }
        }
        assert_eq!(changes, [Change::Lost]);
        assert!(time.as_secs().abs_diff(LEASE.into()) <= 1, "lost at {time:?}");
    }
}
