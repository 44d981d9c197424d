//! The close of a connection: its request and its result.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The status code and the reason of a close frame.
///
/// The protocol gives them no meaning [P-96]. The constants are the status codes that RFC 6455 and its registry name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Close {
    /// The status code.
    ///
    /// 1000 is a normal close, 1001 an endpoint that goes away. 1005 and 1006 are never sent: they stand for a close
    /// without a status, and for a connection that was lost without a closing handshake. Applications use 4000 to 4999.
    pub code: u16,
    /// The reason, for humans. At most 123 bytes are sent.
    pub reason: String,
}

impl Close {
    /// A normal close: the connection has served its purpose.
    pub const NORMAL: u16 = 1000;
    /// The endpoint goes away: a server shuts down, or a page was left.
    pub const GOING_AWAY: u16 = 1001;
    /// A violation of the WebSocket protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A kind of data that the endpoint cannot accept.
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// Reserved, without a meaning. It is never sent.
    pub const RESERVED: u16 = 1004;
    /// The status of a close frame without a status. It is never sent.
    pub const NO_STATUS: u16 = 1005;
    /// The status of a connection that was closed without a closing handshake. It is never sent.
    pub const ABNORMAL: u16 = 1006;
    /// A message with invalid data: a text that is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// A violation of a policy that no other status describes.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message that is too large.
    pub const MESSAGE_TOO_BIG: u16 = 1009;
    /// The server did not choose an extension that the client needs.
    pub const MANDATORY_EXTENSION: u16 = 1010;
    /// The endpoint failed, for example its [`on_open`](crate::server::ServerBuilder::on_open) hook.
    pub const INTERNAL_ERROR: u16 = 1011;
    /// The service restarts. The client may connect again.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The server is overloaded. The client may connect again later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// A gateway received an invalid response from the server behind it.
    pub const BAD_GATEWAY: u16 = 1014;
    /// The TLS handshake failed. It is never sent.
    pub const TLS_HANDSHAKE: u16 = 1015;

    /// The largest reason of a close frame, in bytes.
    const MAX_REASON: usize = 123;

    /// Returns the status, or 1005 instead of one that may not be sent.
    pub(crate) fn sendable(code: u16) -> u16 {
        if matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) { code } else { Self::NO_STATUS }
    }

    /// Returns the part of the reason that fits into a close frame.
    pub(crate) fn sent_reason(&self) -> &str {
        cut(&self.reason, Self::MAX_REASON)
    }

    /// Creates a close with this status code and reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// The cause of a connection's close.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CloseCause {
    /// The local endpoint closed or aborted the connection.
    Local,
    /// The peer sent a close frame.
    Remote,
    /// The transport ended or failed without a close frame. The error of a failure is the
    /// [source](Error::source) of [`Closed`].
    Lost,
    /// The peer violated a rule of the transport, status 1002 or 1007.
    Violation,
    /// The peer read nothing for [`write_timeout`](crate::Limits::write_timeout) and was disconnected.
    Unread,
    /// The peer exceeded a limit of the local endpoint, status 1008, 1009 or 1013.
    Limit,
    /// The peer sent nothing for [`heartbeat_interval`](crate::Limits::heartbeat_interval), and nothing for
    /// [`heartbeat_grace`](crate::Limits::heartbeat_grace) after a ping, and was disconnected.
    Heartbeat,
}

impl CloseCause {
    /// Returns the cause of a close by which the local endpoint responds to what the peer has sent.
    pub(crate) fn of_violation(close: &Close) -> Self {
        match close.code {
            Close::POLICY_VIOLATION | Close::MESSAGE_TOO_BIG | Close::TRY_AGAIN_LATER => Self::Limit,
            _ => Self::Violation,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Local => "this endpoint closed the connection",
            Self::Remote => "the peer closed the connection",
            Self::Lost => CONNECTION_LOST,
            Self::Violation => "the peer violated the protocol",
            Self::Unread => "the peer was disconnected",
            Self::Limit => "the peer exceeded a limit",
            Self::Heartbeat => "the peer did not answer a ping",
        }
    }
}

/// The reason of a connection whose transport ended without an error.
pub(crate) const CONNECTION_LOST: &str = "the connection was lost";

/// The result of a connection: how and why it was closed.
///
/// Two results are equal if their status, reason and cause are equal.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The status code: 1000 is a normal close, 1005 a close without a status, 1006 a lost or aborted connection.
    ///
    /// See [`Close::code`](crate::transport::Close::code).
    pub code: u16,
    /// The reason in the close frame, or a description of the failure.
    pub reason: String,
    /// The cause: the endpoint or the failure that closed the connection.
    pub cause: CloseCause,
    /// The error of a transport that failed.
    error: Option<Arc<io::Error>>,
}

impl Closed {
    /// The result of a close frame.
    pub(crate) fn new(cause: CloseCause, close: &Close) -> Self {
        Self { code: close.code, reason: close.reason.clone(), cause, error: None }
    }

    /// The result of a connection that ended without a closing handshake.
    pub(crate) fn abnormal(cause: CloseCause, reason: impl Into<String>) -> Self {
        Self { code: Close::ABNORMAL, reason: reason.into(), cause, error: None }
    }

