//! Frames on their way.

use super::Simulation;
use crate::outgoing::assert_valid;
use serde_json::Value;

/// What a frame means for a request of this number.
pub(super) enum Request {
    Asked(u64),
    Answered(u64),
    Cancelled(u64),
}

impl Request {
    pub(super) fn of(frame: &str) -> Option<Self> {
        let frame: Value = serde_json::from_str(frame).expect("JSON");
        let id = frame.get("i")?.as_u64().expect("an id");
        let has = |key| frame.get(key).is_some();
        Some(match () {
            () if has("a") => Self::Asked(id),
            () if has("x") => Self::Cancelled(id),
            () => Self::Answered(id),
        })
    }
}

impl Simulation {
    /// Puts on the wires what the ends have to send.
    pub(super) fn transmit(&mut self) {
        for ((end, wire), asked) in self.ends.iter_mut().zip(&mut self.wires).zip(&mut self.asked) {
            while let Some(frame) = end.core.poll_transmit() {
                assert_valid(frame.as_bytes());
                let frame = String::from_utf8(frame.as_bytes().to_vec()).expect("UTF-8");
                if let Some(Request::Answered(id)) = Request::of(&frame) {
                    assert!(asked.remove(&id), "a request is answered once: {frame}");
                }
                wire.push_back(frame);
            }
        }
    }
}
