//! A named channel of a server.

use super::Server;
use crate::service::handler_methods;
use std::sync::Arc;

/// A named channel of all of a server's connections.
#[derive(Clone, Debug)]
pub struct ServerChannel {
    server: Server,
    name: Arc<str>,
}

impl ServerChannel {
    pub(super) fn new(server: Server, name: &str) -> Self {
        Self { server, name: name.into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    handler_methods!("of any peer on the channel", self => &self.server.inner.endpoint.handlers, Some(&self.name));
}
