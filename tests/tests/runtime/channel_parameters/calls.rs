//! Calls of each kind on a channel with parameters.

use super::{DocProxy, PageProxy, Pages, both};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use std::borrow::Cow;
use std::error::Error;
use wswrapper::{Client, Server, connection::Peer, ws_handlers};
use wswrapper_tests::{RawPeer, let_others_run, pair, pair_with};

async fn call_each(peer: &Peer) -> Result<(), Box<dyn Error>> {
    let doc = DocProxy::new(peer, 7);
    assert_eq!(doc.text(3).await?, "7 from 3");
    assert_eq!(doc.length("four").await?, 11);
    doc.touch("Ada").await?;
    doc.close().await?;
    assert_eq!(doc.lines(2).await?.map(Result::unwrap).collect::<Vec<_>>().await, ["7:0", "7:1"]);
    assert_eq!(doc.append(stream::iter(["a".to_owned(), "b".to_owned()])).await?, "7ab");
    assert_eq!((doc.spawned().await?, doc.blocking().await?), (7, 7));
    assert_eq!(doc.channel().await?.as_deref(), Some("doc/7"));
    // A clone is on the same channel, and another proxy on its own.
    assert_eq!(doc.clone().spawned().await?, 7);
    assert_eq!(DocProxy::new(peer, u64::MAX).spawned().await?, u64::MAX);
    Ok(())
}

#[tokio::test]
async fn calls_of_each_kind_get_the_parameter_in_both_directions() -> Result<(), Box<dyn Error>> {
    let (pair, at_server, at_client) = both();
    call_each(pair.client.peer()).await?;
    call_each(&pair.peer).await?;
    for docs in [at_server, at_client] {
        assert_eq!(docs.0.take(), ["text of 7", "Ada touches 7", "close"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_parameter_is_no_argument_on_the_wire() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(async move { DocProxy::new(&client, 7).length("four").await });
    let request = raw.receive().await;
    assert_eq!(request, json!({"c": "doc/7", "i": request["i"], "a": ["length", "four"]}));
    raw.send(&json!({"i": request["i"], "d": 5}).to_string()).await;
    assert_eq!(call.await??, 5);
    Ok(())
}

#[tokio::test]
async fn several_parameters_are_given_in_the_order_of_the_channel() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Pages::default()));
    let page = PageProxy::new(&pair.client, "start", String::from("ada"));
    assert_eq!(page.both().await?, "start|ada");
    assert_eq!(PageProxy::new(&pair.client, &String::from("a"), Cow::from("b")).owner().await?, "b");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_reach_all_peers_on_the_named_channel() -> Result<(), Box<dyn Error>> {
    let pages = Pages::default();
    let pair = pair_with(Server::builder(), Client::builder().service(pages.clone()));
    let delivery = PageProxy::new(pair.server.broadcast(), "start", "ada").seen().await?;
    assert_eq!(delivery.sent, 1);
    let_others_run().await;
    assert_eq!(pages.0.take(), ["seen"]);
    Ok(())
}

struct Sheet;

#[ws_handlers(channel = "sheet/{row}/{type}")]
impl Sheet {
    pub async fn cell(&self, r#type: char, factor: u32, row: i32) -> String {
        format!("{type}{}", row * factor.cast_signed())
    }
}

#[tokio::test]
async fn handlers_without_a_trait_take_parameters_too() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Sheet));
    assert_eq!(SheetProxy::new(&pair.client, -3, 'x').cell(2).await?, "x-6");
    Ok(())
}

struct PerConnection(u64);

#[ws_handlers(channel = "own/{id}")]
impl PerConnection {
    pub async fn id(&self, id: u64) -> (u64, u64) {
        (self.0, id)
    }
}

#[tokio::test]
async fn services_with_an_object_for_each_connection_take_parameters() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service_with(|peer| PerConnection(peer.id().get())));
    let proxy = PerConnectionProxy::new(&pair.client, 5);
    assert_eq!(proxy.id().await?, (pair.peer.id().get(), 5));
    Ok(())
}

#[tokio::test]
async fn a_service_may_be_mounted_on_another_channel_with_the_same_parameters() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service_at("of/{owner}/{page}", Pages::default()));
    let channel = pair.client.channel("of/ada/start");
    assert_eq!(channel.request::<String>("both", ()).await?, "start|ada");
    Ok(())
}
