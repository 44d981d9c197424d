//! Rooms, users, and requests to many peers.

mod concurrent;
mod each;
mod rooms;
mod users;

use std::sync::{Arc, Mutex};
use wswrapper::transport::memory;
use wswrapper::{Client, Peer, Server};

/// A client that keeps the texts of the event `news`, and its peer at the server.
struct Listener {
    client: Client,
    peer: Peer,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn of(server: &Server) -> Self {
        let (near, far) = memory::pair();
        let client = Client::connect_transport(near).expect("nothing is mounted");
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let texts = Arc::clone(&heard);
        let listen = move |text: String| {
            texts.lock().expect("no thread panicked").push(text);
            async {}
        };
        client.on("news", listen.clone()).expect("a good name");
        client.channel("paper").on("news", listen).expect("a good name");
        let peer = server.accept_transport(far).expect("the server is open");
        Self { client, peer, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no thread panicked").clone()
    }
}

/// Connects clients to a server.
fn listeners<const N: usize>(server: &Server) -> [Listener; N] {
    std::array::from_fn(|_| Listener::of(server))
}
