//! What holds for any frame, any value, and any order of frames, calls and time.

#[path = "properties/connection.rs"]
mod connection;
#[path = "properties/frames.rs"]
mod frames;
mod generate;
mod model;
mod outgoing;
#[path = "properties/rules.rs"]
mod rules;
#[path = "properties/traps.rs"]
mod traps;
#[path = "properties/trips.rs"]
mod trips;
#[path = "properties/ways.rs"]
mod ways;

use proptest::prelude::ProptestConfig;

/// So many times the usual number of cases, which `PROPTEST_CASES` sets.
fn many(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases * times, failure_persistence: None, ..usual }
}
