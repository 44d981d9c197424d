//! The end of a stream that sends items.

use crate::RequestId;

/// The largest window that a consumer may have.
pub const LARGEST_WINDOW: u32 = 65_536;

/// How far a producer may go.
#[derive(Default, Debug)]
pub(super) struct Producer {
    /// Between `start` and the end; a consumer that has left may start again [P-88].
    running: bool,
    /// The first credit; none from a consumer that knows no credit.
    window: Option<u32>,
    in_hand: u32,
    /// An item that was sent as a request and is not answered yet [P-85].
    pub(super) unanswered: Option<RequestId>,
    ended: bool,
}

/// What a producer may send now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowance {
    /// Nothing: the consumer has not started, or has left.
    Idle,
    /// Nothing: the consumer is behind.
    Behind,
    /// So many items, each as an event.
    Items(u32),
    /// One item, as a request.
    OneRequest,
    /// Nothing any more: the channel is closed.
    Gone,
}

impl Producer {
    /// The consumer gives credit. What makes no sense is ignored.
    pub(super) fn credit(&mut self, items: u32) {
        match self.window {
            None if self.running || !(1..=LARGEST_WINDOW).contains(&items) => {}
            None => (self.window, self.in_hand) = (Some(items), items),
            Some(window) => {
                self.in_hand = self.in_hand.checked_add(items).filter(|sum| *sum <= window).unwrap_or(self.in_hand);
            }
        }
    }

    /// The consumer starts; while it runs, a further start is ignored [P-88].
    pub(super) fn start(&mut self) {
        self.running = true;
    }

    /// Nothing more is sent.
    pub(super) fn end(&mut self) {
        *self = Self { ended: true, unanswered: self.unanswered, ..Self::default() };
    }

    /// The consumer has answered an item; if not by taking it, it has left [P-85].
    pub(super) fn answered(&mut self, taken: bool) {
        self.unanswered = None;
        if !taken {
            *self = Self { ended: self.ended, ..Self::default() };
        }
    }

    pub(super) fn allowance(&self) -> Allowance {
        match (self.running, self.window) {
            _ if self.ended => Allowance::Gone,
            (true, None) if self.unanswered.is_none() => Allowance::OneRequest,
            (true, Some(_)) if self.in_hand > 0 => Allowance::Items(self.in_hand),
            (true, _) => Allowance::Behind,
            (false, _) => Allowance::Idle,
        }
    }

    pub(super) fn sent(&mut self, items: u32) {
        self.in_hand = self.in_hand.saturating_sub(items);
    }

    /// The first credit, once started.
    pub(super) fn window(&self) -> Option<u32> {
        self.window.filter(|_| self.running)
    }
}
