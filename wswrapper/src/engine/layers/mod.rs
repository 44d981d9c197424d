//! Layers and guards: what a call passes before its handler.
//!
//! A [`Step`] is a guard, which only says yes or rejects, or a layer, which is a future around the rest. The steps of the
//! whole server or client, and those of a channel, come before the lookup of the handler, so each kind of call passes
//! them, and a rejected one takes no one-shot handler out. Those of a service are a part of its handlers.
//!
//! A call that meets only guards pays for no allocation. At the first layer it becomes a [`LayeredCall`], which keeps its
//! frame. The future of the layer polls the rest in place, by the loan of the output (`engine/loan.rs`).

mod call;
mod next;
mod reply;
mod running;
mod steps;

pub(crate) use call::{CallView, LayeredCall};
pub(crate) use next::Next;
pub(crate) use reply::Reply;
pub(crate) use running::LayeredRunning;
pub(crate) use steps::{CallSteps, FirstLayer, GuardedHandler, Step, Steps, asked, pass_guards};

use super::handler::BoxRunning;
use crate::proto::Rejection;

/// A guard, without the types of users.
pub(crate) trait CheckCall: Send + Sync {
    /// Fails with the rejection of the call.
    fn check(&self, call: CallView<'_>) -> Result<(), Rejection>;
}

/// A layer, without the types of users.
pub(crate) trait StartLayer: Send + Sync {
    /// Returns false if the layer lets the call pass as if it were not there.
    fn applies(&self, call: CallView<'_>) -> bool;

    /// Creates the future around the rest of the call, a [`LayeredRunning`].
    fn start(&self, call: LayeredCall, next: Next) -> BoxRunning;
}
