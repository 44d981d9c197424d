//! The items of a stream of changes.

use super::present::{PresenceKey, Present};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An item of [`Presence::changes`](super::Presence::changes).
///
/// As JSON it has a type, and those whom it is about: `{"type":"snapshot","who":[…]}`, `{"type":"joined","who":{…}}`, and
/// likewise `"changed"` and `"left"`. [`Present`] shows the objects.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use wswrapper::server::PresenceChange;
/// let mut present = BTreeMap::new();
/// for item in [
///     r#"{"type":"snapshot","who":[{"key":"user:ada","since":1767225600000,"meta":"tea"}]}"#,
///     r#"{"type":"joined","who":{"key":"peer:7","since":1767225601000,"meta":"coffee"}}"#,
///     r#"{"type":"left","who":{"key":"user:ada","since":1767225600000,"meta":"tea"}}"#,
/// ] {
///     let change: PresenceChange<String> = serde_json::from_str(item)?;
///     assert_eq!(serde_json::to_string(&change)?, item);
///     change.apply(&mut present);
/// }
/// let drinks: Vec<_> = present.values().map(|present| &present.meta).collect();
/// assert_eq!(drinks, ["coffee"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "who", rename_all = "camelCase")]
pub enum PresenceChange<M> {
    /// All who are present, in the order of their keys. It replaces all that was known before.
    Snapshot(Vec<Present<M>>),
    /// One is present who was not.
    Joined(Present<M>),
    /// One who is present has other metadata.
    Changed(Present<M>),
    /// One is present no more. The metadata is the last.
    Left(Present<M>),
}

impl<M> PresenceChange<M> {
    /// Applies the change to a list of those present, which is a copy of the server's after each change.
    pub fn apply(self, present: &mut BTreeMap<PresenceKey, Present<M>>) {
        match self {
            Self::Snapshot(all) => *present = all.into_iter().map(|present| (present.key.clone(), present)).collect(),
            Self::Joined(one) | Self::Changed(one) => {
                present.insert(one.key.clone(), one);
            }
            Self::Left(one) => {
                present.remove(&one.key);
            }
        }
    }
}
