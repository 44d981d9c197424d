//! One connection: its task, the state that its handles share with it, and the ways to its handlers.

mod answers;
mod call_state;
mod channel_state;
mod connection_handle;
mod driver;
mod extensions;
mod handler;
mod hooks;
mod id;
mod inbox;
mod label;
mod loan;
mod members;
mod message_log;
mod router;
mod shared;
mod slot;
mod tasks;

pub(crate) use answers::Progress;
pub use answers::{Answering, Answers, Response};
pub(crate) use call_state::CallState;
pub(crate) use channel_state::{ChannelState, channel_closed_reason};
pub use connection_handle::ConnectionHandle;
pub(crate) use driver::Driver;
pub use handler::{BadCall, Started};
pub(crate) use handler::{BoxRunning, Handler, Running, Start};
pub(crate) use hooks::{CloseHook, ErrorHook, Hooks, MessageHook, OpenHook};
pub use id::{Counters, PeerId};
pub(crate) use inbox::{Batch, StreamFinish, Taken, WINDOW};
pub(crate) use label::Label;
pub(crate) use members::Members;
pub use message_log::{MessageKind, MessageLog};
pub use router::Mounted;
pub(crate) use router::{DynamicHandlers, Router, Times};
pub(crate) use shared::{BlockedThread, ChannelBinding, LocalEndpoint, Shared};
pub(crate) use slot::{Completion, Expected, SentCall};