    /// The result of a connection whose transport has panicked with this message.
    pub(crate) fn transport_panicked(message: &str) -> Self {
        Self::abnormal(CloseCause::Lost, format!("the transport panicked: {message}"))
    }

    /// The result of a transport that ended, by an error if there is one.
    pub(crate) fn lost(error: Option<Arc<io::Error>>) -> Self {
        let reason = error.as_deref().map_or_else(|| CONNECTION_LOST.to_owned(), describe);
        Self { error, ..Self::abnormal(CloseCause::Lost, reason) }
    }
}

impl PartialEq for Closed {
    fn eq(&self, other: &Self) -> bool {
        (self.code, &self.reason, self.cause) == (other.code, &other.reason, other.cause)
    }
}

impl Eq for Closed {}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = self.cause.sentence();
        write!(f, "{sentence} (status {})", self.code)?;
        if self.reason.is_empty() || self.reason == sentence { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

impl Error for Closed {
    /// Returns the error of a transport that failed.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.as_deref().map(|error| error as _)
    }
}

/// Describes an error of a transport. The system's texts end with the number of the error, so they are replaced.
pub(crate) fn describe(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof, WriteZero};
    // An error with a message of its own, for example one of TLS.
    if error.get_ref().is_some() {
        return error.to_string();
    }
    match error.kind() {
        ConnectionReset => "the peer reset the connection".to_owned(),
        ConnectionAborted => "the connection was aborted".to_owned(),
        BrokenPipe | WriteZero => "the peer no longer accepts data".to_owned(),
        UnexpectedEof => "the peer ended the connection too early".to_owned(),
        TimedOut => "the network did not respond in time".to_owned(),
        kind => kind.to_string(),
    }
}

/// The reason in the close frame of a server that closes.
pub(crate) const SERVER_CLOSES: &str = "the server is closing";
/// The reason in the close frame of a connection that was drained alone.
pub(crate) const CONNECTION_DRAINED: &str = "the connection was drained";
/// The reason of a connection that a handle has aborted.
pub(crate) const ABORTED: &str = "aborted";

/// A request to close a connection.
#[derive(Clone)]
pub(crate) enum CloseRequest {
    /// With the closing handshake, after all queued frames.
    Close(Close, CloseCause),
    /// Like a close with status 1001, because the server closes. What runs is counted as cut off.
    ServerCloses,
    /// Like a close with status 1001, because the connection was drained, for its age or by a handle.
    Drained,
    /// At once, without the closing handshake.
    Abort,
}

impl CloseRequest {
    /// A close that the local endpoint has decided on.
    pub(crate) fn local(code: u16, reason: impl Into<String>) -> Self {
        Self::Close(Close::new(code, reason), CloseCause::Local)
    }

    /// Returns the result of the connection, if the peer does not close it before.
    pub(crate) fn result(&self) -> Closed {
        match self {
            Self::Close(close, cause) => Closed::new(*cause, close),
            Self::ServerCloses => Closed::new(CloseCause::Local, &Close::new(Close::GOING_AWAY, SERVER_CLOSES)),
            Self::Drained => Closed::new(CloseCause::Local, &Close::new(Close::GOING_AWAY, CONNECTION_DRAINED)),
            Self::Abort => Closed::abnormal(CloseCause::Local, ABORTED),
        }
    }
}

/// Returns the longest beginning of `text` that has at most `max_bytes` bytes and ends between two characters.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::{Close, CloseCause, Closed, cut, describe};
    use std::error::Error;
    use std::io;
    use std::sync::Arc;

    #[test]
    fn a_result_is_shown_with_its_cause_status_and_reason() {
        let enough = Close::new(4001, "enough");
        let shown = |closed: Closed| closed.to_string();
        assert_eq!(
            shown(Closed::new(CloseCause::Remote, &enough)),
            "the peer closed the connection (status 4001): enough"
        );
        assert_eq!(shown(Closed::abnormal(CloseCause::Local, "")), "this endpoint closed the connection (status 1006)");
        assert_eq!(shown(Closed::lost(None)), "the connection was lost (status 1006)");
    }

    #[test]
    fn an_error_of_the_system_is_shown_without_its_number_and_kept_as_the_source() {
        let reset = io::Error::from_raw_os_error(104);
        assert_eq!(
            (reset.kind(), describe(&reset).as_str()),
            (io::ErrorKind::ConnectionReset, "the peer reset the connection")
        );
        let closed = Closed::lost(Some(Arc::new(reset)));
        let source = closed.source().and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(source.and_then(io::Error::raw_os_error), Some(104));
        let unreachable = Closed::lost(Some(Arc::new(io::Error::from(io::ErrorKind::HostUnreachable))));
        assert_eq!(unreachable.to_string(), "the connection was lost (status 1006): host unreachable");
        assert_eq!(describe(&io::Error::other("the certificate has expired")), "the certificate has expired");
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(["", "a", "aä", "aäb"].map(|text| cut(text, 2)), ["", "a", "a", "a"]);
        assert_eq!(["", "a", "aä", "aäb"].map(|text| cut(text, 3)), ["", "a", "aä", "aä"]);
        assert_eq!((cut("😀", 3), cut("😀", 4), cut("😀", 0)), ("", "😀", ""));
    }
}
