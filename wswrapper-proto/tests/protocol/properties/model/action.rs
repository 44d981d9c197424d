//! What is done to a connection.

use crate::proto::Role;
use proptest::sample::Index;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A frame comes; a handler that it starts has this many milliseconds.
    Receive(String, Option<u64>),
    Call {
        event: String,
        timeout: Option<u64>,
        send_timeout: bool,
        expected_role: Option<Role>,
    },
    /// A request on an anonymous channel.
    CallOn(Index, Option<u64>),
    /// What a stream's end does of itself: starts and takes, or sends an item.
    Stream(Index, Option<u32>),
    /// A channel is aborted, or closed at this end alone.
    CloseOrAbort(Index, bool),
    Emit(String, Vec<Value>),
    Cancel(Index),
    /// A call gets so much time from now on.
    SetDeadline(Index, Option<u64>),
    Settle(Index),
    Advance(u64),
    Transmit,
    Connect,
    Disconnect,
}
