//! Measures how a server decodes, dispatches and answers a call. Calls arrive in batches over a transport in memory.

mod compare;

use bytes::Bytes;
use criterion::Criterion;
use wswrapper::Server;
use wswrapper::observe::Spans;
use wswrapper::server::ServerBuilder;
use wswrapper::service::layer::{GuardCall, LayerCall, Next};
use wswrapper_tests::load::service::{call, echo, order, server, with_handlers};
use wswrapper_tests::load::{Served, baseline};

fn main() {
    let mut criterion = compare::criterion();
    dispatch(&mut criterion, "dispatch/echo 32 B", &echo(32));
    dispatch(&mut criterion, "dispatch/echo 4 KiB", &echo(4_096));
    dispatch(&mut criterion, "dispatch/add", &call(("add", 17, 25)));
    dispatch(&mut criterion, "dispatch/add, plain fn", &call(("add_now", 17, 25)));
    dispatch(&mut criterion, "dispatch/struct of 1 KiB", &call(("confirm", order())));
    dispatch(&mut criterion, "dispatch/rejection", &call(("divide", 1, 0)));
    around(&mut criterion, "around/one guard", || Server::builder().guard(guard));
    around(&mut criterion, "around/one layer", || {
        Server::builder().layer(|call: LayerCall, next: Next| next.run(call))
    });
    around(&mut criterion, "around/spans without a subscriber", || Server::builder().spans(Spans::new()));
    #[cfg(feature = "metrics")]
    around(&mut criterion, "around/metrics", || Server::builder().metrics(wswrapper::observe::Metrics::new()));
    criterion.final_summary();
}

fn guard(call: &GuardCall<'_>) -> Result<(), String> {
    if call.event() == "secret" { Err("no".to_owned()) } else { Ok(()) }
}

/// Compares a server that has something around its calls with one that has not.
fn around(criterion: &mut Criterion, name: &str, builder: impl FnOnce() -> ServerBuilder) {
    let call = call(("add", 17, 25));
    let served = |builder: ServerBuilder| {
        Served::by(move |wire| {
            let server = with_handlers(builder);
            server.accept_transport(wire).expect("the server is open");
            server
        })
    };
    let (with, without) = (served(builder()), served(Server::builder()));
    assert_eq!(with.ask(&call), without.ask(&call));
    compare::with_baseline(criterion, name, |times| with.serve(&call, times), |times| without.serve(&call, times));
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
