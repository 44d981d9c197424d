//! Replays the recorded scenarios of the protocol against the core. No recorded scenario is left out.

use crate::harness::replay;
use serde_json::json;

macro_rules! recordings {
    ($($file:ident { $($scenario:ident)* })*) => {
        $(mod $file {
            const RECORDING: &str = include_str!(concat!("vectors/", stringify!($file), ".json"));

            #[test]
            fn every_scenario_is_replayed() {
                assert_eq!(crate::harness::names(RECORDING), [$(stringify!($scenario)),*]);
            }

            $(#[test]
            fn $scenario() {
                crate::harness::replay_recorded(RECORDING, stringify!($scenario));
            })*
        })*
    };
}

recordings! {
    framing {
        malformed_frames_are_ignored
        ws_wrapper_false
        ws_wrapper_other_falsy
        binary_frame_with_json
        binary_frame_garbage
        empty_or_bad_a
        unicode_round_trip
    }
    requests {
        request_resolves
        event_is_not_answered
        request_on_named_channel
        key_order_does_not_matter
        nothing_result_has_no_d
        null_result
        falsy_results_keep_d
        replies_out_of_order
        null_arguments_arrive
        unknown_event
        unknown_channel
        large_id_echoed
        integral_float_id
        negative_id_is_an_event
        zero_id
        non_number_id_is_an_event
    }
    errors {
        handler_error
        handler_error_empty_message
        handler_rejects_with_string
        handler_rejects_with_object
        handler_rejects_with_falsy
        handler_rejects_with_null
        error_in_event_handler_is_silent
    }
    reserved {
        reserved_names_on_main_channel_are_dropped
        reserved_names_on_named_channel_are_normal
    }
    requestor {
        resolve_with_data
        resolve_without_d
        resolve_with_null
        resolve_with_false
        reject_with_error
        reject_with_error_true_flag
        reject_with_error_properties
        reject_with_bare_object
        reject_with_string
        reject_wins_over_data
        ids_are_distinct_and_positive
        duplicate_and_unknown_responses_are_ignored
        string_id_does_not_match
        emit_frames
    }
    cancel {
        requestor_cancels
        requestor_cancels_default_reason
        requestor_cancels_with_value
        timeout_sends_cancel
        cancel_after_response_sends_nothing
        handler_is_cancelled
        handler_is_cancelled_with_value
        cancel_of_finished_or_unknown_is_ignored
    }
    anonymous {
        handler_returns_channel
        handler_requests_on_channel
        peer_aborts_channel
        handler_side_aborts_channel
        unknown_anonymous_channel
        h_as_string
        unknown_event_on_anonymous_channel
        requestor_gets_channel
        requestor_channel_aborted_by_peer
        cancel_after_channel_creation_is_ignored
    }
    iterator {
        consumer_pulls_items
        consumer_buffers_one_item
    }
}

// Scenarios that are not recorded.

#[test]
fn reserved_names_are_refused_on_the_main_channel_only() {
    for name in crate::proto::RESERVED {
        replay(&json!({ "name": name, "handlers": [], "steps": [
            { "do": { "emit": { "event": name, "args": [] } }, "expect": [{ "refused": {} }] },
            { "do": { "call": { "id": "r1", "event": name, "args": [] } }, "expect": [{ "refused": {} }] },
            { "do": { "call": { "id": "r2", "event": name, "args": [], "channel": "io" } },
              "expect": [{ "send": { "a": [name], "c": "io", "i": "{{r2}}" } }] },
        ] }));
    }
}

#[test]
fn ten_calls_queued_before_the_first_opening_are_sent_in_order() {
    let emit = |n: u32| json!({ "emit": { "event": "n", "args": [n] } });
    let waiting = (1..=10).map(|n| json!({ "do": emit(n), "expect": [] }));
    let sent: Vec<_> = (1..=10).map(|n| json!({ "send": { "a": ["n", n] } })).collect();
    let rest = [
        json!({ "do": emit(11), "expect": [{ "refused": {} }] }),
        json!({ "do": { "connect": true }, "expect": sent }),
        json!({ "do": emit(12), "expect": [{ "send": { "a": ["n", 12] } }] }),
    ];
    let steps: Vec<_> = waiting.chain(rest).collect();
    replay(&json!({ "name": "queue", "connected": false, "handlers": [], "steps": steps }));
}

