//! The interface as smoltcp's DHCP client is to see it: it gets answers to DHCP and ARP and nothing
//! else. Shown more, smoltcp would answer for a machine that has no other sockets, and refuse the
//! connections of the kernel.

use std::os::fd::OwnedFd;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, UdpPacket};

use crate::packet;

/// The longest frame: an Ethernet header and 1,500 bytes.
pub(crate) const FRAME: usize = 1_514;
/// The most frames of one turn: whoever floods the wire must not keep this process from its heartbeat.
const TURN: u32 = 64;
/// DHCP clients listen here (RFC 2131, section 4.1).
const CLIENT_PORT: u16 = 68;

/// A device of frames that may be closed.
#[derive(Default)]
pub(crate) struct Frames {
    pub socket: Option<OwnedFd>,
    /// How many frames are still taken in this turn.
    left: u32,
}

impl Frames {
    /// Begins a turn, in which a bounded number of frames is taken.
    pub fn turn(&mut self) {
        self.left = TURN;
    }
}

/// The frame is for a DHCP client or says who has an address.
fn concerns_dhcp(frame: &[u8]) -> bool {
    let Ok(frame) = EthernetFrame::new_checked(frame) else { return false };
    match frame.ethertype() {
        EthernetProtocol::Arp => true,
        EthernetProtocol::Ipv4 => {
            let Ok(packet) = Ipv4Packet::new_checked(frame.payload()) else { return false };
            packet.next_header() == IpProtocol::Udp
                && UdpPacket::new_checked(packet.payload())
                    .is_ok_and(|datagram| datagram.dst_port() == CLIENT_PORT)
        }
        _ => false,
    }
}

impl Device for Frames {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Sender<'_>)> {
        let socket = self.socket.as_ref()?;
        let mut frame = vec![0; FRAME];
        loop {
            self.left = self.left.checked_sub(1)?;
            let length = packet::receive(socket, &mut frame)?;
            if concerns_dhcp(&frame[..length]) {
                frame.truncate(length);
                return Some((Received(frame), Sender(Some(socket))));
            }
        }
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sender<'_>> {
        Some(Sender(self.socket.as_ref()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

/// A frame that arrived.
pub(crate) struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// A frame to be written.
pub(crate) struct Sender<'a>(Option<&'a OwnedFd>);

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        if let Some(socket) = self.0 {
            packet::transmit(socket, &frame);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        ArpOperation, ArpPacket, ArpRepr, EthernetAddress, Ipv4Address, Ipv4Repr, UdpRepr,
    };

    const ADDRESS: Ipv4Address = Ipv4Address::new(192, 0, 2, 7);

    fn ethernet(kind: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 14 + payload.len()];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes);
        frame.set_ethertype(kind);
        frame.payload_mut().copy_from_slice(payload);
        bytes
    }

    fn ip(protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
        let repr = Ipv4Repr {
            src_addr: ADDRESS,
            dst_addr: ADDRESS,
            next_header: protocol,
            payload_len: payload.len(),
            hop_limit: 64,
        };
        let mut bytes = vec![0; repr.buffer_len() + payload.len()];
        let mut packet = Ipv4Packet::new_unchecked(&mut bytes);
        repr.emit(&mut packet, &ChecksumCapabilities::default());
        packet.payload_mut().copy_from_slice(payload);
        ethernet(EthernetProtocol::Ipv4, &bytes)
    }

    fn udp(dst_port: u16) -> Vec<u8> {
        let repr = UdpRepr { src_port: 67, dst_port };
        let mut bytes = vec![0; repr.header_len() + 4];
        let mut packet = UdpPacket::new_unchecked(&mut bytes);
        repr.emit(
            &mut packet,
            &ADDRESS.into(),
            &ADDRESS.into(),
            4,
            |_| {},
            &ChecksumCapabilities::default(),
        );
        ip(IpProtocol::Udp, &bytes)
    }

    #[test]
    fn a_flood_is_taken_in_turns() {
        let to = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        to.set_nonblocking(true).expect("set");
        let from = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        from.connect(to.local_addr().expect("known")).expect("known");
        let at = from.local_addr().expect("known");
        to.connect(at).expect("known");
        // What concerns nobody is as much work.
        for frame in [udp(68), udp(53)] {
            for _ in 0..TURN + 10 {
                from.send(&frame).expect("sent");
            }
            let to = to.try_clone().expect("the same");
            let mut frames = Frames { socket: Some(to.into()), left: 0 };
            assert!(frames.receive(Instant::ZERO).is_none(), "none before a turn");
            frames.turn();
            let taken = std::iter::from_fn(|| frames.receive(Instant::ZERO).map(drop)).count();
            assert_eq!(taken, if frame == udp(68) { TURN as usize } else { 0 });
            let rest = std::iter::from_fn(|| packet::receive(frames.socket.as_ref()?, &mut [0; 1]));
            assert_eq!(rest.count(), 10);
        }
    }

    #[test]
    fn only_dhcp_and_arp_get_through() {
        let who = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: EthernetAddress([2; 6]),
            source_protocol_addr: ADDRESS,
            target_hardware_addr: EthernetAddress([4; 6]),
            target_protocol_addr: ADDRESS,
        };
        let mut arp = vec![0; who.buffer_len()];
        who.emit(&mut ArpPacket::new_unchecked(&mut arp));
        for (frame, expected) in [
            (ethernet(EthernetProtocol::Arp, &arp), true),
            (udp(68), true),
            (udp(67), false),
            (udp(53), false),
            (ip(IpProtocol::Tcp, &[0, 80, 0, 68, 0, 0, 0, 0]), false),
            (ip(IpProtocol::Icmp, &[8, 0, 0, 68]), false),
            (ethernet(EthernetProtocol::Ipv6, &[0x60; 60]), false),
        ] {
            assert_eq!(concerns_dhcp(&frame), expected, "{frame:?}");
        }
        let whole = udp(68);
        for length in 0..whole.len() {
            assert!(!concerns_dhcp(&whole[..length]), "cut to {length}");
        }
    }
}
