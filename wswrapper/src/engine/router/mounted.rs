//! The methods of a service, before they are mounted.

use super::Entry;
use crate::engine::handler::{Handler, SessionFactory};
use std::fmt;

/// The handlers of a service, with the names of their events.
pub struct Mounted {
    pub(super) handlers: Vec<(&'static str, Box<dyn Handler>)>,
    /// The index and the factory of the sessions, for a service with an instance for each connection.
    pub(super) session: Option<(usize, SessionFactory)>,
}

impl Mounted {
    pub(crate) fn new(handlers: impl Iterator<Item = (&'static str, Box<dyn Handler>)>) -> Self {
        Self { handlers: handlers.collect(), session: None }
    }

    pub(crate) fn with_session(self, index: usize, make: SessionFactory) -> Self {
        Self { session: Some((index, make)), ..self }
    }

    pub(crate) fn into_handlers(self) -> impl Iterator<Item = (&'static str, Box<dyn Handler>)> {
        self.handlers.into_iter()
    }

    pub(crate) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.handlers.into_iter().map(|(event, handler)| Entry::new(event, handler))
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|(event, _)| event)).finish()
    }
}
