//! The methods of a service. Each has a shim: a function that decodes the arguments of a call and starts the method.

use super::invocation::Invocation;
use super::layer::{Guard, guard_step};
use crate::engine::{
    BadCall, Handler, Label, Mounted, MountedMethod, ParameterCheck, SessionFactory, Start, Started, Step, displays_as,
};
use crate::handle::Peer;
use crate::proto::Rejection;
use crate::value::ChannelParameter;
use std::sync::Arc;
use std::{fmt, mem};

/// The methods of a service of type `S`. The expansion of a macro adds them.
pub struct Methods<S> {
    methods: Vec<Method<S>>,
    parameters: Vec<ParameterCheck>,
}

pub(super) struct Method<S> {
    event: &'static str,
    parameters: &'static [&'static str],
    shim: Shim<S>,
    guards: Vec<Step>,
}

/// Decodes the arguments of a call and starts its handler.
type Shim<S> = for<'c> fn(Invocation<'c, S>) -> Result<Started, BadCall>;

impl<S> Methods<S> {
    /// Adds a method that is called by requests.
    pub fn request(&mut self, event: &'static str, parameters: &'static [&'static str], shim: Shim<S>) {
        self.methods.push(Method { event, parameters, shim, guards: Vec::new() });
    }

    /// Adds a parameter that the methods take from the name of their channel.
    pub fn parameter<T: ChannelParameter>(&mut self, name: &'static str) {
        // A value that displays as another text would have several names.
        let accepts = |text: &str| T::from_str(text).is_ok_and(|value| displays_as(&value, text));
        self.parameters.push(ParameterCheck { name, accepts });
    }

    /// Adds a guard for the method that was added last.
    pub fn guard(&mut self, guard: impl Guard) {
        if let Some(method) = self.methods.last_mut() {
            method.guards.push(guard_step(guard));
        }
    }

    /// Adds a method that is called by events.
    ///
    /// It is served like any other method, because the call decides if an answer is sent.
    pub fn event(&mut self, event: &'static str, parameters: &'static [&'static str], shim: Shim<S>) {
        self.request(event, parameters, shim);
    }
}

impl<S> fmt::Debug for Methods<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods.iter().map(|method| method.event)).finish()
    }
}

/// A method of one object that serves all connections.
pub(super) struct SharedService<S> {
    pub(super) service: Arc<S>,
    pub(super) method: Method<S>,
}

impl<S: Send + Sync> Handler for SharedService<S> {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        self.method.start(Arc::clone(&self.service), start)
    }
}

/// A method of a service with one object for each connection.
struct PerConnection<S> {
    make: SessionFactory,
    /// The index of the object in the connection's sessions.
    session_index: usize,
    method: Method<S>,
}

impl<S: Send + Sync + 'static> Handler for PerConnection<S> {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        let session = start.epoch.session(self.session_index, || (self.make)(start.answers.shared));
        match session.downcast() {
            Ok(session) => self.method.start(session, start),
            // Unreachable: no other service has this index.
            Err(_) => Err(BadCall::Rejected(Rejection::internal_error())),
        }
    }
}

impl<S> Method<S> {
    fn start(&self, service: Arc<S>, start: Start<'_>) -> Result<Started, BadCall> {
        (self.shim)(Invocation { service, event: Label::Fixed(self.event), parameters: self.parameters, start })
    }
}

/// Collects the methods of a service as handlers.
pub(super) fn handlers<S>(
    add_methods: impl FnOnce(&mut Methods<S>),
    to_handler: impl Fn(Method<S>) -> Box<dyn Handler>,
) -> Mounted {
    let mut methods = Methods { methods: Vec::new(), parameters: Vec::new() };
    add_methods(&mut methods);
    let Methods { methods, parameters } = methods;
    let methods = methods.into_iter().map(|mut method| {
        let (event, guards) = (method.event, mem::take(&mut method.guards));
        MountedMethod { event, guards, handler: to_handler(method) }
    });
    Mounted::new(methods, parameters)
}

/// Collects the methods of a service with one object for each connection.
pub(super) fn handlers_per_connection<S: Send + Sync + 'static>(
    add_methods: impl FnOnce(&mut Methods<S>),
    make: impl Fn(&Peer) -> Arc<S> + Send + Sync + 'static,
    session_index: usize,
) -> Mounted {
    let make: SessionFactory = Arc::new(move |shared| make(&Peer::of(shared)));
    handlers(add_methods, |method| Box::new(PerConnection { make: Arc::clone(&make), session_index, method }))
        .with_session(session_index, make)
}
