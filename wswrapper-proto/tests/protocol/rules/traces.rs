//! The place of a request in a distributed trace [X-04].

use super::call;
use crate::core_peer::id;
use crate::outgoing::assert_valid;
use crate::proto::{CallEncoder, Duration, Position, Resume, TraceContext};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn trace(state: Option<&str>) -> TraceContext {
    TraceContext::read(PARENT, state).expect("it is valid")
}

#[test]
fn a_request_carries_its_trace_beside_the_other_metadata() {
    let request = |state, timeout: Option<u64>, resume, sends_items| {
        let mut encoded = CallEncoder::new("a").finish(Some("c"));
        encoded.set_trace_context(trace(state));
        if let Some(resume) = resume {
            encoded.resume(resume);
        }
        assert_eq!(encoded.trace_context(), Some(&trace(state)));
        let (timeout, bound) = (timeout.map(Duration::from_millis), encoded.len() + encoded.meta_bytes() + 96);
        let length = encoded.request_len(id(3), timeout, sends_items);
        let frame = encoded.into_request(id(3), timeout, sends_items);
        assert_valid(&frame);
        assert_eq!(frame.len(), length);
        assert!(length <= bound, "{length} and {bound}");
        let frame = String::from_utf8(frame).expect("UTF-8");
        let read = call(&frame);
        assert_eq!(read.trace_context(), Some(trace(state)));
        assert_eq!((read.caller_timeout(), read.resume(), read.caller_listens()), (timeout, resume, sends_items));
        frame
    };
    let meta = |frame: String| frame.split_once(r#""m":"#).expect("there is metadata").1.to_owned();
    assert_eq!(meta(request(None, None, None, false)), format!(r#"{{"tp":"{PARENT}"}}}}"#));
    assert_eq!(
        meta(request(Some("x=\"1\""), Some(20), None, true)),
        format!(r#"{{"t":20,"u":1,"tp":"{PARENT}","ts":"x=\"1\""}}}}"#)
    );
    let resume = Resume::After(Position { epoch: 5, offset: 9 });
    assert_eq!(
        meta(request(None, Some(20), Some(resume), false)),
        format!(r#"{{"t":20,"r":[5,9],"tp":"{PARENT}"}}}}"#)
    );
    request(Some(&"\\".repeat(512)), Some(u64::MAX >> 11), Some(resume), true);
}

#[test]
fn an_event_has_no_metadata() {
    let mut encoded = CallEncoder::new("a").finish(None);
    encoded.set_trace_context(trace(Some("x=1")));
    assert_eq!(encoded.into_event(), br#"{"a":["a"]}"#);
}

#[test]
fn an_invalid_trace_counts_as_absent() {
    let read = |meta: &str| call(&format!(r#"{{"a":["e"],"i":1,"m":{meta}}}"#)).trace_context();
    let long = "x".repeat(513);
    assert_eq!(read(&format!(r#"{{"tp":"{PARENT}","ts":"x=1","t":5,"other":[]}}"#)), Some(trace(Some("x=1"))));
    assert_eq!(read(&format!(r#"{{"\u0074p":"\u0030{}"}}"#, &PARENT[1..])), Some(trace(None)));
    for state in
        ["7".to_owned(), "null".to_owned(), format!("\"{long}\""), "\"\\n\"".to_owned(), "\"\\ud800\"".to_owned()]
    {
        assert_eq!(read(&format!(r#"{{"tp":"{PARENT}","ts":{state}}}"#)), Some(trace(None)), "{state}");
    }
    for meta in
        ["7", "null", "[]", "{}", r#"{"t":5}"#, r#"{"tp":7}"#, r#"{"tp":"x"}"#, r#"{"tp":"\ud800"}"#, r#"{"ts":"x=1"}"#]
    {
        assert_eq!(read(meta), None, "{meta}");
    }
}
