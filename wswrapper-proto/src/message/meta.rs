//! Metadata of a call: the object `m`.

use super::{Call, Resume};
use crate::TraceContext;
use crate::time::Duration;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The members of `m` that the core knows. A value of another type counts as absent.
#[derive(Deserialize)]
struct Meta<'m> {
    #[serde(borrow)]
    t: Option<&'m RawValue>,
    #[serde(borrow)]
    u: Option<&'m RawValue>,
    #[serde(borrow)]
    r: Option<&'m RawValue>,
    #[serde(borrow)]
    tp: Option<&'m RawValue>,
    #[serde(borrow)]
    ts: Option<&'m RawValue>,
}

impl Call<'_> {
    /// Returns the time that the caller waits for the response: the milliseconds in `m.t`.
    ///
    /// A value that is not a positive integer counts as absent.
    #[inline]
    pub fn caller_timeout(&self) -> Option<Duration> {
        let milliseconds = read(self.meta?)?.t?.get().parse().ok()?;
        Some(Duration::from_millis(milliseconds)).filter(|timeout| !timeout.is_zero())
    }

    /// Returns true if the caller of an upload listens on its channel from the creation on: `m.u` is 1.
    pub fn caller_listens(&self) -> bool {
        self.meta.and_then(read).and_then(|meta| meta.u).is_some_and(|mark| mark.get() == "1")
    }

    /// Returns the start of the resumable stream that the caller asks for: `m.r`.
    pub fn resume(&self) -> Option<Resume> {
        Resume::read(read(self.meta?)?.r?.get())
    }

    /// Returns the place of the call in a distributed trace: `m.tp` and `m.ts`. An invalid `m.tp` counts as absent,
    /// and so does an invalid or too long `m.ts`.
    #[inline]
    pub fn trace_context(&self) -> Option<TraceContext> {
        if self.may_have_trace_context() { read_trace_context(self.meta?) } else { None }
    }

    /// Returns false if the call has no [`trace_context`](Self::trace_context), at little cost.
    #[inline]
    pub fn may_have_trace_context(&self) -> bool {
        // A key may be escaped.
        self.meta.is_some_and(|meta| meta.get().contains("\"tp\"") || meta.get().contains('\\'))
    }
}

#[cold]
fn read_trace_context(meta: &RawValue) -> Option<TraceContext> {
    let Meta { tp, ts, .. } = read(meta)?;
    let text = |value: &RawValue| serde_json::from_str::<Cow<'_, str>>(value.get()).ok();
    TraceContext::read(&text(tp?)?, ts.and_then(text).as_deref())
}

fn read(meta: &RawValue) -> Option<Meta<'_>> {
    serde_json::from_str(meta.get()).ok()
}
