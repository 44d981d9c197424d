//! Metadata of a call: the object `m`.

use super::Call;
use crate::time::Duration;
use serde::Deserialize;
use serde_json::value::RawValue;

impl Call<'_> {
    /// Returns the time that the caller waits for the response: the milliseconds in `m.t`.
    ///
    /// A value that is not a positive integer counts as absent.
    pub fn caller_timeout(&self) -> Option<Duration> {
        #[derive(Deserialize)]
        struct Meta<'m> {
            #[serde(borrow)]
            t: &'m RawValue,
        }
        let meta: Meta<'_> = serde_json::from_str(self.meta?.get()).ok()?;
        meta.t.get().parse().ok().filter(|t| *t > 0).map(Duration::from_millis)
    }
}
