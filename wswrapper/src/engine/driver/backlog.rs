//! Calls that wait to start.

use crate::proto::RequestId;
use crate::rt::Instant;
use crate::transport::Text;
use std::collections::{HashMap, VecDeque};

/// Events and requests that arrived while no handler could start, in order of arrival.
#[derive(Default)]
pub(super) struct Backlog {
    /// A cancelled request leaves `None` at its position.
    calls: VecDeque<Option<WaitingCall>>,
    /// The position of each request, counted from the first call after the backlog was last empty.
    requests: HashMap<RequestId, usize>,
    /// The position of the front of `calls`.
    first_position: usize,
    /// The number of calls, without cancelled ones.
    count: usize,
    /// The memory of these calls.
    bytes: usize,
}

struct WaitingCall {
    text: Text,
    id: Option<RequestId>,
    received_at: Instant,
}

impl WaitingCall {
    /// The memory of the call.
    fn bytes(&self) -> usize {
        self.text.len() + size_of::<Self>()
    }
}

impl Backlog {
    /// Adds a call.
    pub(super) fn push(&mut self, text: &Text, id: Option<RequestId>, received_at: Instant) {
        let position = self.first_position + self.calls.len();
        if let Some(older) = id.and_then(|id| self.requests.insert(id, position))
            && let Some(Some(older)) = self.calls.get_mut(older - self.first_position)
        {
            // Of two requests with the same id only the newer can be cancelled [P-38].
            older.id = None;
        }
        // Copied, because the text is a slice of a read buffer that may be large.
        let call = WaitingCall { text: text.to_unshared(), id, received_at };
        self.bytes += call.bytes();
        self.count += 1;
        self.calls.push_back(Some(call));
    }

    /// Removes the first call, and returns its text and the time of its arrival.
    pub(super) fn pop(&mut self) -> Option<(Text, Instant)> {
        while let Some(call) = self.calls.pop_front() {
            self.first_position += 1;
            if let Some(call) = call {
                if let Some(id) = call.id {
                    self.requests.remove(&id);
                }
                self.subtract(&call);
                return Some((call.text, call.received_at));
            }
        }
        None
    }

    /// Removes a request and returns its text, or `None` if there is none with the id.
    pub(super) fn cancel(&mut self, id: RequestId) -> Option<Text> {
        let position = self.requests.remove(&id)?;
        let call = self.calls.get_mut(position - self.first_position)?.take()?;
        self.subtract(&call);
        Some(call.text)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the number of waiting calls.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the memory of the waiting calls in bytes.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Subtracts a removed call from the totals, and compacts the queue if most of its positions are empty.
    fn subtract(&mut self, call: &WaitingCall) {
        self.bytes -= call.bytes();
        self.count -= 1;
        if self.count == 0 {
            *self = Self::default();
        } else if self.calls.len() > 64 + 2 * self.count {
            self.calls.retain(Option::is_some);
            self.calls.shrink_to_fit();
            let positions = self.calls.iter().flatten().zip(self.first_position..);
            self.requests = positions.filter_map(|(call, position)| Some((call.id?, position))).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn push(backlog: &mut Backlog, id: u64, text: &str) {
        backlog.push(&Text::from(text), RequestId::new(id), Instant::now());
    }

    fn cancel(backlog: &mut Backlog, id: u64) -> bool {
        backlog.cancel(RequestId::new(id).expect("in range")).is_some()
    }

    fn pop_all(backlog: &mut Backlog) -> Vec<Text> {
        std::iter::from_fn(|| backlog.pop()).map(|(frame, _)| frame).collect()
    }

    #[test]
    fn cancelled_requests_are_removed_and_the_rest_keep_their_order() {
        let mut backlog = Backlog::default();
        push(&mut backlog, 0, "first");
        assert!(backlog.pop().is_some());
        for n in 1..=1_000 {
            push(&mut backlog, n, &n.to_string());
        }
        for n in (1..=1_000).filter(|n| n % 100 != 0) {
            assert!(cancel(&mut backlog, n));
            assert!(!cancel(&mut backlog, n));
        }
        assert!(cancel(&mut backlog, 500));
        let expected = ["100", "200", "300", "400", "600", "700", "800", "900", "1000"].map(Text::from);
        assert_eq!(pop_all(&mut backlog), expected);
        assert!(!cancel(&mut backlog, 100));
        assert_eq!((backlog.is_empty(), backlog.bytes()), (true, 0));
    }

    #[test]
    fn cancelled_requests_occupy_no_memory() {
        let mut backlog = Backlog::default();
        push(&mut backlog, 1, "stays");
        let bytes = backlog.bytes();
        for n in 2..10_000 {
            push(&mut backlog, n, "goes");
            assert!(cancel(&mut backlog, n));
        }
        assert_eq!(backlog.bytes(), bytes);
        assert!(backlog.calls.capacity() <= 256 && backlog.requests.capacity() <= 256);
        assert!(cancel(&mut backlog, 1));
        assert_eq!((backlog.is_empty(), backlog.bytes(), backlog.calls.capacity()), (true, 0, 0));
    }

    #[test]
    fn cancelling_a_repeated_id_removes_only_the_newer_call() {
        let mut backlog = Backlog::default();
        for text in ["older", "newer"] {
            push(&mut backlog, 1, text);
        }
        assert!(cancel(&mut backlog, 1));
        for n in 2..200 {
            push(&mut backlog, n, "goes");
            assert!(cancel(&mut backlog, n));
        }
        assert!(!cancel(&mut backlog, 1));
        assert_eq!(pop_all(&mut backlog), [Text::from("older")]);
    }

    #[test]
    fn a_queued_call_does_not_keep_its_receive_buffer() {
        let mut backlog = Backlog::default();
        let buffer = Bytes::from(vec![b' '; 100_000]);
        let text = Text::try_from(buffer.slice(..9)).expect("it is UTF-8");
        backlog.push(&text, None, Instant::now());
        drop(text);
        assert!(buffer.is_unique());
        assert!(backlog.bytes() > 9, "a call is more than its frame");
    }
}
