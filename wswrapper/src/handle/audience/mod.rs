//! Many peers as one target: all of a server, those in a room, those of a user.

mod calls;
mod channel;
mod each;
mod emit;
mod selecting;
mod waiting;

pub use calls::Calls;
pub use channel::AudienceChannel;
pub use each::Each;
pub use emit::{Delivery, EmitToAudience};

use super::peer::Peer;
use crate::call::target::{SendTo, UnnamedTarget};
use crate::call::{Call, Target, into_target};
use crate::close::{Close, CloseRequest};
use crate::engine::{Members, Selection};
use crate::error::SendError;
use crate::limits::Limits;
use crate::proto::EncodedCall;
use std::fmt;
use std::sync::Arc;

/// Many peers of a server, as a target for events.
///
/// It is [all peers](crate::Server::broadcast), those in a [room](crate::Server::room), those of a
/// [user](crate::Server::user), or a [union](Self::union) or [difference](Self::except) of such. It is the target of a
/// proxy, `NewsProxy::new(server.room("tea"))`, and sends events by name. Requests are sent to [each](Self::each) of its
/// peers. It is cheap to clone.
///
/// An audience is a selection and not a list: its peers are looked up each time that it is used.
///
/// An event is encoded once. The first poll of its future queues it for each peer that is selected then. A peer with a
/// full queue is left out, unless the event [says otherwise](EmitToAudience::on_full), so a slow peer never delays another.
/// While the server holds
/// [`max_buffered_bytes`](crate::Limits::max_buffered_bytes), each peer that holds a part of them is left out, too.
///
/// A peer in a room gets each event whose future was first polled after [`join`](Peer::join) had returned and before
/// [`leave`](Peer::leave) was called, once, and those of one sender in their order. It gets none whose future was ready
/// before `join` was called, or was first polled after `leave` had returned.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # let (_other_client, other_transport) = memory::pair();
/// # let client = Client::connect_transport(client_transport)?;
/// let peer = server.accept_transport(server_transport)?;
/// let other = server.accept_transport(other_transport)?;
/// peer.join("tea")?;
/// other.join("tea")?;
///
/// let delivery = server.room("tea").emit("news", ("hello",)).await?;
/// assert_eq!((delivery.sent, delivery.failed.len()), (2, 0));
/// let delivery = server.room("tea").except(&peer).emit("news", ("hello",)).await?;
/// assert_eq!(delivery.sent, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Audience {
    members: Arc<dyn Members>,
    selection: Selection,
    /// The size of an event, at most.
    max_message_size: usize,
}

impl Audience {
    pub(crate) fn new(members: &Arc<dyn Members>, limits: &Limits, selection: Selection) -> Self {
        let max_message_size = limits.max_outgoing_message_size;
        Self { members: Arc::clone(members), selection, max_message_size }
    }

    /// Returns the number of peers that are connected now.
    pub fn len(&self) -> usize {
        self.members.count(&self.selection)
    }

    /// Returns true if no peer is connected now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the peers that are connected now, in the order of their numbers.
    pub fn peers(&self) -> Vec<Peer> {
        self.members.select(&self.selection).iter().map(Peer::of).collect()
    }

    /// Starts to close the connections of all peers that are connected now; see [`Peer::close`]. Returns their number.
    pub fn close(&self, code: u16, reason: &str) -> usize {
        let members = self.members.select(&self.selection);
        for shared in &*members {
            shared.close(CloseRequest::local(Close::sendable(code), reason));
        }
        members.len()
    }

    /// Returns the target of requests to each of the peers.
    pub fn each(&self) -> Each<Self> {
        Each::new(self.clone())
    }

    pub(crate) fn send(&self, event: Result<EncodedCall, SendError>) -> EmitToAudience {
        EmitToAudience::new(self, event)
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience").field("selection", &self.selection).finish_non_exhaustive()
    }
}

impl SendTo for Audience {}
impl UnnamedTarget for Audience {}

impl Target for Audience {
    type Emit = EmitToAudience;
    /// Never made, because an audience is no [`RequestTarget`](crate::call::RequestTarget).
    type Request<T, E> = Call<T, E>;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAudience {
        self.send(event)
    }
}

into_target!(Audience);
