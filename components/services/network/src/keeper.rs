//! The interface as it should be: its address, its route, and what is published of both.

use std::path::{Path, PathBuf};

use tarsia_process::{ready, say};

use crate::{Fixed, Interface, Method, Netlink, NetlinkError, Network};

/// Why the interface is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The kernel refuses.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// It cannot be published.
    #[error("publish the network: {0}")]
    Publish(#[from] std::io::Error),
}

/// Keeps the interface as it should be.
pub struct Keeper {
    netlink: Netlink,
    interface: Interface,
    method: Method,
    folder: PathBuf,
    /// What it has, or what an earlier run of this process left to it.
    now: Option<Fixed>,
}

impl Keeper {
    /// For an interface of which nothing is known but what an earlier run published in `folder`.
    pub fn new(netlink: Netlink, interface: Interface, method: Method, folder: &Path) -> Self {
        let now = Network::before(folder);
        Self { netlink, interface, method, folder: folder.to_owned(), now }
    }

    /// The interface.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Gives the interface this address in place of the one before, until another is given.
    ///
    /// # Errors
    /// The kernel refuses, or nothing can be published. A route that is refused is a line on the console.
    pub fn turn(&mut self, fixed: Option<Fixed>) -> Result<(), KeepError> {
        self.give(fixed, None)
    }

    /// Gives the interface this address for `seconds` from now on, in place of the one before if that is
    /// another.
    ///
    /// # Errors
    /// As those of [`Keeper::turn`].
    pub fn lease(&mut self, fixed: Fixed, seconds: u32) -> Result<(), KeepError> {
        self.give(Some(fixed), Some(seconds))
    }

    fn give(&mut self, mut fixed: Option<Fixed>, lifetime: Option<u32>) -> Result<(), KeepError> {
        let index = self.interface.index;
        // A lease that was renewed is no news.
        let news = lifetime.is_none() || self.now != fixed;
        if let Some(before) = &self.now {
            let kept = fixed
                .as_ref()
                .filter(|fixed| (fixed.address, fixed.prefix) == (before.address, before.prefix));
            match (kept, before.gateway) {
                (None, _) => self.netlink.remove(index, before)?,
                (Some(kept), Some(gateway)) if kept.gateway != Some(gateway) => {
                    self.netlink.no_route(index, gateway)?;
                }
                _ => {}
            }
        }
        // First, so that whoever follows takes away whatever this has done until its end.
        if news {
            self.publish(fixed.as_ref())?;
        }
        if let Some(fixed) = &mut fixed {
            self.netlink.add(index, fixed, lifetime)?;
            if let Some(gateway) = fixed.gateway {
                let (far, origin) = (!fixed.reaches(gateway), self.method.origin());
                if let Err(error) = self.netlink.default_route(index, gateway, far, origin) {
                    // The network that the address is of is reached all the same.
                    say(format_args!("failed to {error}; going on without"));
                    fixed.gateway = None;
                    self.publish(Some(fixed))?;
                }
            }
        }
        if news {
            self.tell(fixed.as_ref());
        }
        self.now = fixed;
        Ok(())
    }

    fn publish(&self, fixed: Option<&Fixed>) -> Result<(), KeepError> {
        Ok(Network::new(&self.interface, self.method.word(), fixed).publish(&self.folder)?)
    }

    fn tell(&self, fixed: Option<&Fixed>) {
        let Interface { name, .. } = &self.interface;
        match fixed {
            Some(Fixed { address, prefix, gateway, .. }) => {
                let by = gateway.map(|gateway| format!(" by {gateway}")).unwrap_or_default();
                say(format_args!("{name} has {address}/{prefix}{by} ({})", self.method.word()));
                ready();
            }
            None if self.now.is_some() => say(format_args!("{name} lost its address")),
            None => {}
        }
    }
}
