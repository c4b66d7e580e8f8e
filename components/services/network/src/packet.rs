//! Whole Ethernet frames of one interface (packet(7)). The socket is open only while DHCP has
//! something to say: every frame of the interface wakes who listens.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send,
    socket_with,
};

/// All kinds of frames (linux/if_ether.h), in the byte order of the network.
const ETH_P_ALL: u16 = 3u16.to_be();

/// `struct sockaddr_ll` (linux/if_packet.h). Bound to, only family, protocol and index count.
#[repr(C)]
struct Place {
    family: u16,
    protocol: u16,
    index: i32,
    hardware: u16,
    kind: u8,
    length: u8,
    address: [u8; 8],
}

// SAFETY: the pointer is to a whole `Place`, which has the layout of `struct sockaddr_ll` (checked
// below) and no padding, and lives as long as the call.
unsafe impl SocketAddrArg for Place {
    unsafe fn with_sockaddr<R>(
        &self,
        call: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        call(std::ptr::from_ref(self).cast(), SIZE as SocketAddrLen)
    }
}

/// Bytes of `struct sockaddr_ll`.
const SIZE: usize = 20;
const _: () = assert!(size_of::<Place>() == SIZE);

/// Opens a socket for the frames of the interface; it does not block.
///
/// # Errors
/// The capability `net-raw` is not there, or the interface is not.
pub(crate) fn open(index: u32) -> Result<OwnedFd, Errno> {
    // Without a protocol nothing arrives until it is bound, so no frame of another interface does.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None::<Protocol>)?;
    let place = Place {
        family: AddressFamily::PACKET.as_raw(),
        protocol: ETH_P_ALL,
        index: i32::try_from(index).map_err(|_| Errno::INVAL)?,
        hardware: 0,
        kind: 0,
        length: 0,
        address: [0; 8],
    };
    bind(&socket, &place)?;
    Ok(socket)
}

/// The next frame, if there is one. What goes wrong on the way, such as an interface that went out
/// of service, is an interface without frames: DHCP asks again.
pub(crate) fn receive(socket: &OwnedFd, frame: &mut [u8]) -> Option<usize> {
    recv(socket, frame, RecvFlags::empty()).ok().map(|(length, _)| length)
}

/// Sends a frame, or loses it as a network may.
pub(crate) fn transmit(socket: &OwnedFd, frame: &[u8]) {
    let _ = send(socket, frame, SendFlags::empty());
}
