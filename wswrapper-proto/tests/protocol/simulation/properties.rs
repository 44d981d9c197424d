//! Properties of two connected endpoints for any operations and any delays of frames.

use super::{Action, Kind, Operation, Simulation};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        1 => select(vec![Kind::Value, Kind::Refusal, Kind::Mistake]),
        1 => Just(Kind::Later),
        2 => Just(Kind::Channel),
        4 => Just(Kind::Stream),
        4 => Just(Kind::Upload),
    ]
}

/// Returns any action. `aborts` is the weight of the operations that abort a channel or its items.
fn action(aborts: u32) -> impl Strategy<Value = Action> {
    let operation = prop_oneof![
        8 => kind().prop_map(Operation::Call),
        3 => kind().prop_map(Operation::CallOn),
        2 => Just(Operation::Note),
        2 => Just(Operation::Settle),
        1 => Just(Operation::Cancel),
        6 => Just(Operation::Start),
        8 => Just(Operation::Take),
        12 => Just(Operation::Produce),
        aborts => Just(Operation::Abort),
        aborts => Just(Operation::Close),
        aborts => Just(Operation::AbortItems),
        aborts => Just(Operation::Stop),
        2 => Just(Operation::FinishUpload),
        30 => Just(Operation::Deliver),
        1 => Just(Operation::Advance),
    ];
    let connection = select(vec![Operation::Disconnect, Operation::Connect, Operation::Connect]);
    let operation = prop_oneof![60 => operation, 1 => connection];
    let endpoints = 0..2_usize;
    (endpoints, operation, any::<Index>(), 0..6_u32).prop_map(|(endpoint, operation, index, amount)| Action {
        endpoint,
        operation,
        index,
        amount,
    })
}

fn run(actions: &[Action]) -> Simulation {
    let mut simulation = Simulation::new();
    for action in actions {
        simulation.act(action);
    }
    simulation.finish();
    simulation
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_and_channels_finish_once_and_streams_are_complete(actions in vec(action(1), 0..400)) {
        run(&actions);
    }

    /// The simulation checks that each request of either endpoint has exactly one response, items and requests for
    /// results included.
    #[test]
    fn each_request_has_one_response_while_channels_are_aborted(actions in vec(action(6), 0..400)) {
        run(&actions);
    }
}

#[test]
fn many_streams_finish() {
    let mut runner = TestRunner::deterministic();
    let (mut finished, mut taken) = (0, 0);
    for _ in 0..50 {
        let simulation = run(&vec(action(1), 300).new_tree(&mut runner).expect("actions").current());
        finished += simulation.finished_streams;
        taken += simulation.taken_items;
    }
    assert!(finished > 150 && taken > 1000, "{finished} streams, {taken} items");
}
