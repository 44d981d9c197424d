//! The trace of the handler that runs on this thread.

use crate::proto::TraceContext;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static CURRENT: RefCell<Option<Arc<TraceContext>>> = const { RefCell::new(None) };
}

/// Returns the trace of the handler that is polled on this thread.
#[inline]
pub(super) fn current_trace() -> Option<Arc<TraceContext>> {
    // Without the variable the thread is ending.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// A part of a handler's run in its trace. Its end restores the trace before it.
pub(super) struct EnteredTrace(Option<Arc<TraceContext>>);

impl EnteredTrace {
    pub(super) fn new(trace: &Arc<TraceContext>) -> Self {
        Self(replace(Some(Arc::clone(trace))))
    }
}

impl Drop for EnteredTrace {
    fn drop(&mut self) {
        replace(self.0.take());
    }
}

fn replace(trace: Option<Arc<TraceContext>>) -> Option<Arc<TraceContext>> {
    CURRENT.try_with(|current| current.replace(trace)).ok().flatten()
}
