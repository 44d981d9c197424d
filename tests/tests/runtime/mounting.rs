//! Services on channels, and services that cannot be mounted.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wswrapper::{
    CallError, Client, Context, Router, Server,
    error::{MountError, NameError, SendError},
    server::ServerBuilder,
    ws_handlers, ws_service,
};
use wswrapper_tests::{pair, pair_with, until};

#[ws_service]
trait Math {
    async fn twice(&self, a: i64) -> i64;
    async fn channel(&self, ctx: Context) -> Option<String>;
}

#[ws_service(channel = "greeter")]
trait Greeter {
    async fn greet(&self, name: String) -> String;
}

struct MathAndGreeter;

#[ws_handlers(channel = "io")]
impl Math for MathAndGreeter {
    async fn twice(&self, a: i64) -> i64 {
        2 * a
    }

    async fn channel(&self, ctx: Context) -> Option<String> {
        ctx.channel_name().map(ToOwned::to_owned)
    }
}

#[ws_handlers(channel = "greeter")]
impl Greeter for MathAndGreeter {
    async fn greet(&self, name: String) -> String {
        format!("hello, {name}")
    }
}

struct PlainMath;

#[ws_handlers]
impl Math for PlainMath {
    async fn twice(&self, a: i64) -> i64 {
        a + a
    }

    async fn channel(&self, ctx: Context) -> Option<String> {
        ctx.channel_name().map(ToOwned::to_owned)
    }
}

#[derive(Default)]
struct Till(AtomicI64);

#[ws_handlers]
impl Till {
    pub async fn add(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}

#[tokio::test]
async fn a_shared_object_is_mounted_as_an_arc() -> Result<(), Box<dyn Error>> {
    let till = Arc::new(Till::default());
    let (shared_service, own_service) = (Arc::clone(&till), Arc::clone(&till));
    let server = Server::builder().service(shared_service).service_with(move |_| Arc::clone(&own_service)).build();
    assert!(matches!(server, Err(MountError::Duplicate { .. })), "both services have the same methods");
    let pair_of = |server: ServerBuilder| {
        let pair = pair(server);
        (TillProxy::new(&pair.client), pair)
    };
    let own_service = Arc::clone(&till);
    let servers = [
        Server::builder().service(Arc::clone(&till)),
        Server::builder().service_with(move |_| Arc::clone(&own_service)),
        Server::builder().service_at("till", Arc::new(Arc::clone(&till))),
    ];
    let [shared, per_peer, named] = servers.map(pair_of);
    assert_eq!(shared.0.add(1).await?, 1);
    assert_eq!(per_peer.0.add(2).await?, 3);
    assert_eq!(TillProxy::new(&named.1.client.channel("till")).add(3).await?, 6);
    assert_eq!(till.0.load(Ordering::Relaxed), 6);
    drop((shared, per_peer, named));
    until(|| Arc::strong_count(&till) == 1).await;
    Ok(())
}

#[tokio::test]
async fn handlers_choose_the_channel_if_the_contract_names_none() {
    let pair = pair(Server::builder().service_as::<dyn Math>(MathAndGreeter));
    let math = MathProxy::new(&pair.client.channel("io"));
    assert_eq!(math.twice(4).await.expect("an answer"), 8);
    assert_eq!(math.channel().await.expect("an answer").as_deref(), Some("io"));
    assert!(matches!(MathProxy::new(&pair.client).twice(4).await, Err(CallError::Rejected(_))));
}

#[tokio::test]
async fn one_type_serves_several_contracts() {
    let server = Server::builder().service_as::<dyn Math>(MathAndGreeter).service_as::<dyn Greeter>(MathAndGreeter);
    let pair = pair(server);
    assert_eq!(MathProxy::new(pair.client.channel("io")).twice(1).await.expect("an answer"), 2);
    assert_eq!(GreeterProxy::new(&pair.client).greet("Ada").await.expect("an answer"), "hello, Ada");
}

#[tokio::test]
async fn both_endpoints_can_mount_a_service_on_another_channel() {
    let pair = pair_with(
        Server::builder().service(PlainMath).service_at("a", PlainMath).service_at("b", PlainMath),
        Client::builder().service_at("back", PlainMath),
    );
    for name in ["a", "b"] {
        let math = MathProxy::new(&pair.client.channel(name));
        assert_eq!(math.channel().await.expect("an answer").as_deref(), Some(name));
    }
    assert_eq!(MathProxy::new(&pair.client).channel().await.expect("an answer"), None);
    assert_eq!(MathProxy::new(&pair.peer.channel("back")).twice(3).await.expect("an answer"), 6);
}

#[test]
fn two_services_cannot_handle_the_same_event() {
    let error = Server::builder().service(PlainMath).service(PlainMath).build().expect_err("it is mounted twice");
    assert_eq!(error, MountError::Duplicate { event: "twice".to_owned(), channel: None });
    assert_eq!(error.to_string(), "event `twice` is handled by two services: mount one on a channel of its own");
}

#[tokio::test]
async fn an_empty_channel_name_is_an_error_of_mounting_and_of_calls() {
    let error = Server::builder().service_at("", PlainMath).build().expect_err("it has no name");
    assert_eq!(error, MountError::Name(NameError::EmptyChannel));
    let pair = pair(Server::builder());
    let error = MathProxy::new(&pair.client.channel("")).twice(1).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::Name(NameError::EmptyChannel)))), "{error:?}");
}

#[tokio::test]
async fn merged_routers_serve_their_services_at_both_endpoints() -> Result<(), Box<dyn Error>> {
    let sessions = Router::new().service_with(|_| Till::default());
    let router =
        Router::new().service_at("a", PlainMath).merge(Router::new().service_at("b", PlainMath)).merge(sessions);
    let pair = pair_with(Server::builder().router(router.clone()).service_at("c", PlainMath), {
        Client::builder().router(router)
    });
    for channel in ["a", "b", "c"] {
        assert_eq!(MathProxy::new(&pair.client.channel(channel)).twice(2).await?, 4, "{channel}");
    }
    assert_eq!(MathProxy::new(&pair.peer.channel("b")).twice(3).await?, 6);
    assert!(MathProxy::new(&pair.peer.channel("c")).twice(3).await.is_err());
    // Each connection has an object of its own.
    assert_eq!(TillProxy::new(&pair.client).add(1).await?, 1);
    assert_eq!(TillProxy::new(&pair.peer).add(1).await?, 1);
    Ok(())
}

#[test]
fn routers_with_the_same_event_cannot_be_merged_into_one_server() {
    let router = Router::new().service_at("a", PlainMath);
    let error = Server::builder().router(router.clone().merge(router)).build().expect_err("the events are the same");
    assert!(matches!(&error, MountError::Duplicate { channel: Some(channel), .. } if channel == "a"), "{error}");
}
