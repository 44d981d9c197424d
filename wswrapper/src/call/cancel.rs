//! Cancellation of calls, by their callers or because their future was dropped [P-50].

use super::raw::{RawCall, Stage};
use crate::proto::Reason;
use std::mem;

impl RawCall {
    /// Cancels the call. Does nothing if the call has finished.
    pub(crate) fn cancel(&mut self, reason: Option<&Reason>) {
        if let Stage::Started(call) = mem::replace(&mut self.stage, Stage::Finished) {
            self.connection.shared().cancel_call(&call, reason);
        }
    }
}

impl Drop for RawCall {
    fn drop(&mut self) {
        self.cancel(None);
    }
}
