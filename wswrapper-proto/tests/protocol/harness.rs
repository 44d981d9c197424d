//! Replays scenarios: parses a recording, performs each step, and compares the effects with the expected ones.

mod channels;
mod effects;
mod peer;
mod scenario;

use peer::Peer;
use scenario::{Recording, Scenario};
use serde_json::Value;

/// Returns the names of a recording's scenarios.
pub(crate) fn names(recording: &str) -> Vec<String> {
    parse(recording).scenarios.into_iter().map(|scenario| scenario.name).collect()
}

/// Replays one scenario of a recording.
pub(crate) fn replay_recorded(recording: &str, name: &str) {
    let recording = parse(recording);
    let found: Vec<_> = recording.scenarios.iter().filter(|scenario| scenario.name == name).collect();
    assert_eq!(found.len(), 1, "exactly one scenario has this name");
    run(found[0]);
}

/// Replays a scenario that a test contains itself.
pub(crate) fn replay(scenario: &Value) {
    run(&serde_json::from_value(scenario.clone()).expect("a scenario"));
}

fn parse(recording: &str) -> Recording {
    let recording: Recording = serde_json::from_str(recording).expect("a recording");
    assert_eq!(recording.format, 1);
    recording
}

fn run(scenario: &Scenario) {
    assert!(!scenario.steps.is_empty());
    let mut peer = Peer::new(scenario);
    for (number, step) in scenario.steps.iter().enumerate() {
        let seen = peer.act(&step.action);
        let expected: Vec<Value> = step.expect.iter().map(|entry| peer.fill_in(entry)).collect();
        if let Err(difference) = effects::compare(&expected, &seen) {
            panic!("{}, step {number}: {difference}\n{:?}\nall effects: {seen:?}", scenario.name, step.action);
        }
    }
}
