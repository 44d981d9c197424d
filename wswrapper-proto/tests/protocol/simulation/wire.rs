//! Transfer of frames.

use super::Simulation;
use crate::outgoing::assert_valid;
use serde_json::Value;

/// The meaning of a frame for the request with this id.
pub(super) enum RequestFrame {
    Call(u64),
    Response(u64),
    Cancellation(u64),
}

impl RequestFrame {
    pub(super) fn of(frame: &str) -> Option<Self> {
        let frame: Value = serde_json::from_str(frame).expect("JSON");
        let id = frame.get("i")?.as_u64().expect("an id");
        let has = |key| frame.get(key).is_some();
        Some(match () {
            () if has("a") => Self::Call(id),
            () if has("x") => Self::Cancellation(id),
            () => Self::Response(id),
        })
    }
}

impl Simulation {
    /// Moves the frames that endpoints have queued to the wires.
    pub(super) fn transmit(&mut self) {
        for ((endpoint, wire), unanswered) in self.endpoints.iter_mut().zip(&mut self.wires).zip(&mut self.unanswered) {
            while let Some(frame) = endpoint.core.poll_transmit() {
                assert_valid(frame.as_bytes());
                let frame = String::from_utf8(frame.as_bytes().to_vec()).expect("UTF-8");
                if let Some(RequestFrame::Response(id)) = RequestFrame::of(&frame) {
                    assert!(unanswered.remove(&id), "a request is answered once: {frame}");
                }
                wire.push_back(frame);
            }
        }
    }
}
