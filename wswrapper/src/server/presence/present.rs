//! One who is present, and the key by which a list of those present finds them.

use crate::engine::Shared;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A user, or a connection without a user, that is [present](super::Presence) in a room.
///
/// As JSON: `{"key":"user:ada","since":1767225600000,"meta":…}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Present<M> {
    /// The key, which is unique among those present.
    pub key: PresenceKey,
    /// The time of the first join. As JSON, the milliseconds since 1970, which is what `new Date(..)` of JavaScript takes.
    #[serde(serialize_with = "encode_time", deserialize_with = "decode_time")]
    pub since: SystemTime,
    /// The metadata that was passed by the latest join or update.
    pub meta: M,
}

/// The key of one who is [present](super::Presence).
///
/// As JSON and as text, it is `user:` and the user, or `peer:` and the number of the connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PresenceKey {
    /// A [user](crate::Peer::user), with one or more connections.
    User(Arc<str>),
    /// A connection without a user, by the [number](crate::connection::PeerId::get) that it has at the server.
    Peer(u64),
}

impl<M> Present<M> {
    pub(super) fn new(key: PresenceKey, meta: M) -> Self {
        Self { key, since: now(), meta }
    }

    /// Returns the user, or `None` if a connection without a user is present.
    pub fn user(&self) -> Option<&str> {
        self.key.user()
    }
}

impl PresenceKey {
    /// Returns the key under which a connection is shown.
    pub(super) fn of(shared: &Shared) -> Self {
        shared.membership.user().map_or_else(|| Self::Peer(shared.id.get()), Self::User)
    }

    /// Returns the user, or `None` for a connection without a user.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(user),
            Self::Peer(_) => None,
        }
    }
}

impl fmt::Display for PresenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Peer(peer) => write!(f, "peer:{peer}"),
        }
    }
}

impl Serialize for PresenceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PresenceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            Some(("user", user)) => Ok(Self::User(user.into())),
            Some(("peer", peer)) => peer.parse().map(Self::Peer).map_err(D::Error::custom),
            _ => Err(D::Error::custom("the key begins neither with `user:` nor with `peer:`")),
        }
    }
}

/// Returns the time in whole milliseconds, as it is on the wire.
fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis(since))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn encode_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(millis(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()))
}

fn decode_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let since = Duration::from_millis(u64::deserialize(deserializer)?);
    SystemTime::UNIX_EPOCH.checked_add(since).ok_or_else(|| D::Error::custom("the time is too late"))
}
