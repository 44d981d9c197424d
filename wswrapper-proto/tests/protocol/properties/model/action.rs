//! Actions on a connection.

use crate::proto::Role;
use proptest::sample::Index;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Receives a frame. A handler that it starts expires after this number of milliseconds.
    Receive(String, Option<u64>),
    Call {
        event: String,
        timeout: Option<u64>,
        send_timeout: bool,
        expected_role: Option<Role>,
    },
    /// Sends a request on an anonymous channel.
    CallOn(Index, Option<u64>),
    /// Continues a stream: a consumer starts or takes items, a producer sends them.
    Stream(Index, Option<u32>),
    /// Aborts a channel if true, otherwise closes it locally.
    CloseOrAbort(Index, bool),
    Emit(String, Vec<Value>),
    Cancel(Index),
    /// Sets the deadline of a call to this number of milliseconds from now.
    SetDeadline(Index, Option<u64>),
    Settle(Index),
    Advance(u64),
    Transmit,
    Connect,
    Disconnect,
}
