//! Where a handler's answer goes.

use super::label::Label;
use crate::error::PeerError;
use crate::link::Link;
use crate::proto::{Rejection, RequestId, encode};
use crate::transport::Output;
use serde::Serialize;
use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;

/// Writes answers into the transport's output, after whatever the handler sent before it [P-95].
pub(crate) struct Answers<'d> {
    link: &'d Arc<Link>,
    output: &'d mut Output,
    /// Whether an answer was written since the beginning.
    answered: bool,
}

impl<'d> Answers<'d> {
    pub(crate) fn new(link: &'d Arc<Link>, output: &'d mut Output) -> Self {
        Self { link, output, answered: false }
    }

    /// The end of a handler: its answer, if it was a request.
    pub(crate) fn end<T: Serialize>(&mut self, call: &Answering, outcome: Result<T, Rejection>) {
        match outcome {
            Ok(value) => self.result(call, &value),
            Err(rejection) => self.failed(call, &rejection),
        }
    }

    fn result<T: Serialize>(&mut self, call: &Answering, value: &T) {
        let Some(id) = call.id else { return };
        if let Err(source) = self.write(call.hint, |out| encode::result(out, id, value)) {
            self.reject(id, &Rejection::internal(source.to_string()));
            self.link.report(&PeerError::Encode { event: call.event.to_string(), source });
        }
    }

    fn failed(&mut self, call: &Answering, rejection: &Rejection) {
        if let Some(source) = rejection.source() {
            let source = source.to_string().into();
            self.link.report(&PeerError::Internal { event: call.event.to_string(), source });
        } else if call.id.is_none() {
            let reason = rejection.clone();
            self.link.report(&PeerError::EventFailed { event: call.event.to_string(), reason });
        }
        if let Some(id) = call.id {
            self.reject(id, rejection);
        }
    }

    /// Rejects a request.
    pub(crate) fn reject(&mut self, id: RequestId, rejection: &Rejection) {
        let written = self.write(0, |out| {
            encode::rejection(out, id, rejection);
            Ok::<(), Infallible>(())
        });
        match written {
            Ok(()) => {}
        }
    }

    /// The end of a handler that panicked.
    #[cold]
    pub(crate) fn panicked(&mut self, id: Option<RequestId>, event: &str, message: String) {
        self.link.report(&PeerError::Panicked { event: event.to_owned(), message });
        if let (Some(id), false) = (id, self.answered) {
            self.reject(id, &Rejection::new("internal error"));
        }
    }

    fn write<E>(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        if self.output.len() < self.link.end.limits.outbound_bytes {
            self.link.drain(self.output);
            self.output.text(hint, write)?;
        } else {
            // The peer does not read: the answer waits behind what was sent before it.
            let mut frame = Vec::new();
            write(&mut frame)?;
            self.link.respond(frame);
        }
        self.answered = true;
        Ok(())
    }
}

/// The call that is being answered.
#[derive(Clone)]
pub(crate) struct Answering {
    pub(crate) id: Option<RequestId>,
    pub(crate) event: Label,
    /// The length of its frame: a guess at that of the answer.
    pub(crate) hint: usize,
}
