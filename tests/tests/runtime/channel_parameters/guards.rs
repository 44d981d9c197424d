//! Guards and layers for the channels that match a pattern.

use super::{DocProxy, Docs, code};
use std::error::Error;
use wswrapper::service::layer::{GuardCall, LayerCall, Next};
use wswrapper::{AnonymousChannel, Context, Router, Scoped, Server, ws_handlers, ws_service};
use wswrapper_tests::{Log, pair};

/// Returns a guard that logs its name and the channel.
fn guard(
    log: &Log,
    name: &'static str,
) -> impl Fn(&GuardCall<'_>) -> Result<(), String> + Send + Sync + 'static + use<> {
    let log = log.clone();
    move |call| {
        log.add(format!("{name} {}", call.channel().unwrap_or("-")));
        Ok(())
    }
}

#[tokio::test]
async fn a_name_passes_the_guards_of_all_patterns_that_it_matches_in_their_order() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder()
        .guard_on("{kind}/{id}", guard(&log, "kind"))
        .guard_on("doc/7", guard(&log, "seven"))
        .guard_on("doc/{id}", guard(&log, "doc"))
        .guard_on("img/{id}", guard(&log, "img"))
        .guard(guard(&log, "all"))
        .service(Docs::default());
    let pair = pair(server);
    DocProxy::new(&pair.client, 7).spawned().await?;
    assert_eq!(log.take(), ["all doc/7", "kind doc/7", "seven doc/7", "doc doc/7"]);
    DocProxy::new(&pair.client, 8).spawned().await?;
    assert_eq!(log.take(), ["all doc/8", "kind doc/8", "doc doc/8"]);
    pair.client.channel("a/b").request::<()>("x", ()).await.expect_err("nothing is there");
    assert_eq!(log.take(), ["all a/b", "kind a/b"]);
    pair.client.request::<()>("x", ()).await.expect_err("nothing is there");
    assert_eq!(log.take(), ["all -"]);
    Ok(())
}

#[tokio::test]
async fn another_spelling_does_not_pass_a_guard() {
    let server = Server::builder().service(Docs::default()).guard_on("doc/7", |_: &GuardCall<'_>| Err("secret"));
    let pair = pair(server);
    assert!(DocProxy::new(&pair.client, 7).spawned().await.is_err_and(|error| error.to_string().contains("secret")));
    for name in ["doc/07", "doc/+7", "doc/%37"] {
        let error = pair.client.channel(name).request::<u64>("spawned", ()).await.expect_err("an unknown channel");
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}

#[tokio::test]
async fn guards_and_layers_see_the_values_of_parameters() -> Result<(), Box<dyn Error>> {
    let (guarded, layered) = (Log::default(), Log::default());
    let (of_guard, of_layer) = (guarded.clone(), layered.clone());
    let server = Server::builder()
        .guard(move |call: &GuardCall<'_>| {
            let values = (call.parameter::<u64>("id"), call.parameter::<char>("id"), call.parameter::<u64>("name"));
            of_guard.add(format!("{values:?}"));
            Ok::<_, String>(())
        })
        .layer(move |call: LayerCall, next: Next| {
            of_layer.add(format!("{:?}", call.parameter::<String>("id")));
            next.run(call)
        })
        .service(Docs::default());
    let pair = pair(server);
    DocProxy::new(&pair.client, 17).spawned().await?;
    pair.client.channel("doc").request::<()>("spawned", ()).await.expect_err("no such channel");
    assert_eq!(guarded.take(), ["(Some(17), None, None)", "(None, None, None)"]);
    assert_eq!(layered.take(), ["Some(\"17\")", "None"]);
    Ok(())
}

#[tokio::test]
async fn a_layer_is_around_the_calls_of_a_pattern() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let layer = {
        let log = log.clone();
        move |call: LayerCall, next: Next| {
            let log = log.clone();
            async move {
                let reply = next.run(call).await;
                log.add(format!("{:?}", reply.outcome()));
                reply
            }
        }
    };
    let router = Router::new().service(Docs::default()).layer(layer.clone());
    let pair = pair(Server::builder().router(router).layer_on("doc/{id}", layer));
    let doc = DocProxy::new(&pair.client, 7);
    assert_eq!(doc.text(1).await?, "7 from 1");
    assert_eq!(log.take(), ["Ok", "Ok"]);
    assert_eq!(doc.append(futures_util::stream::iter(["x".to_owned()])).await?, "7x");
    assert_eq!(log.take(), ["ChannelOpened", "ChannelOpened"]);
    let unknown = pair.client.channel("doc/x").request::<u64>("spawned", ()).await;
    assert!(unknown.is_err());
    // Both have passed it on, because a layer may replace the rejection.
    assert_eq!(log.take(), [r#"Rejected { code: Some("ws:UnknownChannel") }"#; 2]);
    Ok(())
}

#[ws_service]
trait Part {
    async fn name(&self) -> String;
}

struct Title;

#[ws_handlers]
impl Part for Title {
    async fn name(&self) -> String {
        "title".to_owned()
    }
}

struct Book;

#[ws_handlers(channel = "book/{id}")]
impl Book {
    pub async fn part(&self, id: u32) -> Scoped<dyn Part> {
        assert_eq!(id, 3);
        Scoped::new(Title)
    }
    pub async fn channel(&self, ctx: Context) -> AnonymousChannel {
        ctx.open_channel()
    }
}

#[tokio::test]
async fn channels_that_are_opened_there_inherit_the_guards() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = pair(Server::builder().service(Book).guard_on("book/{id}", guard(&log, "book")));
    let book = BookProxy::new(&pair.client, 3);
    let part = book.part().await?;
    assert_eq!(
        (part.name().await?.as_str(), log.take()),
        ("title", vec!["book book/3".to_owned(), "book -".to_owned()])
    );
    let channel = book.channel().await?;
    channel.request::<()>("x", ()).await.expect_err("nothing is there");
    assert_eq!(log.take(), ["book book/3", "book -"]);
    assert_eq!(code(BookProxy::new(&pair.client, 0).part().await).as_deref(), Some("ws:Internal"));
    Ok(())
}
