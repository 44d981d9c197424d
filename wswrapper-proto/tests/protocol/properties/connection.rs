//! Any order of frames, calls and time, compared with a model.

use super::generate::{channel_frame, frame, name, value};
use super::model::{Action, Model};
use super::multiplied_cases;
use crate::proto::Role;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

proptest! {
    #![proptest_config(multiplied_cases(2))]

    #[test]
    fn each_call_finishes_once_and_only_valid_frames_are_sent(actions in vec(action(), 0..60), open in any::<bool>()) {
        let mut model = Model::new(open);
        for action in actions {
            model.act(action);
        }
        model.finish();
    }
}

fn action() -> BoxedStrategy<Action> {
    let timeout = || proptest::option::of(0..300_u64);
    let response = prop_oneof![
        3 => (1..6_u64, value()).prop_map(|(id, value)| format!("{{\"i\":{},\"d\":{value}}}", Model::nth_id(id))),
        1 => (1..6_u64).prop_map(|id| format!("{{\"i\":{},\"h\":1}}", Model::nth_id(id))),
        1 => (1..6_u64, value()).prop_map(|(id, value)| format!("{{\"i\":{},\"e\":{value}}}", Model::nth_id(id))),
        1 => (1..6_u64).prop_map(|id| format!("{{\"i\":{},\"x\":null}}", Model::nth_id(id))),
    ];
    let request = (1..6_u64, name(), value())
        .prop_map(|(id, name, value)| format!("{{\"a\":[{},{value}],\"i\":{id}}}", Value::from(name)));
    let index = any::<prop::sample::Index>;
    let window = proptest::option::of(1..6_u32);
    let number = || prop_oneof![1..6_u64, (1..6_u64).prop_map(|n| Model::nth_id(n).get())];
    let abort = (number(), value()).prop_map(|(id, value)| format!("{{\"h\":{id},\"x\":{value}}}"));
    prop_oneof![
        6 => channel_frame(number()).prop_map(|frame| Action::Receive(frame, None)),
        1 => abort.prop_map(|frame| Action::Receive(frame, None)),
        6 => (frame(), timeout()).prop_map(|(frame, deadline)| Action::Receive(frame, deadline)),
        3 => (request, timeout()).prop_map(|(frame, deadline)| Action::Receive(frame, deadline)),
        3 => response.prop_map(|frame| Action::Receive(frame, None)),
        1 => (1..6_u64, value()).prop_map(|(id, value)| Action::Receive(format!("{{\"i\":{id},\"x\":{value}}}"), None)),
        5 => (name(), timeout(), any::<bool>(), proptest::option::of(role()))
            .prop_map(|(event, timeout, send_timeout, expected_role)| {
                Action::Call { event, timeout, send_timeout, expected_role }
            }),
        2 => (index(), timeout()).prop_map(|(channel, timeout)| Action::CallOn(channel, timeout)),
        4 => (index(), window).prop_map(|(channel, window)| Action::Stream(channel, window)),
        1 => (index(), any::<bool>()).prop_map(|(channel, abort)| Action::CloseOrAbort(channel, abort)),
        1 => (name(), vec(value(), 0..3)).prop_map(|(event, arguments)| Action::Emit(event, arguments)),
        2 => index().prop_map(Action::Cancel),
        1 => (index(), timeout()).prop_map(|(call, timeout)| Action::SetDeadline(call, timeout)),
        3 => index().prop_map(Action::Settle),
        2 => (0..200_u64).prop_map(Action::Advance),
        2 => Just(Action::Transmit),
        1 => Just(Action::Disconnect),
        2 => Just(Action::Connect),
    ]
    .boxed()
}

fn role() -> impl Strategy<Value = Role> {
    select(vec![Role::Plain, Role::Producer, Role::Consumer, Role::Upload])
}
