//! Codes of the rejections that the implementation itself makes.
//!
//! They travel in the property `code`, beside the message. An application's own codes never begin with `ws:`. A code
//! never changes its meaning; more may be added.

/// No handler has the event's name.
pub const UNKNOWN_EVENT: &str = "ws:UnknownEvent";
/// The channel does not exist.
pub const UNKNOWN_CHANNEL: &str = "ws:UnknownChannel";
/// The arguments do not fit the handler's parameters.
pub const BAD_ARGUMENTS: &str = "ws:BadArguments";
/// The handler failed with an error that stays at its endpoint.
pub const INTERNAL: &str = "ws:Internal";
/// A bound on calls, channels, items or bytes is reached.
pub const TOO_MANY: &str = "ws:TooMany";
/// A message is larger than its endpoint sends, or a call than its guard allows.
pub const TOO_LARGE: &str = "ws:TooLarge";
/// The anonymous channel of the request was closed or aborted.
pub const CHANNEL_CLOSED: &str = "ws:ChannelClosed";
/// The connection is closing.
pub const CLOSING: &str = "ws:Closing";
/// The server finishes what runs and starts nothing new, because it is about to close.
pub const DRAINING: &str = "ws:Draining";

/// The connection is not authenticated yet.
pub const UNAUTHENTICATED: &str = "ws:Unauthenticated";
/// The caller may not make this call.
pub const FORBIDDEN: &str = "ws:Forbidden";
/// Too many such calls came in a short time.
pub const RATE_LIMITED: &str = "ws:RateLimited";
/// The time for the call at the endpoint that serves it is over.
pub const TIMED_OUT: &str = "ws:TimedOut";

/// The prefix of all codes of the implementation.
pub const PREFIX: &str = "ws:";
