//! Finding the interface that a product names.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, netdevice, socket};

/// An interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Its address on the wire.
    pub hardware: [u8; 6],
}

/// Why there is no such interface.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// It is not there, or not yet.
    #[error("find the interface {0}")]
    Missing(String),
    /// The kernel cannot be asked.
    #[error("ask for the interface {name}: {error}")]
    Ask {
        /// Its name.
        name: String,
        /// Why.
        error: Errno,
    },
    /// It has no Ethernet address.
    #[error("read the address of the interface {name}: {error}")]
    Hardware {
        /// Its name.
        name: String,
        /// Why.
        error: io::Error,
    },
}

impl Interface {
    /// Finds it.
    ///
    /// # Errors
    /// It is not there, or is no Ethernet.
    pub fn find(name: &str) -> Result<Self, InterfaceError> {
        let ask = |error| InterfaceError::Ask { name: name.to_owned(), error };
        let asking = socket(AddressFamily::INET, SocketType::DGRAM, None).map_err(ask)?;
        let index = match netdevice::name_to_index(&asking, name) {
            Ok(index) => index,
            Err(Errno::NODEV) => return Err(InterfaceError::Missing(name.to_owned())),
            Err(error) => return Err(ask(error)),
        };
        let hardware = fs::read_to_string(format!("/sys/class/net/{name}/address"))
            .and_then(|text| {
                hardware(text.trim()).ok_or_else(|| io::Error::other(format!("`{text}` is none")))
            })
            .map_err(|error| InterfaceError::Hardware { name: name.to_owned(), error })?;
        Ok(Self { name: name.to_owned(), index, hardware })
    }
}

/// Six bytes in hexadecimal with colons between.
fn hardware(text: &str) -> Option<[u8; 6]> {
    let bytes: Option<Vec<u8>> =
        text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_bytes_are_an_address() {
        assert_eq!(hardware("52:54:00:12:34:ff"), Some([0x52, 0x54, 0, 0x12, 0x34, 0xff]));
        for text in ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:xx"] {
            assert_eq!(hardware(text), None, "{text}");
        }
    }

    #[test]
    fn a_missing_interface_is_named() {
        let error = Interface::find("nosuch0").expect_err("no such");
        assert_eq!(error.to_string(), "find the interface nosuch0");
    }
}
