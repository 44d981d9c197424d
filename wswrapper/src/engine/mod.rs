//! One connection: its task, the state that its handles share with it, and the ways to its handlers.

mod answers;
mod driver;
mod extensions;
mod hooks;
mod inbox;
mod label;
mod message_log;
mod router;
mod shared;
mod tasks;

pub use answers::{Answering, Answers};
pub(crate) use answers::{Loan, Opened, Progress};
pub(crate) use driver::Driver;
pub(crate) use hooks::Hooks;
pub(crate) use inbox::{Batch, StreamEnd, WINDOW};
pub(crate) use label::Label;
pub use message_log::{MessageKind, MessageLog};
pub(crate) use router::{DynamicHandlers, Entry, Found, Router, Times, handler_methods};
pub(crate) use shared::{BlockedThread, ChannelEnd, Link, LocalEnd};
