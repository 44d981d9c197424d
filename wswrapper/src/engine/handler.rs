//! The engine's view of a handler: it is started by a call, and may go on as a future that writes its own answer.

use super::answers::{Answers, Opened};
use super::call_state::CallState;
use super::channel_state::ChannelState;
use super::shared::Shared;
use crate::proto::{Arguments, Call, Rejection};
use crate::transport::Output;
use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// What the router finds for an event.
pub(crate) trait Handler: Send + Sync {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall>;
}

/// What the driver knows of a call.
pub(crate) struct Start<'c> {
    pub(crate) shared: &'c Arc<Shared>,
    pub(crate) call: &'c Call<'c>,
    pub(crate) arguments: Arguments<'c>,
    /// The length of the call's frame.
    pub(crate) hint: usize,
    pub(crate) output: &'c mut Output,
    /// The contexts of this call, made when the method wants one.
    pub(crate) state: &'c mut Option<Arc<CallState>>,
    pub(crate) sessions: &'c mut Sessions,
    /// The anonymous channel of the call.
    pub(crate) channel_state: Option<&'c Arc<ChannelState>>,
}

/// The per-connection services of a connection, each made when it is first called.
pub(crate) type Sessions = Vec<Option<Arc<dyn Any + Send + Sync>>>;

/// A handler that was started: already answered, or a future.
pub struct Started {
    pub(crate) running: Option<BoxRunning>,
    /// A channel that it has answered with already.
    pub(crate) opened: Option<Opened>,
}

/// A handler's future that writes its own answer.
pub(crate) type BoxRunning = Pin<Box<dyn Running>>;

/// See [`BoxRunning`].
pub(crate) trait Running: Send {
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>, answers: &mut Answers<'_>) -> Poll<()>;
}

/// Why a handler was not started.
#[derive(Debug)]
pub enum BadCall {
    /// The frame is not what it seemed to be; see [`Arguments`].
    NotJson,
    /// The arguments are wrong.
    Rejected(Rejection),
}

impl Started {
    pub(crate) fn running(running: BoxRunning) -> Self {
        Self { running: Some(running), opened: None }
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Started")
    }
}
