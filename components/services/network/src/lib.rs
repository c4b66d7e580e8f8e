//! Brings up the network of a Linux product: `lo`, and one interface with an IPv4 address that a
//! DHCP server gives (RFC 2131) or the product fixes. It asks for the capabilities `net-admin` and
//! `net-raw` and the system calls `io`, `files`, `files-write`, `net`, `netlink`, `packet`.

mod address;
mod dhcp;
mod frames;
mod interface;
mod keeper;
mod netlink;
mod packet;
mod publish;
mod service;

pub use address::{AddressProblem, Fixed};
pub use interface::{Interface, InterfaceError};
pub use keeper::{KeepError, Keeper};
pub use netlink::{Netlink, NetlinkError, Origin};
pub use publish::Network;
pub use service::{Config, Method, run};
