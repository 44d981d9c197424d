//! Events that close the connection.

use super::{MarketProxy, Reader, is_ready, limits, server};
use std::error::Error;
use wswrapper::connection::CloseCause;
use wswrapper::error::SendError;
use wswrapper_tests::let_others_run;

#[tokio::test(start_paused = true)]
async fn an_event_to_one_peer_closes_it_with_status_1013() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.proxy().traded(1).await?;
    let_others_run().await;
    reader.stall(&server).await;
    reader.proxy().index(2).await?;
    let error = reader.proxy().traded(3).await.expect_err("the queue is full");
    let SendError::Closed(closed) = error else { panic!("{error}") };
    assert_eq!((closed.code, closed.cause), (1013, CloseCause::Limit));
    assert_eq!(closed.reason, "the queue of this connection is full");
    // The next one finds it closed.
    let error = reader.proxy().traded(4).await.expect_err("it is closed");
    assert!(matches!(error, SendError::Closed(closed) if closed.code == 1013));
    assert_eq!(server.status().closed_for_full_queue, 1);
    assert_eq!(reader.resume().await, ["traded 1"]);
    let closed = reader.client.closed().await;
    assert_eq!((closed.code, closed.cause), (1013, CloseCause::Remote));
    assert_eq!(reader.peer.closed().await.code, 1013);
    let status = server.status();
    assert_eq!((status.closed_for_full_queue, status.connections, status.buffered_bytes), (1, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_again_is_dropped_after_the_close_timeout() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    let began = tokio::time::Instant::now();
    reader.proxy().traded(1).await.expect_err("the queue is full");
    let closed = reader.peer.closed().await;
    assert_eq!((closed.code, closed.cause), (1013, CloseCause::Limit));
    assert_eq!(began.elapsed().as_secs(), 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_audience_closes_only_the_slow_peers() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let (slow, fast) = (Reader::of(&server), Reader::of(&server));
    slow.stall(&server).await;
    let market = MarketProxy::new(server.broadcast());
    let delivery = market.traded(1).await?;
    assert_eq!((delivery.sent, delivery.waiting), (1, 0));
    assert!(
        matches!(&delivery.failed[..], [(id, SendError::Closed(closed))] if *id == slow.peer.id() && closed.code == 1013),
        "{delivery:?}"
    );
    market.traded(2).await?;
    let_others_run().await;
    assert_eq!(fast.screen.0.entries(), ["traded 1", "traded 2"]);
    assert!(fast.peer.is_open());
    assert_eq!(slow.resume().await, [""; 0]);
    assert_eq!(slow.client.closed().await.code, 1013);
    assert_eq!(server.status().closed_for_full_queue, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_that_waited_fail_when_another_one_closes_the_connection() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    let mut plain = reader.proxy().plain(1);
    assert!(!is_ready(&mut plain).await);
    let notice = tokio::spawn(MarketProxy::new(server.broadcast()).notice(2));
    let plain = tokio::spawn(plain);
    let_others_run().await;
    reader.proxy().traded(3).await.expect_err("the queue is full");
    let_others_run().await;
    assert!(plain.is_finished() && notice.is_finished());
    assert!(matches!(plain.await?, Err(SendError::Closed(closed)) if closed.code == 1013));
    let delivery = notice.await??;
    assert!(matches!(&delivery.failed[..], [(_, SendError::Closed(closed))] if closed.code == 1013), "{delivery:?}");
    Ok(())
}
