//! What others read of the network: a description, and the servers of names.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tarsia_process::replace;

use crate::{Fixed, Interface};

/// The network as it stands: `/run/network/state.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The interface's name.
    pub interface: String,
    /// Its address on the wire.
    pub hardware: String,
    /// How it got its address: `dhcp` or `static`.
    pub method: String,
    /// Its address with the length of the network; none as long as there is none.
    pub address: Option<String>,
    /// The router.
    pub gateway: Option<Ipv4Addr>,
    /// Servers of names.
    pub dns: Vec<Ipv4Addr>,
}

impl Network {
    /// The folder of both files; the product gives it to this process.
    pub const FOLDER: &str = "/run/network";
    /// Where it is published.
    pub const PATH: &str = "/run/network/state.json";

    /// The interface with or without an address.
    pub fn new(interface: &Interface, method: &str, fixed: Option<&Fixed>) -> Self {
        let hardware: Vec<_> =
            interface.hardware.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            interface: interface.name.clone(),
            hardware: hardware.join(":"),
            method: method.to_owned(),
            address: fixed.map(|fixed| format!("{}/{}", fixed.address, fixed.prefix)),
            gateway: fixed.and_then(|fixed| fixed.gateway),
            dns: fixed.map(|fixed| fixed.dns.clone()).unwrap_or_default(),
        }
    }

    /// The address that an earlier run of this process published, if one did.
    pub(crate) fn before(folder: &Path) -> Option<Fixed> {
        let text = std::fs::read_to_string(folder.join("state.json")).ok()?;
        let network: Self = serde_json::from_str(&text).ok()?;
        // A lease's router may be outside the network, which `parse` takes for a mistake.
        let fixed = Fixed::parse(&network.address?, "", "").ok()?;
        Some(Fixed { gateway: network.gateway, ..fixed })
    }

    /// Writes both files into `folder`: `state.json`, and `resolv.conf` (resolv.conf(5)), to which a
    /// product's `/etc/resolv.conf` is a link.
    ///
    /// # Errors
    /// What the file system reports, with the path.
    pub fn publish(&self, folder: &Path) -> io::Result<()> {
        let servers: String =
            self.dns.iter().map(|server| format!("nameserver {server}\n")).collect();
        replace(&folder.join("resolv.conf"), &servers)?;
        replace(&folder.join("state.json"), &serde_json::to_string(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_say_what_there_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let interface =
            Interface { name: "eth0".to_owned(), index: 2, hardware: [2, 0, 0, 0, 0, 255] };
        let fixed =
            Fixed::parse("192.0.2.7/24", "192.0.2.1", "192.0.2.1,192.0.2.2").expect("right");
        let alone = Fixed { prefix: 32, dns: Vec::new(), ..fixed.clone() };
        for (fixed, servers) in [
            (Some(&fixed), "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"),
            (Some(&alone), ""),
            (None, ""),
        ] {
            let network = Network::new(&interface, "dhcp", fixed);
            network.publish(folder.path()).expect("written");
            let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
            assert_eq!(read("resolv.conf"), servers);
            let back: Network = serde_json::from_str(&read("state.json")).expect("JSON");
            assert_eq!(back, network);
            assert_eq!(back.hardware, "02:00:00:00:00:ff");
            let before = Network::before(folder.path());
            let without_dns = fixed.map(|fixed| Fixed { dns: Vec::new(), ..fixed.clone() });
            assert_eq!(before, without_dns);
        }
    }
}
