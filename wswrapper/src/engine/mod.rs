//! One connection: its task, the state that its handles share with it, and the ways to its handlers.

mod answers;
mod call_state;
mod driver;
mod extensions;
mod handler;
mod hooks;
mod id;
mod inbox;
mod label;
mod loan;
mod message_log;
mod router;
mod shared;
mod slot;
mod tasks;

pub use answers::{Answering, Answers, Response};
pub(crate) use answers::{Opened, Progress};
pub(crate) use call_state::CallState;
pub(crate) use driver::Driver;
pub use handler::{BadCall, Started};
pub(crate) use handler::{BoxRunning, Handler, Running, Start};
pub(crate) use hooks::Hooks;
pub use id::{Counters, PeerId};
pub(crate) use inbox::{Batch, StreamEnd, Taken, WINDOW};
pub(crate) use label::Label;
pub use message_log::{MessageKind, MessageLog};
pub(crate) use router::{DynamicHandlers, Entry, Found, Router, Times, handler_methods};
pub(crate) use shared::{BlockedThread, ChannelEnd, Link, LocalEnd};
pub(crate) use slot::{End, Expected, Waiting};
