//! Orders to the kernel about interfaces, addresses and routes: rtnetlink(7), as much of it as an
//! interface with one address needs. The crates that know all of rtnetlink would be a tenth of a
//! small product.

use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use crate::Fixed;

// linux/netlink.h and linux/rtnetlink.h.
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_CREATE: u16 = 0x400;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RT_TABLE_MAIN: u8 = 254;
/// RTPROT_UNSPEC: a route of whatever origin.
const RTPROT_ANY: u8 = 0;
const RTN_UNICAST: u8 = 1;
/// The gateway is on the wire, whatever the addresses say.
const RTNH_F_ONLINK: u32 = 4;
const IFF_UP: u32 = 1;
const AF_INET: u8 = 2;

/// Bytes of a message's header.
const HEADER: usize = 16;

/// An order that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The conversation itself failed.
    #[error("talk to the kernel over netlink: {0}")]
    Talk(Errno),
    /// The kernel refused.
    #[error("{order}: {error}")]
    Refused {
        /// What was asked, in words.
        order: String,
        /// Why not.
        error: Errno,
    },
    /// The answer is not one.
    #[error("understand the kernel's answer to `{0}`")]
    Answer(String),
}

/// Who says that there is a route (linux/rtnetlink.h, `rtm_protocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The product.
    Static = 4,
    /// A DHCP server.
    Dhcp = 16,
}

/// A conversation with the kernel.
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    /// Begins one.
    ///
    /// # Errors
    /// There are no sockets to be had.
    pub fn open() -> Result<Self, NetlinkError> {
        // NETLINK_ROUTE is 0: a netlink socket that names no protocol has it.
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None);
        Ok(Self { socket: socket.map_err(NetlinkError::Talk)?, sequence: 0 })
    }

    /// Takes the interface of this index into service.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn up(&mut self, index: u32) -> Result<(), NetlinkError> {
        self.order(up(index), format!("take interface {index} into service"))
    }

    /// Gives the interface the address, with the route to its network that the kernel makes from it; if
    /// it has it, from now on for `lifetime`, in seconds: then the kernel takes it away, should nobody else. Of
    /// `u32::MAX`, and of none, it does not.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn add(
        &mut self,
        index: u32,
        fixed: &Fixed,
        lifetime: Option<u32>,
    ) -> Result<(), NetlinkError> {
        let text = format!("give interface {index} the address {}/{}", fixed.address, fixed.prefix);
        // struct ifa_cacheinfo (linux/if_addr.h): seconds preferred and valid, two times that the kernel tells.
        let mut lifetimes = [0; 16];
        let seconds = lifetime.unwrap_or(u32::MAX).max(1).to_ne_bytes();
        lifetimes[..4].copy_from_slice(&seconds);
        lifetimes[4..8].copy_from_slice(&seconds);
        self.order(address(RTM_NEWADDR, index, fixed).attribute(IFA_CACHEINFO, lifetimes), text)
    }

    /// Takes the address away, and the route by its gateway, which the kernel would keep as long as
    /// the interface has another address. That either is not there is no error.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove(&mut self, index: u32, fixed: &Fixed) -> Result<(), NetlinkError> {
        if let Some(gateway) = fixed.gateway {
            self.no_route(index, gateway)?;
        }
        let text = format!("take the address {}/{} away", fixed.address, fixed.prefix);
        match self.order(address(RTM_DELADDR, index, fixed), text) {
            Err(NetlinkError::Refused { error: Errno::ADDRNOTAVAIL, .. }) => Ok(()),
            other => other,
        }
    }

    /// Takes the route by `gateway` away. That it is not there is no error.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn no_route(&mut self, index: u32, gateway: Ipv4Addr) -> Result<(), NetlinkError> {
        let message = default_route(RTM_DELROUTE, index, gateway, RTPROT_ANY, 0);
        match self.order(message, format!("no longer route by {gateway}")) {
            Err(NetlinkError::Refused { error: Errno::SRCH, .. }) => Ok(()),
            other => other,
        }
    }

    /// Sends everything that has no route of its own to `gateway`; `on_link`: which is on the wire though
    /// no address of the interface says so.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn default_route(
        &mut self,
        index: u32,
        gateway: Ipv4Addr,
        on_link: bool,
        origin: Origin,
    ) -> Result<(), NetlinkError> {
        let flags = if on_link { RTNH_F_ONLINK } else { 0 };
        let message = default_route(RTM_NEWROUTE, index, gateway, origin as u8, flags);
        self.order(message, format!("route by {gateway}"))
    }

    fn order(&mut self, message: Message, text: String) -> Result<(), NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = message.finish(self.sequence);
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, &bytes, SendFlags::empty(), &kernel).map_err(NetlinkError::Talk)?;
        let mut answer = [0; 4096];
        loop {
            let received = recv(&self.socket, &mut answer[..], RecvFlags::empty());
            let (length, _) = received.map_err(NetlinkError::Talk)?;
            match acknowledged(&answer[..length], self.sequence) {
                Answer::Other => {}
                Answer::Done => return Ok(()),
                Answer::Error(error) => return Err(NetlinkError::Refused { order: text, error }),
                Answer::Bad => return Err(NetlinkError::Answer(text)),
            }
        }
    }
}

