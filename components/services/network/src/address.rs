//! Addresses as a product writes them.

use std::net::Ipv4Addr;

/// An address of the interface, and where packets go from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The interface's address.
    pub address: Ipv4Addr,
    /// How many of its first bits are the network's; 1 to 32.
    pub prefix: u8,
    /// The router to everywhere else.
    pub gateway: Option<Ipv4Addr>,
    /// Servers of names.
    pub dns: Vec<Ipv4Addr>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressProblem {
    /// Not of the form `192.0.2.7/24`.
    #[error("`{0}` is not an address with the length of its network, such as 192.0.2.7/24")]
    Address(String),
    /// Not an address.
    #[error("`{0}` is not an IPv4 address")]
    Plain(String),
    /// The router cannot be reached from the address.
    #[error("the gateway {gateway} is not in the network of {address}/{prefix}")]
    Elsewhere {
        /// The router.
        gateway: Ipv4Addr,
        /// The interface's address.
        address: Ipv4Addr,
        /// The network's bits.
        prefix: u8,
    },
}

impl Fixed {
    /// Reads `address` (`192.0.2.7/24`), `gateway` (an address or empty) and `dns` (addresses with
    /// commas between, or empty).
    ///
    /// # Errors
    /// The first text that is not what it should be.
    pub fn parse(address: &str, gateway: &str, dns: &str) -> Result<Self, AddressProblem> {
        let bad = || AddressProblem::Address(address.to_owned());
        let (plain, prefix) = address.split_once('/').ok_or_else(bad)?;
        let plain: Ipv4Addr = plain.parse().map_err(|_| bad())?;
        let prefix =
            prefix.parse().ok().filter(|prefix| (1..=32).contains(prefix)).ok_or_else(bad)?;
        let some = |text: &&str| !text.is_empty();
        let gateway = Some(gateway.trim()).filter(some).map(read).transpose()?;
        let dns = dns.split(',').map(str::trim).filter(some).map(read).collect::<Result<_, _>>()?;
        if let Some(gateway) = gateway
            && network(gateway, prefix) != network(plain, prefix)
        {
            return Err(AddressProblem::Elsewhere { gateway, address: plain, prefix });
        }
        Ok(Self { address: plain, prefix, gateway, dns })
    }

    /// The address to which packets for all of the network go.
    pub fn broadcast(&self) -> Ipv4Addr {
        let hosts = u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
        Ipv4Addr::from_bits(self.address.to_bits() | hosts)
    }
}

impl Fixed {
    /// The gateway is on the network that the address is of. A DHCP server may give one that is not, mostly
    /// with a network of one address: it is on the wire all the same.
    pub fn reaches(&self, gateway: Ipv4Addr) -> bool {
        network(gateway, self.prefix) == network(self.address, self.prefix)
    }
}

fn read(text: &str) -> Result<Ipv4Addr, AddressProblem> {
    text.parse().map_err(|_| AddressProblem::Plain(text.to_owned()))
}

fn network(address: Ipv4Addr, prefix: u8) -> u32 {
    let hosts = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    address.to_bits() & !hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood_or_named() {
        let fixed =
            Fixed::parse("192.0.2.7/24", "192.0.2.1", "192.0.2.1, 198.51.100.1").expect("right");
        assert_eq!(fixed.gateway, Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(fixed.dns.len(), 2);
        assert_eq!(fixed.broadcast(), Ipv4Addr::new(192, 0, 2, 255));
        assert_eq!(Fixed::parse("192.0.2.7/32", "", "").expect("right").broadcast(), fixed.address);
        for (address, gateway, dns, problem) in [
            (
                "192.0.2.7",
                "",
                "",
                "`192.0.2.7` is not an address with the length of its network, such as 192.0.2.7/24",
            ),
            (
                "192.0.2.7/33",
                "",
                "",
                "`192.0.2.7/33` is not an address with the length of its network, such as 192.0.2.7/24",
            ),
            (
                "192.0.2.7/0",
                "",
                "",
                "`192.0.2.7/0` is not an address with the length of its network, such as 192.0.2.7/24",
            ),
            ("192.0.2.7/24", "router", "", "`router` is not an IPv4 address"),
            ("192.0.2.7/24", "", "192.0.2.1,x", "`x` is not an IPv4 address"),
            (
                "192.0.2.7/24",
                "192.0.3.1",
                "",
                "the gateway 192.0.3.1 is not in the network of 192.0.2.7/24",
            ),
        ] {
            let error = Fixed::parse(address, gateway, dns).expect_err(address);
            assert_eq!(error.to_string(), problem);
        }
    }
}
