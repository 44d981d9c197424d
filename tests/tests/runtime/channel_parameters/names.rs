//! The names of channels, and the values in them.

use super::{DocProxy, Docs, PageProxy, Pages, code, code_by_name};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use wswrapper::error::{NameError, SendError, ServiceError};
use wswrapper::{CallError, Client, Server, ws_handlers};
use wswrapper_tests::{Log, let_others_run, pair};

#[test]
fn any_text_that_is_not_empty_is_a_value() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let inside = runtime.enter();
    let pair = pair(Server::builder().service(Pages::default()));
    drop(inside);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let text = prop_oneof![".{1,12}", "[/%{}2F57BD]{1,12}", any::<String>().prop_filter("empty", |it| !it.is_empty())];
    runner
        .run(&(text.clone(), text), |(page, owner)| {
            let proxy = PageProxy::new(&pair.client, &page, &owner);
            let both = runtime
                .block_on(async { proxy.both().await })
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(both, format!("{page}|{owner}"));
            Ok(())
        })
        .expect("each value comes back");
}

#[tokio::test]
async fn what_is_no_value_is_an_unknown_channel() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Docs::default()).service(Pages::default()));
    let unknown = |name: &str| {
        let channel = pair.client.channel(name);
        async move {
            // The second takes no parameter.
            for event in ["spawned", "channel", "nothing"] {
                let rejected = channel.request::<()>(event, ()).await.expect_err("an unknown channel");
                let expected = format!("Channel '{}' does not exist", channel.name());
                let CallError::Handler(rejection) = rejected else { panic!("{rejected}") };
                assert_eq!((rejection.code(), rejection.to_string()), (Some("ws:UnknownChannel"), expected));
            }
        }
    };
    // Numbers, and other spellings of them.
    for name in ["doc/seven", "doc/-1", "doc/18446744073709551616", "doc/07", "doc/+7", "doc/ 7", "doc/%37", "doc/"] {
        unknown(name).await;
    }
    // Texts.
    for name in
        ["wiki/a/of/", "wiki//of/b", "wiki/%41/of/b", "wiki/%2f/of/b", "wiki/%/of/b", "wiki/{a}/of/b", "doc/7/x"]
    {
        unknown(name).await;
    }
    // A name that is one, with an event that nobody handles.
    let rejected = pair.client.channel("doc/7").request::<()>("nothing", ()).await;
    assert_eq!(code_by_name(rejected).as_deref(), Some("ws:UnknownEvent"));
    assert_eq!(pair.client.channel("wiki/%2F%25/of/b").request::<String>("both", ()).await?, "/%|b");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_for_a_channel_with_no_value_is_dropped_and_counted() -> Result<(), Box<dyn Error>> {
    let (docs, log) = (Docs::default(), Log::default());
    let server = Server::builder().service(docs.clone()).on_error({
        let log = log.clone();
        move |_, error| {
            assert!(matches!(error, ServiceError::EventDropped { .. }));
            log.add(error.to_string());
        }
    });
    let pair = pair(server);
    pair.client.channel("doc/seven").emit("touch", ("Ada",)).await?;
    let_others_run().await;
    let expected = "event `touch` on channel `doc/seven` was dropped: Channel 'doc/seven' does not exist";
    assert_eq!((log.take(), docs.0.take()), (vec![expected.to_owned()], vec![]));
    assert_eq!(pair.server.status().events_dropped, 1);
    Ok(())
}

#[tokio::test]
async fn an_empty_value_is_an_error_of_the_call() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Pages::default()));
    let page = PageProxy::new(&pair.client, "start", "");
    let expected = NameError::EmptyParameter("owner".to_owned());
    match page.both().await {
        Err(CallError::NotSent(SendError::Name(error))) => assert_eq!(error, expected),
        other => panic!("{other:?}"),
    }
    assert!(matches!(page.seen().await, Err(SendError::Name(error)) if error == expected));
    Ok(())
}

/// A value that is displayed in another way than it is parsed.
#[derive(Debug)]
struct Odd;

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("displayed")
    }
}

impl FromStr for Odd {
    type Err = fmt::Error;

    fn from_str(text: &str) -> Result<Self, fmt::Error> {
        if text == "parsed" || text == "displayed" { Ok(Self) } else { Err(fmt::Error) }
    }
}

struct Odds;

#[ws_handlers(channel = "odd/{value}")]
impl Odds {
    pub fn ask(&self, value: Odd) -> String {
        value.to_string()
    }
}

#[tokio::test]
async fn a_value_has_one_name() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Odds));
    assert_eq!(OddsProxy::new(&pair.client, Odd).ask().await?, "displayed");
    let other = pair.client.channel("odd/parsed").request::<String>("ask", ()).await;
    assert_eq!(code_by_name(other).as_deref(), Some("ws:UnknownChannel"));
    Ok(())
}

struct Index;

#[ws_handlers(channel = "doc/7")]
impl Index {
    pub async fn index(&self) -> String {
        "the index".to_owned()
    }
}

#[tokio::test]
async fn an_exact_name_wins() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Docs::default()).service(Index));
    assert_eq!(IndexProxy::new(&pair.client).index().await?, "the index");
    // It does not have the events of the pattern.
    assert_eq!(code(DocProxy::new(&pair.client, 7).spawned().await).as_deref(), Some("ws:UnknownEvent"));
    assert_eq!(DocProxy::new(&pair.client, 8).spawned().await?, 8);
    assert_eq!(pair.server.channel("doc/7").event_names(), ["index"]);
    assert_eq!(pair.server.channel("doc/8").event_names(), pair.server.channel("doc/{id}").event_names());
    // A closure that was added for one name precedes the service.
    pair.server.channel("doc/9").on("spawned", || async { 1 })?;
    assert_eq!(DocProxy::new(&pair.client, 9).spawned().await?, 1);
    assert_eq!(DocProxy::new(&pair.client, 9).blocking().await?, 9);
    Ok(())
}

#[tokio::test]
async fn a_client_without_the_service_knows_no_such_channel() {
    let pair = pair(Server::builder());
    assert_eq!(code(DocProxy::new(&pair.client, 7).spawned().await).as_deref(), Some("ws:UnknownChannel"));
    drop(Client::builder());
}
