//! Errors of rooms and users.

/// The longest name of a room or a user, in bytes.
const MAX_NAME: usize = 256;

/// An error of [joining a room](crate::Peer::join) or [naming a user](crate::Peer::set_user).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The connection is in [`max_rooms_per_peer`](crate::Limits::max_rooms_per_peer) rooms.
    #[error("the peer is in too many rooms: `max_rooms_per_peer` is {limit}")]
    TooManyOfPeer {
        /// The limit.
        limit: usize,
    },
    /// The server has [`max_rooms`](crate::Limits::max_rooms) rooms, and this would be a new one.
    #[error("there are too many rooms: `max_rooms` is {limit}")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The name of the room or the user is empty.
    #[error("the name is empty")]
    NameEmpty,
    /// The name has more than 256 bytes.
    #[error("the name has {size} bytes, and at most {MAX_NAME} are possible")]
    NameTooLong {
        /// The size of the name, in bytes.
        size: usize,
    },
}

impl GroupError {
    /// Fails if a name is empty or too long.
    pub(crate) fn check_name(name: &str) -> Result<(), Self> {
        match name.len() {
            0 => Err(Self::NameEmpty),
            1..=MAX_NAME => Ok(()),
            size => Err(Self::NameTooLong { size }),
        }
    }
}
