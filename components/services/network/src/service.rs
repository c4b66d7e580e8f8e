//! The service: what the product configured, carried out and kept up.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};
use tarsia_process::{BEAT, Exit, alive, doze, say, uptime, wait_readable};

use crate::dhcp::{Change, Client};
use crate::{
    Fixed, Interface, InterfaceError, KeepError, Keeper, Netlink, NetlinkError, Network, Origin,
};

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
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Static => "static",
        }
    }

    pub(crate) fn origin(self) -> Origin {
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
    #[error(transparent)]
    Keep(#[from] KeepError),
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
    let folder = Path::new(Network::FOLDER);
    let mut keeper = Keeper::new(netlink, interface, config.method, folder);
    keeper.turn(fixed)?;
    match config.method {
        Method::Static => loop {
            doze(uptime() + Duration::from_secs(3600));
        },
        Method::Dhcp => ask(keeper),
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

/// Keeps up what a DHCP server gives.
fn ask(mut keeper: Keeper) -> Result<std::convert::Infallible, ServiceError> {
    let call = |what| move |error| ServiceError::Call { what, error };
    let mut seed = [0; 8];
    getrandom(&mut seed, GetRandomFlags::empty()).map_err(call("get a random number"))?;
    let mut client = Client::new(keeper.interface(), u64::from_ne_bytes(seed), uptime());
    loop {
        let change = client.step(uptime()).map_err(call("open a socket for packets"))?;
        match change {
            Some(Change::Leased(fixed, seconds)) => keeper.lease(fixed, seconds)?,
            Some(Change::Lost) => keeper.turn(None)?,
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
