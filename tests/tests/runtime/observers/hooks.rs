//! Several hooks of a kind.

use super::Service;
use wswrapper::Server;
use wswrapper_tests::{Log, RawPeer, pair};

#[tokio::test(start_paused = true)]
async fn each_of_several_hooks_is_called_in_order() {
    let log = Log::default();
    let add = |entry: &'static str| {
        let log = log.clone();
        move || log.add(entry)
    };
    let mut server = Server::builder().service(Service);
    for (open, close, error, message, sent) in [
        ("open 1", "close 1", "error 1", "message 1", "sent 1"),
        ("open 2", "close 2", "error 2", "message 2", "sent 2"),
    ] {
        let (open, close, error, message, sent) = (add(open), add(close), add(error), add(message), add(sent));
        server = server
            .on_open(move |_| {
                open();
                async {}
            })
            .on_close(move |_, _| {
                close();
                async {}
            })
            .on_error(move |_, _| error())
            .on_message(move |_, _| message())
            .on_message_sent(move |_, _| sent());
    }
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["later"],"i":1}"#).await;
    raw.send("x").await;
    raw.silence().await;
    raw.send(r#"{"a":["rejects"]}"#).await;
    raw.silence().await;
    peer.close(1000, "");
    peer.closed().await;
    let entries = log.entries().chunks(2).map(|pair| pair.join(", ")).collect::<Vec<_>>();
    assert_eq!(
        entries,
        [
            "open 1, open 2",
            "message 1, message 2",
            "sent 1, sent 2",
            "message 1, message 2",
            "message 1, message 2",
            "message 1, message 2",
            "error 1, error 2",
            "message 1, message 2",
            "close 1, close 2",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn after_an_error_of_on_open_the_next_ones_do_not_run() {
    let log = Log::default();
    let (first, last) = (log.clone(), log.clone());
    let server = Server::builder()
        .on_open(move |_| {
            first.add("first");
            async { Err::<(), _>("no") }
        })
        .on_open(move |_| {
            last.add("last");
            async {}
        });
    let pair = pair(server);
    assert_eq!(pair.client.closed().await.code, 1011);
    assert_eq!(log.entries(), ["first"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_one_on_close_hook_does_not_stop_the_next() {
    let log = Log::default();
    let last = log.clone();
    let server = Server::builder().on_close(|_, _| async { panic!("on purpose") }).on_close(move |_, closed| {
        last.add(closed.code.to_string());
        async {}
    });
    let pair = pair(server);
    pair.peer.close(4000, "");
    pair.peer.closed().await;
    assert_eq!(log.entries(), ["4000"]);
}
