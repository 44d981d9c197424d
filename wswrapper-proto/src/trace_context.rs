//! The place of a call in a distributed trace.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

/// The place of a call in a distributed trace: `traceparent` and `tracestate` of the W3C recommendation [Trace Context],
/// which travel as `m.tp` and `m.ts` of a request [X-04].
///
/// [`Display`](fmt::Display) writes the `traceparent`, [`FromStr`] reads it.
///
/// ```
/// use wswrapper_proto::TraceContext;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: TraceContext = text.parse()?;
/// assert_eq!(format!("{:032x}", trace.trace_id()), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!(trace.is_sampled());
/// assert_eq!(trace.to_string(), text);
/// # Ok::<(), wswrapper_proto::TraceContextError>(())
/// ```
///
/// [Trace Context]: https://www.w3.org/TR/trace-context/
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TraceContext {
    trace_id: NonZeroU128,
    span_id: NonZeroU64,
    flags: u8,
    state: Option<Box<str>>,
}

/// An error of reading a `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a `traceparent` of the W3C recommendation Trace Context")]
pub struct TraceContextError;

impl TraceContext {
    /// The length of a `traceparent` of version 00, in bytes.
    pub const PARENT_BYTES: usize = 55;
    /// The length of the longest `tracestate` that is kept, in bytes.
    pub const MAX_STATE_BYTES: usize = 512;
    /// The flag of a trace that the caller may have recorded.
    pub const SAMPLED: u8 = 1;

    /// Creates the place of a span in a trace. The flags other than [`SAMPLED`](Self::SAMPLED) have no meaning yet.
    pub const fn new(trace_id: NonZeroU128, span_id: NonZeroU64, flags: u8) -> Self {
        Self { trace_id, span_id, flags, state: None }
    }

    /// Adds a `tracestate`. One that is empty, longer than 512 bytes or not printable ASCII is left out.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        let is_valid = !state.is_empty()
            && state.len() <= Self::MAX_STATE_BYTES
            && state.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        self.state = is_valid.then(|| state.into());
        self
    }

    /// Reads a `traceparent` and a `tracestate`. Returns `None` without a valid `traceparent`.
    pub fn read(parent: &str, state: Option<&str>) -> Option<Self> {
        let context: Self = parent.parse().ok()?;
        Some(state.map_or(context.clone(), |state| context.with_state(state)))
    }

    /// Returns the id of the trace.
    pub const fn trace_id(&self) -> NonZeroU128 {
        self.trace_id
    }

    /// Returns the id of the span, which is the parent of the spans that the call causes.
    pub const fn span_id(&self) -> NonZeroU64 {
        self.span_id
    }

    /// Returns the flags.
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns true if the caller may have recorded the trace.
    pub const fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// Returns the `tracestate`.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Returns the place of another span in the same trace.
    #[must_use]
    pub fn child(&self, span_id: NonZeroU64) -> Self {
        Self { span_id, ..self.clone() }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for TraceContext {
    type Err = TraceContextError;

    /// Reads a `traceparent`. Of a version later than 00 the known parts are read.
    fn from_str(text: &str) -> Result<Self, TraceContextError> {
        read_parent(text).ok_or(TraceContextError)
    }
}

fn read_parent(text: &str) -> Option<TraceContext> {
    let (known, rest) = text.split_at_checked(TraceContext::PARENT_BYTES)?;
    let [version, trace_id, span_id, flags] = fields(known)?;
    let is_known_form = match version {
        "ff" => false,
        "00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    let is_hex = |field: &str| field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_known_form || ![version, trace_id, span_id, flags].into_iter().all(is_hex) {
        return None;
    }
    Some(TraceContext::new(
        NonZeroU128::new(u128::from_str_radix(trace_id, 16).ok()?)?,
        NonZeroU64::new(u64::from_str_radix(span_id, 16).ok()?)?,
        u8::from_str_radix(flags, 16).ok()?,
    ))
}

/// Splits the known part of a `traceparent`, whose fields have fixed lengths.
fn fields(known: &str) -> Option<[&str; 4]> {
    let mut fields = known.split('-');
    let found = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    let lengths = found.map(str::len);
    (fields.next().is_none() && lengths == [2, 32, 16, 2]).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let context: TraceContext = VALID.parse().expect("it is valid");
        assert_eq!((context.to_string(), context.is_sampled()), (VALID.to_owned(), true));
        let other: TraceContext = VALID.replace("-01", "-00").parse().expect("it is valid");
        assert!(!other.is_sampled());
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        for later in [VALID.replacen("00", "cc", 1), format!("{}-what", VALID.replacen("00", "cc", 1))] {
            let context: TraceContext = later.parse().expect("it is valid");
            assert_eq!(context.to_string(), VALID);
        }
    }

    #[test]
    fn an_invalid_traceparent_is_an_error() {
        let cases = [
            String::new(),
            VALID[..54].to_owned(),
            format!("{VALID}-more"),
            format!("{VALID}0"),
            VALID.replacen("00", "ff", 1),
            format!("{}.what", VALID.replacen("00", "cc", 1)),
            VALID.to_uppercase(),
            VALID.replace('-', "_"),
            VALID.replace("4bf9", "+bf9"),
            VALID.replace("4bf9", "xbf9"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01".to_owned(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".to_owned(),
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01".to_owned(),
            "ä".repeat(40),
        ];
        for text in cases {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tracestate_that_is_too_long_or_not_printable_is_left_out() {
        let state = |state: &str| TraceContext::read(VALID, Some(state)).and_then(|it| it.state().map(str::to_owned));
        assert_eq!(state("rojo=1,congo=\"2\\\""), Some("rojo=1,congo=\"2\\\"".to_owned()));
        assert_eq!(state(&"x".repeat(512)), Some("x".repeat(512)));
        for invalid in ["", "x=\u{e4}", "x=\n", "x=\u{7f}", &"x".repeat(513)] {
            assert_eq!(state(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn a_child_is_in_the_same_trace() {
        let parent = TraceContext::read(VALID, Some("a=b")).expect("it is valid");
        let child = parent.child(7.try_into().expect("it is not zero"));
        assert_eq!(child.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01");
        assert_eq!(child.state(), Some("a=b"));
    }
}
