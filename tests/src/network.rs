//! A server that can be away, reached by the connector of a client.

use crate::connectors::Attempt;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::client::{ClientState, Reconnect};
use wswrapper::connection::Handshake;
use wswrapper::error::ConnectError;
use wswrapper::server::ServerBuilder;
use wswrapper::transport::memory::{self, Control};
use wswrapper::{Client, Peer, Server};

/// A network with one server, in memory. Clones are the same network.
#[derive(Clone, Debug)]
pub struct Network(Arc<Mutex<Contents>>);

#[derive(Debug)]
struct Contents {
    /// `None` while the server is away.
    server: Option<Server>,
    links: memory::Builder,
    /// The connections, in the order in which they were opened.
    controls: Vec<Control>,
    /// The times of the attempts to connect, from the beginning on.
    attempts: Vec<Duration>,
    began: Instant,
}

impl Network {
    /// Creates a network with this server.
    pub fn with(server: Server) -> Self {
        let contents = Contents {
            server: Some(server),
            links: memory::builder(),
            controls: Vec::new(),
            attempts: Vec::new(),
            began: Instant::now(),
        };
        Self(Arc::new(Mutex::new(contents)))
    }

    /// Creates a network with a new server.
    pub fn serving(server: ServerBuilder) -> Self {
        Self::with(server.build().expect("the services can be mounted"))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().expect("no thread panicked with the lock")
    }

    /// Returns a connector to the server, for any number of clients.
    pub fn connector(&self) -> impl Fn(u64) -> Ready<Attempt> + use<> {
        let network = self.clone();
        move |_attempt| ready(network.attempt())
    }

    fn attempt(&self) -> Attempt {
        let mut contents = self.contents();
        let elapsed = contents.began.elapsed();
        contents.attempts.push(elapsed);
        let server = contents.server.clone().ok_or_else(|| ConnectError::other("the server is away"))?;
        let (near, far) = contents.links.pair();
        contents.controls.push(near.control());
        drop(contents);
        server.accept_transport(far).map_err(ConnectError::other)?;
        Ok((near, Handshake::default()))
    }

    /// Connects a client that connects again by this policy.
    pub async fn client(&self, policy: Reconnect) -> Result<Client, ConnectError> {
        Client::builder().reconnect(policy).connect_with(self.connector()).await
    }

    /// Replaces the server, or takes it away. Connections stay.
    pub fn set_server(&self, server: Option<Server>) {
        self.contents().server = server;
    }

    /// Takes the server away, and cuts all connections.
    pub fn lose_server(&self) {
        self.set_server(None);
        self.cut();
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.contents().controls.iter().for_each(Control::cut);
    }

    /// Returns the control of the last connection.
    pub fn last(&self) -> Control {
        self.contents().controls.last().expect("a client has connected").clone()
    }

    /// Returns the time since the beginning.
    pub fn now(&self) -> Duration {
        self.contents().began.elapsed()
    }

    /// Returns the times of the attempts to connect.
    pub fn attempts(&self) -> Vec<Duration> {
        self.contents().attempts.clone()
    }
}

/// Returns the only peer of a server.
pub fn only_peer(server: &Server) -> Peer {
    let [peer] = server.peers().try_into().expect("the server has one peer");
    peer
}

/// Returns a text that tells the state of a client without its times and causes.
pub fn state_name(state: &ClientState) -> String {
    match state {
        ClientState::Connecting { attempt } => format!("connecting {attempt}"),
        ClientState::Open { epoch } => format!("open {epoch}"),
        ClientState::Waiting { .. } => "waiting".to_owned(),
        ClientState::Closed { .. } => "closed".to_owned(),
    }
}

/// Waits until the client has opened this connection.
pub async fn opened(client: &Client, number: u64) {
    let mut state = client.state();
    state
        .wait_for(|state| matches!(state, ClientState::Open { epoch } if *epoch >= number))
        .await
        .expect("the client has not ended");
}
