//! Events of which only the newest waits.

use super::{MarketProxy, Reader, is_ready, limits, server};
use std::error::Error;
use wswrapper::call::OnFull;
use wswrapper::connection::Counters;
use wswrapper::{AnonymousChannel, Client, Context, Server};
use wswrapper_tests::{Log, let_others_run};

#[tokio::test(start_paused = true)]
async fn a_thousand_updates_of_three_keys_arrive_as_the_newest_three() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let (slow, fast) = (Reader::of(&server), Reader::of(&server));
    slow.peer.join("market")?;
    fast.peer.join("market")?;
    slow.stall(&server).await;
    let market = MarketProxy::new(server.room("market"));
    let queued = slow.peer.counters();
    let (mut sent, mut waiting) = (0, 0);
    for n in 0..1_000 {
        let delivery = market.price(n, ["tea", "milk", "rice"][n as usize % 3]).await?;
        assert_eq!(delivery.failed.len(), 0);
        (sent, waiting) = (sent + delivery.sent, waiting + delivery.waiting);
        if n % 10 == 0 {
            let_others_run().await;
        }
    }
    assert_eq!((sent, waiting), (1_000, 1_000));
    let held = slow.peer.counters();
    assert!((1..300).contains(&(held.queued_bytes - queued.queued_bytes)), "{queued:?} {held:?}");
    assert!((1..400).contains(&(held.buffered_bytes - queued.buffered_bytes)), "{queued:?} {held:?}");
    let status = server.status();
    assert_eq!((status.events_replaced, status.closed_for_full_queue), (997, 0));
    assert_eq!(slow.resume().await, ["milk 997", "rice 998", "tea 999"]);
    let all: Vec<_> = (0..1_000).map(|n| format!("{} {n}", ["tea", "milk", "rice"][n % 3])).collect();
    assert_eq!(fast.screen.0.entries(), all);
    assert_eq!(slow.peer.counters(), Counters::default());
    assert_eq!(server.status().buffered_bytes, 0);
    // There is capacity again.
    assert_eq!(market.price(1_000, "tea").await?.sent, 2);
    let_others_run().await;
    assert_eq!(slow.screen.0.entries().last().expect("it was sent"), "tea 1000");
    assert_eq!(server.status().events_replaced, 997);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_to_one_peer_is_ready_at_once_and_the_newest_is_sent_later() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    for n in 0..100 {
        assert!(is_ready(&mut reader.proxy().index(n)).await);
        assert!(is_ready(&mut reader.proxy().price(n, "tea")).await);
        // By name, the key is a text. It is another key than that of an argument.
        assert!(is_ready(&mut reader.peer.emit("price", (n, "by name")).on_full(OnFull::LatestOf("tea".into()))).await);
        assert!(is_ready(&mut reader.peer.emit("price", (n, "other")).on_full(OnFull::LatestOf("milk".into()))).await);
        assert!(is_ready(&mut reader.peer.emit("price", (n, "without key")).on_full(OnFull::Latest)).await);
    }
    assert_eq!(server.status().events_replaced, 5 * 99);
    assert_eq!(reader.resume().await, ["index 99", "tea 99", "by name 99", "other 99", "without key 99"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_of_one_key_on_different_channels_do_not_replace_each_other() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    let log = Log::default();
    reader.client.channel("a").on("said", log.handler())?;
    reader.client.channel("b").on("said", log.handler())?;
    reader.client.on("said", log.handler())?;
    reader.stall(&server).await;
    for n in 0..10 {
        for channel in ["a", "b"] {
            let event = server.broadcast().channel(channel).emit("said", (format!("{channel} {n}"),));
            assert_eq!(event.on_full(OnFull::Latest).await?.waiting, 1);
        }
        let event = server.broadcast().emit("said", (format!("main {n}"),));
        assert_eq!(event.on_full(OnFull::Latest).await?.waiting, 1);
    }
    reader.resume().await;
    assert_eq!(log.entries(), ["a 9", "b 9", "main 9"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_newest_event_comes_after_all_that_was_sent_before_it_and_before_what_follows() -> Result<(), Box<dyn Error>>
{
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    let proxy = reader.proxy();
    let (mut first, mut second, mut third) = (proxy.plain(1), proxy.plain(2), proxy.plain(3));
    assert!(!is_ready(&mut first).await);
    proxy.index(1).await?;
    assert!(!is_ready(&mut second).await);
    proxy.price(1, "tea").await?;
    proxy.index(2).await?;
    assert!(!is_ready(&mut third).await);
    let call = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.ask(4).await }
    });
    let_others_run().await;
    // Nothing overtakes an event that waits, although the others do not say so.
    assert!(!is_ready(&mut proxy.plain(5)).await);
    let waiting: Vec<_> = [first, second, third].into_iter().map(tokio::spawn).collect();
    let_others_run().await;
    let heard = reader.resume().await;
    assert_eq!(heard, ["plain 1", "plain 2", "tea 1", "index 2", "plain 3", "ask 4"]);
    for event in waiting {
        event.await??;
    }
    assert_eq!(call.await??, 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_the_events_that_wait() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    reader.proxy().index(1).await?;
    let flush = tokio::spawn({
        let peer = reader.peer.clone();
        async move { peer.flush().await }
    });
    let_others_run().await;
    assert!(!flush.is_finished());
    assert_eq!(reader.resume().await, ["index 1"]);
    flush.await??;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_on_an_anonymous_channel_have_its_keys_and_are_lost_with_it() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().limits(limits()).build()?;
    let opened = std::sync::Arc::<std::sync::Mutex<Vec<AnonymousChannel>>>::default();
    let channels = std::sync::Arc::clone(&opened);
    server.on("begin", move |ctx: Context| {
        let channel = ctx.open_channel();
        channels.lock().expect("no panic").push(channel.clone());
        async move { channel }
    })?;
    let reader = Reader::of(&server);
    let open = |name: &'static str| {
        let log = log.clone();
        let opening = reader.client.request::<AnonymousChannel>("begin", ());
        opening.on("said", move |n: u32| {
            log.add(format!("{name} {n}"));
            async {}
        })
    };
    let (first, second) = (open("first")?.await?, open("second")?.await?);
    let channels = std::mem::take(&mut *opened.lock().expect("no panic"));
    reader.stall(&server).await;
    for n in 0..10 {
        for channel in &channels {
            channel.emit("said", (n,)).on_full(OnFull::Latest).await?;
            channel.emit("said", (100 + n,)).on_full(OnFull::Drop).await?;
        }
    }
    channels[1].abort(&wswrapper::error::Rejection::new("enough"));
    reader.resume().await;
    assert_eq!(log.entries(), ["first 9"]);
    drop((first, second));
    let_others_run().await;
    assert_eq!(reader.peer.counters(), Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_events_that_wait() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    for n in 0..3 {
        reader.proxy().index(n).await?;
    }
    let drain = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown(super::MINUTE).await }
    });
    let_others_run().await;
    assert!(!drain.is_finished());
    assert_eq!(reader.resume().await, ["index 2"]);
    drain.await?;
    assert_eq!(reader.client.closed().await.code, 1001);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_are_freed_when_the_connection_closes() -> Result<(), Box<dyn Error>> {
    for is_cut in [false, true] {
        let server = server(limits());
        let reader = Reader::of(&server);
        reader.stall(&server).await;
        for n in 0..10 {
            reader.proxy().price(n, format!("symbol {n}")).await?;
        }
        let_others_run().await;
        assert!(server.status().buffered_bytes > 0);
        if is_cut {
            reader.control.cut();
        } else {
            reader.peer.close(1000, "");
        }
        assert_eq!(reader.peer.closed().await.code, if is_cut { 1006 } else { 1000 });
        let status = server.status();
        assert_eq!((status.buffered_bytes, status.queued_bytes, status.connections), (0, 0, 0));
        assert_eq!(reader.peer.counters(), Counters::default());
        assert!(reader.proxy().index(1).await.is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_has_the_same_treatments() -> Result<(), Box<dyn Error>> {
    let screen = super::Screen::default();
    let (near, far) = wswrapper::transport::memory::builder().capacity(16).pair();
    let control = far.control();
    let server = Server::builder().service(screen.clone()).build()?;
    server.accept_transport(far)?;
    let client = Client::builder().limits(limits()).connect_transport(near)?;
    control.stall();
    let proxy = MarketProxy::new(&client);
    while client.peer().counters().queued_bytes < 5_000 {
        let_others_run().await;
        let mut event = proxy.fill("x".repeat(100));
        if !is_ready(&mut event).await {
            break;
        }
    }
    for n in 0..10 {
        proxy.index(n).await?;
        proxy.moved(n).await?;
    }
    control.resume();
    let_others_run().await;
    assert_eq!(screen.0.entries(), ["index 9"]);
    Ok(())
}
