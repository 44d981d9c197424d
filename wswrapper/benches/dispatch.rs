//! Measures how a server decodes, dispatches and answers a call. Calls arrive in batches over a transport in memory.

mod compare;

use bytes::Bytes;
use criterion::Criterion;
use wswrapper_tests::load::service::{call, echo, order, server};
use wswrapper_tests::load::{Served, baseline};

fn main() {
    let mut criterion = compare::criterion();
    dispatch(&mut criterion, "dispatch/echo 32 B", &echo(32));
    dispatch(&mut criterion, "dispatch/echo 4 KiB", &echo(4_096));
    dispatch(&mut criterion, "dispatch/add", &call(("add", 17, 25)));
    dispatch(&mut criterion, "dispatch/add, plain fn", &call(("add_now", 17, 25)));
    dispatch(&mut criterion, "dispatch/struct of 1 KiB", &call(("confirm", order())));
    dispatch(&mut criterion, "dispatch/rejection", &call(("divide", 1, 0)));
    criterion.final_summary();
}

fn dispatch(criterion: &mut Criterion, name: &str, call: &Bytes) {
    let ours = Served::by(|wire| {
        let server = server();
        server.accept_transport(wire).expect("the server is open");
        server
    });
    let baseline = Served::by(|wire| tokio::spawn(baseline::serve(wire)));
    assert_eq!(ours.ask(call), baseline.ask(call));
    compare::with_baseline(criterion, name, |times| ours.serve(call, times), |times| baseline.serve(call, times));
}
