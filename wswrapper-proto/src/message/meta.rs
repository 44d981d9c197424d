//! Metadata of a call: the object `m`.

use super::Call;
use crate::time::Duration;
use serde::Deserialize;
use serde_json::value::RawValue;

impl Call<'_> {
    /// How long its caller says it waits: `m.t`; anything but a positive integer is its absence.
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
