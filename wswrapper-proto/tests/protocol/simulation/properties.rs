//! What holds for two ends together, whatever they do and however long the wire keeps their frames.

use super::{Action, Kind, Simulation, What};
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

fn action() -> impl Strategy<Value = Action> {
    let what = prop_oneof![
        8 => kind().prop_map(What::Call),
        3 => kind().prop_map(What::CallOn),
        2 => Just(What::Note),
        2 => Just(What::Settle),
        1 => Just(What::Cancel),
        6 => Just(What::Start),
        8 => Just(What::Take),
        12 => Just(What::Produce),
        1 => Just(What::Abort),
        1 => Just(What::Close),
        1 => Just(What::AbortItems),
        1 => Just(What::Leave),
        2 => Just(What::AnswerUpload),
        30 => Just(What::Deliver),
        1 => Just(What::Advance),
    ];
    let connection = select(vec![What::Disconnect, What::Connect, What::Connect]);
    let what = prop_oneof![60 => what, 1 => connection];
    let ends = 0..2_usize;
    (ends, what, any::<Index>(), 0..6_u32).prop_map(|(end, what, which, amount)| Action { end, what, which, amount })
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
    fn calls_and_channels_finish_once_and_streams_are_complete(actions in vec(action(), 0..400)) {
        run(&actions);
    }
}

#[test]
fn many_streams_finish() {
    let mut runner = TestRunner::deterministic();
    let (mut finished, mut taken) = (0, 0);
    for _ in 0..50 {
        let simulation = run(&vec(action(), 300).new_tree(&mut runner).expect("actions").current());
        finished += simulation.finished;
        taken += simulation.taken;
    }
    assert!(finished > 150 && taken > 1000, "{finished} streams, {taken} items");
}
