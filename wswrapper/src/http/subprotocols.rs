//! The subprotocols of a server.

use crate::error::MountError;
use http::{HeaderMap, HeaderName, header};

/// The supported subprotocols.
#[derive(Default, Debug)]
pub(crate) struct Subprotocols {
    names: Vec<String>,
    /// True if their order counts, and not that of the client.
    pub(crate) prefers_own: bool,
}

impl Subprotocols {
    pub(crate) fn add(&mut self, name: &str) -> Result<(), MountError> {
        add_subprotocol(&mut self.names, name)
    }

    /// Returns the first subprotocol that is both offered and supported.
    pub(super) fn choose(&self, headers: &HeaderMap) -> Option<&str> {
        let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
        let mut offers =
            values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim);
        let mut supported = self.names.iter().map(String::as_str);
        if self.prefers_own {
            let offers: Vec<_> = offers.collect();
            supported.find(|name| offers.contains(name))
        } else {
            offers.find_map(|offer| supported.clone().find(|name| *name == offer))
        }
    }
}

/// Adds a subprotocol to the names that are offered or supported.
pub(crate) fn add_subprotocol(names: &mut Vec<String>, name: &str) -> Result<(), MountError> {
    // A subprotocol is a token, like the name of a header.
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(MountError::Subprotocol(name.to_owned()));
    }
    if !names.iter().any(|other| other == name) {
        names.push(name.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_client_counts_unless_the_server_prefers_its_own() {
        let mut subprotocols = Subprotocols::default();
        for name in ["v3", "v2", "v1"] {
            subprotocols.add(name).expect("a token");
        }
        let mut headers = HeaderMap::new();
        for offers in ["v4,v1", "v2 , v3"] {
            headers.append(header::SEC_WEBSOCKET_PROTOCOL, offers.parse().expect("a value"));
        }
        assert_eq!(subprotocols.choose(&headers), Some("v1"));
        subprotocols.prefers_own = true;
        assert_eq!(subprotocols.choose(&headers), Some("v3"));
        assert_eq!(subprotocols.choose(&HeaderMap::new()), None);
    }
}
