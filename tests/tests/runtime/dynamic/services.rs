//! Services that are mounted while the program runs, and channels of all peers.

use std::error::Error;
use wswrapper::{CallError, Server, error::SendError, test, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Log, nothing_is_left, pair};

#[ws_service]
trait Math {
    async fn twice(&self, a: i64) -> i64;
    async fn name(&self) -> String;
}

struct Named(&'static str);

#[ws_handlers]
impl Math for Named {
    async fn twice(&self, a: i64) -> i64 {
        2 * a
    }

    async fn name(&self) -> String {
        self.0.to_owned()
    }
}

#[ws_service(channel = "news")]
trait News {
    #[ws(event)]
    fn flash(&self, text: String);
}

struct Reader(Log);

#[ws_handlers]
impl News for Reader {
    fn flash(&self, text: String) {
        self.0.add(text);
    }
}

#[tokio::test]
async fn services_are_mounted_on_servers_clients_peers_and_channels() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Named("mounted")));
    let name = async || MathProxy::new(&pair.client).name().await;
    assert_eq!(name().await?, "mounted");
    pair.server.serve(Named("server"))?;
    assert_eq!(name().await?, "server");
    pair.peer.serve(Named("peer"))?;
    assert_eq!(name().await?, "peer");
    assert!(pair.peer.off("name"));
    assert_eq!(name().await?, "server");
    assert_eq!(MathProxy::new(&pair.client).twice(2).await?, 4);

    pair.server.channel("a").serve(Named("channel"))?;
    pair.peer.channel("b").serve(Named("peer's channel"))?;
    for (channel, expected) in [("a", "channel"), ("b", "peer's channel")] {
        assert_eq!(MathProxy::new(&pair.client.channel(channel)).name().await?, expected);
    }
    pair.client.serve(Named("client"))?;
    assert_eq!(MathProxy::new(&pair.peer).name().await?, "client");
    assert!(pair.server.channel("").serve(Named("nowhere")).is_err());
    Ok(())
}

#[tokio::test]
async fn a_closed_channel_of_a_server_serves_and_sends_nothing() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let (channel, alive) = (pair.server.channel("a"), Alive::default());
    channel.serve(Named("channel"))?;
    let guard = alive.guard();
    channel.on("more", move || {
        let _ = &guard;
        async {}
    })?;
    let clone = channel.clone();
    clone.close();
    assert!(channel.is_closed());
    alive.becomes(0).await;
    let error = MathProxy::new(&pair.client.channel("a")).name().await;
    assert!(matches!(error, Err(CallError::Rejected(_))), "{error:?}");
    for error in [channel.emit("x", ()).await, NewsProxy::new(&channel).flash("x").await] {
        assert!(matches!(&error, Err(SendError::ChannelClosed { channel: Some(name) }) if name == "a"), "{error:?}");
    }
    assert_eq!(pair.server.channel("a").emit("x", ()).await?.sent, 1);
    Ok(())
}

#[tokio::test]
async fn channels_of_all_peers_are_targets_of_proxies_and_of_events() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let log = Log::default();
    pair.client.channel("a").serve(Reader(log.clone()))?;
    pair.client.serve(Reader(log.clone()))?;
    // The channel of the target wins over that of the contract.
    NewsProxy::new(pair.server.channel("a")).flash("one").await?;
    NewsProxy::new(pair.server.broadcast().channel("a")).flash("two").await?;
    NewsProxy::new(pair.server.broadcast()).flash("three").await?;
    pair.server.channel("a").emit("flash", ("four",)).await?;
    pair.server.broadcast().channel("a").emit("flash", ("five",)).await?;
    assert_eq!(log.has(5).await, ["one", "two", "three", "four", "five"]);
    let error = pair.server.broadcast().channel("").emit("flash", ("six",)).await;
    assert!(matches!(error, Err(SendError::Name(_))), "{error:?}");
    let error = NewsProxy::new(pair.server.broadcast().channel("")).flash("seven").await;
    assert!(matches!(error, Err(SendError::Name(_))), "{error:?}");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_proxy_for_a_test_keeps_its_service_as_long_as_it_lives() -> Result<(), Box<dyn Error>> {
    struct Held(wswrapper_tests::Guard);
    #[ws_handlers]
    impl Math for Held {
        async fn twice(&self, a: i64) -> i64 {
            let _ = &self.0;
            2 * a
        }
        async fn name(&self) -> String {
            String::new()
        }
    }
    let alive = Alive::default();
    let proxy = test::proxy::<dyn Math>(Held(alive.guard()));
    for n in 0..3 {
        tokio::task::yield_now().await;
        assert_eq!(proxy.twice(n).await?, 2 * n);
    }
    let clone = proxy.clone();
    drop(proxy);
    assert_eq!(clone.twice(4).await?, 8);
    drop(clone);
    alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn a_service_for_a_test_may_be_on_a_channel() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    test::proxy::<dyn News>(Reader(log.clone())).flash("hello").await?;
    assert_eq!(log.has(1).await, ["hello"]);
    Ok(())
}
