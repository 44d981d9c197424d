//! Properties that hold for any frame, any value, and any order of frames, calls and time.

mod ambiguous_frames;
mod connection;
mod decoders;
mod frames;
mod generate;
mod model;
mod reference;
mod round_trips;

use proptest::prelude::ProptestConfig;

/// Runs `times` times the usual number of cases, which `PROPTEST_CASES` sets.
fn multiplied_cases(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases * times, failure_persistence: None, ..usual }
}