#[test]
fn disconnection_fails_calls_and_a_late_response_is_ignored() {
    replay(&json!({ "name": "disconnection", "handlers": [], "steps": [
        { "do": { "call": { "id": "r1", "event": "q", "args": [] } },
          "expect": [{ "send": { "a": ["q"], "i": "{{r1}}" } }] },
        { "do": { "disconnect": true }, "expect": [{ "result": { "call": "r1", "closed": true } }] },
        { "do": { "emit": { "event": "lost", "args": [] } }, "expect": [{ "refused": {} }] },
        { "do": { "cancel": { "call": "r1" } }, "expect": [] },
        { "do": { "connect": true }, "expect": [] },
        { "do": { "recv": "{\"i\":{{r1}},\"d\":1}" }, "expect": [] },
    ] }));
}

#[test]
fn wrong_number_of_arguments_rejects_a_request_and_drops_an_event() {
    let handlers = json!([{ "event": "echo", "arity": 1, "do": { "echo": true } }]);
    let rejected = json!([{ "send": { "i": 1, "e": { "message": "$any" }, "_": 1 } }]);
    replay(&json!({ "name": "arity", "handlers": handlers, "steps": [
        { "do": { "recv": r#"{"i":1,"a":["echo"]}"# }, "expect": rejected },
        { "do": { "recv": r#"{"i":1,"a":["echo",1,2]}"# }, "expect": rejected },
        { "do": { "recv": r#"{"a":["echo"]}"# }, "expect": [] },
        { "do": { "recv": r#"{"a":["echo",1,2]}"# }, "expect": [] },
    ] }));
}

#[test]
fn call_that_fails_validation_is_decoded_again() {
    let handlers = json!([
        { "event": "echo", "arity": 1, "do": { "echo": true } },
        { "event": "first", "arity": 0, "do": { "nothing": true } },
    ]);
    let response = json!([{ "called": { "handler": "echo", "args": [2] } }, { "send": { "i": 1, "d": 2 } }]);
    replay(&json!({ "name": "unproven", "handlers": handlers, "steps": [
        { "do": { "recv": r#"{"a":["echo",1],"a":["echo",2],"i":1}"# }, "expect": response },
        { "do": { "recv": r#"{"a":["first"],"a":["echo",2],"i":1}"# }, "expect": response },
        { "do": { "recv": r#"{"a":["unknown"],"a":["echo",2],"i":1}"# }, "expect": response },
        { "do": { "recv": r#"{"a":["echo",1],"a":[],"i":1}"# }, "expect": [] },
        { "do": { "recv": r#"{"i":1,"a":["echo",1]]}"# }, "expect": [] },
        { "do": { "recv": r#"{"i":1,"a":["echo",1}"# }, "expect": [] },
        { "do": { "recv": r#"{"i":1,"a":["unknown",01]}"# }, "expect": [] },
    ] }));
}

#[test]
fn locally_closed_channel_sends_nothing_until_the_peer_uses_it() {
    let handlers = json!([{ "event": "calc", "arity": 0, "do": { "channel": { "handlers": [] } } }]);
    let unknown = json!({ "message": "Anonymous channel '7' does not exist" });
    replay(&json!({ "name": "close", "handlers": handlers, "steps": [
        { "do": { "recv": r#"{"i":7,"a":["calc"]}"# },
          "expect": [{ "called": { "handler": "calc", "args": [] } }, { "send": { "i": 7, "h": 1 } }] },
        { "do": { "channel_close": { "channel": "in:7" } }, "expect": [{ "channel_closed": { "channel": "in:7" } }] },
        { "do": { "channel_abort": { "channel": "in:7" } }, "expect": [] },
        { "do": { "call": { "id": "r1", "event": "late", "args": [], "channel": { "anon": "in:7" } } },
          "expect": [{ "refused": {} }] },
        { "do": { "recv": r#"{"a":["late"],"h":7}"# }, "expect": [{ "send": { "h": 7, "x": unknown, "_": 1 } }] },
    ] }));
}

#[test]
fn disconnection_closes_channels_and_fails_their_calls_and_items() {
    replay(&json!({ "name": "disconnection", "handlers": [], "steps": [
        { "do": { "call": { "id": "r1", "event": "stream", "args": [] } },
          "expect": [{ "send": { "a": ["stream"], "i": "{{r1}}" } }] },
        { "do": { "recv": "{\"i\":{{r1}},\"h\":1}" },
          "expect": [{ "result": { "call": "r1", "channel": "out:r1" } }] },
        { "do": { "iter_new": { "iter": "it", "channel": "out:r1" } }, "expect": [] },
        { "do": { "iter_next": { "iter": "it", "as": "n1" } },
          "expect": [{ "send": { "a": ["start"], "h": "{{r1}}" } }] },
        { "do": { "call": { "id": "r2", "event": "q", "args": [], "channel": { "anon": "out:r1" } } },
          "expect": [{ "send": { "a": ["q"], "h": "{{r1}}", "i": "{{r2}}" } }] },
        { "do": { "disconnect": true }, "expect": [
            { "result": { "call": "r2", "closed": true } },
            { "channel_closed": { "channel": "out:r1" } },
            { "item": { "as": "n1", "error": "$any" } },
        ] },
    ] }));
}

#[test]
fn consumer_that_stops_early_aborts_the_stream_and_keeps_received_items() {
    replay(&json!({ "name": "stop", "handlers": [], "steps": [
        { "do": { "call": { "id": "r1", "event": "stream", "args": [] } },
          "expect": [{ "send": { "a": ["stream"], "i": "{{r1}}" } }] },
        { "do": { "recv": "{\"i\":{{r1}},\"h\":1}" },
          "expect": [{ "result": { "call": "r1", "channel": "out:r1" } }] },
        { "do": { "iter_new": { "iter": "it", "channel": "out:r1" } }, "expect": [] },
        { "do": { "recv": "{\"h\":{{r1}},\"a\":[\"next\",{\"value\":1,\"done\":false}]}" }, "expect": [] },
        { "do": { "iter_return": { "iter": "it" } }, "expect": [
            { "send": { "h": "{{r1}}", "x": { "message": "Request aborted" }, "_": 1 } },
            { "channel_closed": { "channel": "out:r1" } },
        ] },
        { "do": { "iter_next": { "iter": "it", "as": "n1" } },
          "expect": [{ "item": { "as": "n1", "value": 1, "done": false } }] },
        { "do": { "iter_next": { "iter": "it", "as": "n2" } },
          "expect": [{ "item": { "as": "n2", "error": "$any" } }] },
    ] }));
}

// Tests of the harness itself.

fn one_step(action: &serde_json::Value, expect: &serde_json::Value) {
    replay(&json!({
        "name": "one",
        "handlers": [{ "event": "echo", "arity": 1, "do": { "echo": true } }],
        "steps": [{ "do": action, "expect": expect }],
    }));
}

#[test]
fn optional_frame_may_be_sent_or_not() {
    let send = json!({ "send": { "i": 1, "e": { "message": "$any" }, "_": true }, "optional": true });
    one_step(&json!({ "recv": r#"{"i":1,"a":["nope"]}"# }), &json!([send]));
    one_step(&json!({ "recv": r#"{"a":["nope"]}"# }), &json!([send]));
}

#[test]
#[should_panic(expected = "unexpected")]
fn unexpected_frame_fails_the_replay() {
    one_step(&json!({ "recv": r#"{"i":1,"a":["nope"]}"# }), &json!([]));
}

#[test]
#[should_panic(expected = "unexpected")]
fn wrong_frame_fails_the_replay() {
    let called = json!({ "called": { "handler": "echo", "args": [1] } });
    one_step(&json!({ "recv": r#"{"i":1,"a":["echo",1]}"# }), &json!([called, { "send": { "i": 1, "d": 2 } }]));
}

#[test]
#[should_panic(expected = "unexpected")]
fn code_of_an_application_fails_the_replay_if_the_recording_has_none() {
    let handlers = json!([{ "event": "fail", "arity": 0, "do": { "throw_value": { "code": "own" } } }]);
    let expect = json!([
        { "called": { "handler": "fail", "args": [] } }, { "send": { "i": 1, "e": {} } },
    ]);
    let steps = json!([{ "do": { "recv": r#"{"i":1,"a":["fail"]}"# }, "expect": expect }]);
    replay(&json!({ "name": "code", "handlers": handlers, "steps": steps }));
}

#[test]
#[should_panic(expected = "unexpected")]
fn other_code_than_the_expected_one_fails_the_replay() {
    let rejection = json!({ "message": "No event listener for 'nope'", "code": "ws:UnknownChannel" });
    let send = json!({ "send": { "i": 1, "e": rejection, "_": 1 } });
    one_step(&json!({ "recv": r#"{"i":1,"a":["nope"]}"# }), &json!([send]));
}

#[test]
#[should_panic(expected = "missing")]
fn missing_frame_fails_the_replay() {
    one_step(&json!({ "recv": "{}" }), &json!([{ "send": { "i": 1 } }]));
}

#[test]
#[should_panic(expected = "unexpected")]
fn unexpected_call_fails_the_replay() {
    one_step(&json!({ "recv": r#"{"a":["echo",1]}"# }), &json!([]));
}

#[test]
#[should_panic(expected = "missing")]
fn missing_call_fails_the_replay() {
    one_step(&json!({ "recv": r#"{"a":["nope",1]}"# }), &json!([{ "called": { "handler": "nope", "args": [1] } }]));
}
