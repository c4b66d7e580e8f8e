//! The service: what the product configured, carried out and kept up.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};
use tarsia_process::{BEAT, Exit, alive, doze, ready, say, uptime, wait_readable};

use crate::dhcp::{Change, Client};
use crate::{Fixed, Interface, InterfaceError, Netlink, NetlinkError, Network, Origin};

/// The component's features.
pub struct Config {
    /// The interface's name, such as `eth0`.
    pub interface: &'static str,
    /// Where its address comes from.
    pub method: Method,
    /// The address with the length of its network, such as `192.0.2.7/24`; for [`Method::Static`].
    pub address: &'static str,
    /// The router; empty for none. For [`Method::Static`].
    pub gateway: &'static str,
    /// Servers of names, with commas between; empty for none. For [`Method::Static`].
    pub dns: &'static str,
}

/// Values of the feature `method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// From a DHCP server.
    Dhcp,
    /// From the product.
    Static,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Static => "static",
        }
    }

    fn origin(self) -> Origin {
        match self {
            Self::Dhcp => Origin::Dhcp,
            Self::Static => Origin::Static,
        }
    }
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
enum ServiceError {
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    #[error("understand the address: {0}")]
    Address(#[from] crate::AddressProblem),
    #[error("publish the network: {0}")]
    Publish(#[from] std::io::Error),
    #[error("{what}: {error}")]
    Call { what: &'static str, error: rustix::io::Errno },
}

/// Brings the network up and keeps it up; ready when the interface has an address.
pub fn run(config: &'static Config) -> Exit {
    match serve(config) {
        Ok(never) => match never {},
        Err(error) => Exit::Failed(error.to_string()),
    }
}

fn serve(config: &Config) -> Result<std::convert::Infallible, ServiceError> {
    let fixed = match config.method {
        Method::Static => Some(Fixed::parse(config.address, config.gateway, config.dns)?),
        Method::Dhcp => None,
    };
    let mut netlink = Netlink::open()?;
    netlink.up(Interface::find("lo")?.index)?;
    let interface = appear(config.interface)?;
    netlink.up(interface.index)?;
    // A process that was started again takes away what the one before it left.
    let now = Network::before(Path::new(Network::FOLDER));
    let mut keeper = Keeper { netlink, interface, method: config.method, now };
    keeper.turn(fixed)?;
    match config.method {
        Method::Static => loop {
            doze(uptime() + Duration::from_secs(3600));
        },
        Method::Dhcp => keeper.ask(),
    }
}

/// Waits for the interface, alive meanwhile: its driver may come late, and whoever waits for the
/// network says for how long.
fn appear(name: &str) -> Result<Interface, InterfaceError> {
    let mut said = false;
    loop {
        match Interface::find(name) {
            Err(InterfaceError::Missing(_)) => {
                if !said {
                    say(format_args!("waiting for the interface {name}"));
                    said = true;
                }
                alive();
                std::thread::sleep(BEAT / 10);
            }
            other => return other,
        }
    }
}

/// Keeps the interface as it should be.
struct Keeper {
    netlink: Netlink,
    interface: Interface,
    method: Method,
    now: Option<Fixed>,
}

impl Keeper {
    /// Gives the interface this address in place of the one before.
    fn turn(&mut self, fixed: Option<Fixed>) -> Result<(), ServiceError> {
        let index = self.interface.index;
        if let Some(before) = &self.now
            && fixed.as_ref().map(|fixed| (fixed.address, fixed.prefix))
                != Some((before.address, before.prefix))
        {
            self.netlink.remove(index, before)?;
        }
        if let Some(fixed) = &fixed {
            self.netlink.add(index, fixed)?;
            if let Some(gateway) = fixed.gateway {
                self.netlink.default_route(index, gateway, self.method.origin())?;
            }
        }
        let network = Network::new(&self.interface, self.method.word(), fixed.as_ref());
        network.publish(Path::new(Network::FOLDER))?;
        match (&fixed, &network.address) {
            (Some(_), Some(address)) => {
                let Interface { name, .. } = &self.interface;
                let by =
                    network.gateway.map(|gateway| format!(" by {gateway}")).unwrap_or_default();
                say(format_args!("{name} has {address}{by} ({})", network.method));
                ready();
            }
            _ if self.now.is_some() => {
                say(format_args!("{} lost its address", self.interface.name));
            }
            _ => {}
        }
        self.now = fixed;
        Ok(())
    }

    fn ask(mut self) -> Result<std::convert::Infallible, ServiceError> {
        let call = |what| move |error| ServiceError::Call { what, error };
        let mut seed = [0; 8];
        getrandom(&mut seed, GetRandomFlags::empty()).map_err(call("get a random number"))?;
        let mut client = Client::new(&self.interface, u64::from_ne_bytes(seed), uptime());
        loop {
            let change = client.step(uptime()).map_err(call("open a socket for packets"))?;
            match change {
                Some(Change::Leased(fixed)) => self.turn(Some(fixed))?,
                Some(Change::Lost) => self.turn(None)?,
                None => {}
            }
            let next = client.next(uptime());
            match (client.socket(), next) {
                (Some(socket), next) => {
                    wait_readable(socket.as_fd(), next).map_err(call("wait for packets"))?;
                }
                (None, next) => doze(next.unwrap_or(uptime() + BEAT)),
            }
        }
    }
}
