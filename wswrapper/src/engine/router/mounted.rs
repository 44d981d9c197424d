//! The methods of a service, before they are mounted.

use super::Entry;
use crate::engine::channel_names::ParameterCheck;
use crate::engine::handler::{Handler, SessionFactory};
use crate::engine::layers::{GuardedHandler, Step};
use std::fmt;

/// The handlers of a service, with the names of their events.
pub struct Mounted {
    pub(super) methods: Vec<MountedMethod>,
    /// The parameters that the methods take from the name of their channel.
    pub(super) parameters: Vec<ParameterCheck>,
    /// The index and the factory of the sessions, for a service with an instance for each connection.
    pub(super) session: Option<(usize, SessionFactory)>,
}

/// A method of a service.
pub(crate) struct MountedMethod {
    pub(crate) event: &'static str,
    /// The guards of the method alone.
    pub(crate) guards: Vec<Step>,
    pub(crate) handler: Box<dyn Handler>,
}

impl Mounted {
    pub(crate) fn new(methods: impl Iterator<Item = MountedMethod>, parameters: Vec<ParameterCheck>) -> Self {
        Self { methods: methods.collect(), parameters, session: None }
    }

    pub(crate) fn with_session(self, index: usize, make: SessionFactory) -> Self {
        Self { session: Some((index, make)), ..self }
    }

    /// Returns the handlers on a channel that is no pattern.
    pub(crate) fn into_handlers(self) -> impl Iterator<Item = (&'static str, Box<dyn Handler>)> {
        self.methods.into_iter().map(|method| (method.event, GuardedHandler::of_method(method.guards, method.handler)))
    }

    pub(crate) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.into_handlers().map(|(event, handler)| Entry::new(event, handler))
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods.iter().map(|method| method.event)).finish()
    }
}
