//! The number of channels that a peer can be on.

use super::{DocProxy, Docs, PageProxy, Pages, code};
use std::error::Error;
use wswrapper::{Limits, Server};
use wswrapper_tests::{let_others_run, pair};

#[tokio::test(start_paused = true)]
async fn a_peer_enters_at_most_the_channels_of_the_limit() -> Result<(), Box<dyn Error>> {
    let server = Server::builder()
        .limits(Limits::default().max_channels_per_peer(3))
        .service(Docs::default())
        .service(Pages::default())
        .on_leave("doc/{id}", |_| async {});
    let pair = pair(server);
    let call = |id: u64| DocProxy::new(&pair.client, id).spawned();
    for id in 0..3 {
        assert_eq!(call(id).await?, id);
    }
    assert_eq!(code(call(3).await).as_deref(), Some("ws:TooMany"));
    DocProxy::new(&pair.client, 3).touch("a").await?;
    let_others_run().await;
    assert_eq!(pair.server.status().events_dropped, 1);
    // Those that were entered, and channels without hooks.
    assert_eq!(call(2).await?, 2);
    for n in 0..10 {
        PageProxy::new(&pair.client, n.to_string(), "a").owner().await?;
    }
    assert!(pair.peer.leave_channel("doc/1").await);
    assert_eq!(call(3).await?, 3);
    assert_eq!(code(call(1).await).as_deref(), Some("ws:TooMany"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_refused_is_not_counted() {
    let server = Server::builder()
        .limits(Limits::default().max_channels_per_peer(1))
        .service(Docs::default())
        .on_enter("doc/{id}", |_| async { Err("no") });
    let pair = pair(server);
    for id in 0..10 {
        let error = DocProxy::new(&pair.client, id).spawned().await.expect_err("it refuses");
        assert!(error.to_string().contains("no"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_of_entered_channels_are_limited_together() -> Result<(), Box<dyn Error>> {
    let server = Server::builder()
        .limits(Limits::default().max_channels_per_peer(4))
        .service(Pages::default())
        .on_leave("wiki/{page}/of/{owner}", |_| async {});
    let pair = pair(server);
    let call = |page: String| PageProxy::new(&pair.client, page, "b").owner();
    call("a".repeat(900)).await?;
    let error = call("b".repeat(200)).await.expect_err("the names are too long");
    assert!(error.to_string().contains("too long together"), "{error}");
    assert_eq!(code(Err::<(), _>(error)).as_deref(), Some("ws:TooMany"));
    call("b".repeat(90)).await?;
    Ok(())
}