/// A message on its way: header, then what belongs to its kind, then attributes.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, body: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        let flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes.extend(body);
        Self(bytes)
    }

    /// Adds an attribute of a multiple of four bytes, which needs no padding.
    fn attribute<const N: usize>(mut self, kind: u16, value: [u8; N]) -> Self {
        const { assert!(N <= 64 && N.is_multiple_of(4)) };
        self.0.extend((4 + N as u16).to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0[0..4].copy_from_slice(&length.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0
    }
}

fn up(index: u32) -> Message {
    // struct ifinfomsg: family, padding, type, index, flags, which flags change.
    let mut body = vec![0; 4];
    body.extend(index.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    Message::new(RTM_NEWLINK, 0, &body)
}

fn address(kind: u16, index: u32, fixed: &Fixed) -> Message {
    // struct ifaddrmsg: family, length of the network, flags, scope, index.
    let mut body = vec![AF_INET, fixed.prefix, 0, 0];
    body.extend(index.to_ne_bytes());
    let flags = if kind == RTM_NEWADDR { NLM_F_CREATE | NLM_F_REPLACE } else { 0 };
    Message::new(kind, flags, &body)
        .attribute(IFA_LOCAL, fixed.address.octets())
        .attribute(IFA_ADDRESS, fixed.address.octets())
        .attribute(IFA_BROADCAST, fixed.broadcast().octets())
}

fn default_route(kind: u16, index: u32, gateway: Ipv4Addr, protocol: u8, flags: u32) -> Message {
    // struct rtmsg: family, lengths of destination and source, type of service, table, protocol,
    // scope, type, flags.
    let mut body = vec![AF_INET, 0, 0, 0, RT_TABLE_MAIN, protocol, 0, RTN_UNICAST];
    body.extend(flags.to_ne_bytes());
    let flags = if kind == RTM_NEWROUTE { NLM_F_CREATE | NLM_F_REPLACE } else { 0 };
    Message::new(kind, flags, &body)
        .attribute(RTA_GATEWAY, gateway.octets())
        .attribute(RTA_OIF, index.to_ne_bytes())
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// To something else.
    Other,
    Done,
    Error(Errno),
    Bad,
}

/// What the answer to the order of this number is.
fn acknowledged(bytes: &[u8], sequence: u32) -> Answer {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    let (Some(tail), Some(number)) = (word(4), word(8)) else { return Answer::Bad };
    let [low, high, ..]: [u8; 4] = tail;
    if u32::from_ne_bytes(number) != sequence || u16::from_ne_bytes([low, high]) != NLMSG_ERROR {
        return Answer::Other;
    }
    match word(HEADER).map(|word| i32::from_ne_bytes(word).checked_neg()) {
        Some(Some(0)) => Answer::Done,
        // The numbers that there are (include/linux/err.h, MAX_ERRNO).
        Some(Some(error @ 1..=4095)) => Answer::Error(Errno::from_raw_os_error(error)),
        _ => Answer::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_yes_a_reason_or_nothing() {
        let answer = |kind: u16, sequence: u32, error: i32| {
            let mut bytes = Message::new(kind, 0, &error.to_ne_bytes()).finish(sequence);
            bytes.extend([0; 16]);
            acknowledged(&bytes, 7)
        };
        assert_eq!(answer(NLMSG_ERROR, 7, 0), Answer::Done);
        assert_eq!(answer(NLMSG_ERROR, 7, -1), Answer::Error(Errno::PERM));
        assert_eq!(answer(NLMSG_ERROR, 8, -1), Answer::Other);
        assert_eq!(answer(RTM_NEWLINK, 7, 0), Answer::Other);
        for length in 0..HEADER + 4 {
            let bytes = Message::new(NLMSG_ERROR, 0, &[0; 4]).finish(7);
            assert_ne!(acknowledged(&bytes[..length], 7), Answer::Done, "{length}");
        }
        for error in [1, -4096, i32::MIN, i32::MAX] {
            assert_eq!(answer(NLMSG_ERROR, 7, error), Answer::Bad, "{error}");
        }
    }
}
