//! Return types of methods with streams.

use super::{all, until_error};
use futures_util::stream::{self, FusedStream, StreamExt};
use wswrapper::{
    CallError, Client, Server, Stream, Streaming, WsError, connection::Counters, error::Rejection, ws_handlers,
    ws_service,
};
use wswrapper_tests::{RawPeer, pair, pair_with};

type Answer<T> = Result<T, Stop>;

#[ws_service(channel = "numbers")]
trait Numbers {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    fn plain(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn steps(&self, words: &str, times: Option<u32>) -> impl Stream<Item = String> + Send;
    async fn until(&self, to: u32, fails: bool) -> Result<impl Stream<Item = Result<u32, Stop>> + Send, String>;
    async fn aliased(&self, to: u32) -> Answer<impl Stream<Item = Answer<u32>> + Send>;
    async fn plain_or_not(&self, to: u32) -> Result<impl Stream<Item = u32> + Send, Stop>;
    async fn units(&self, count: usize) -> impl Stream<Item = ()> + Send;
    async fn options(&self) -> impl Stream<Item = Option<u8>> + Send;
    async fn squares(&self, to: u32) -> impl Stream<Item = u32> + Send {
        self.count(to).await.map(|n| n * n)
    }
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum Stop {
    #[error("stopped at {at}")]
    At { at: u32 },
}

struct NumbersService {
    step: u32,
}

#[ws_handlers]
impl Numbers for NumbersService {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter((1..=to).map(move |n| n * self.step))
    }

    fn plain(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter((1..=to).map(move |n| n + self.step))
    }

    async fn steps(&self, words: &str, times: Option<u32>) -> impl Stream<Item = String> + Send {
        let words: Vec<_> = words.split(' ').map(|word| word.repeat(self.step as usize)).collect();
        stream::iter(words).take(times.unwrap_or(u32::MAX) as usize)
    }

    async fn until(&self, to: u32, fails: bool) -> Result<impl Stream<Item = Result<u32, Stop>> + Send, String> {
        if fails {
            return Err("no".to_owned());
        }
        Ok(stream::iter((1..=to).map(Ok).chain([Err(Stop::At { at: to }), Ok(0)])))
    }

    async fn aliased(&self, to: u32) -> Answer<impl Stream<Item = Answer<u32>> + Send> {
        if to == 0 { Err(Stop::At { at: 0 }) } else { Ok(stream::iter((1..=to).map(Ok))) }
    }

    async fn plain_or_not(&self, to: u32) -> Result<impl Stream<Item = u32> + Send, Stop> {
        if to == 0 { Err(Stop::At { at: 0 }) } else { Ok(stream::iter(1..=to)) }
    }

    async fn units(&self, count: usize) -> impl Stream<Item = ()> + Send {
        stream::iter(vec![(); count])
    }

    async fn options(&self) -> impl Stream<Item = Option<u8>> + Send {
        stream::iter([None, Some(1), None])
    }
}

fn numbers_service() -> NumbersService {
    NumbersService { step: 2 }
}

#[tokio::test]
async fn items_arrive_in_order_and_the_stream_finishes() {
    let pair = pair(Server::builder().service(numbers_service()));
    let items = NumbersProxy::new(&pair.client).count(1_000).await.expect("a stream");
    assert_eq!(all(items).await, (1..=1_000).map(|n| 2 * n).collect::<Vec<_>>());
    assert_eq!(pair.peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_stream_of_a_client_arrives_at_the_server() {
    let pair = pair_with(Server::builder(), Client::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.peer);
    assert_eq!(all(numbers.count(300).await.expect("a stream")).await.last(), Some(&600));
    let (items, error) = until_error(numbers.until(2, false).await.expect("a stream")).await;
    assert!(matches!(error, Some(CallError::Handler(Stop::At { at: 2 }))), "{error:?}");
    assert_eq!(items, [1, 2]);
}

#[tokio::test]
async fn streams_work_over_tcp() {
    let listener = Server::builder().service(numbers_service()).bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());
    let numbers = NumbersProxy::new(&Client::connect(&url).await.expect("the server listens"));
    let items = numbers.count(10_000).await.expect("a stream").window(256);
    assert_eq!(all(items).await.len(), 10_000);
}

#[tokio::test]
async fn a_stream_is_terminated_after_its_finish_or_error_was_returned() {
    let pair = pair(Server::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.client);
    let mut items = numbers.count(1).await.expect("a stream");
    assert!(!items.is_terminated());
    assert!(matches!(items.select_next_some().await, Ok(2)));
    assert!(!items.is_terminated());
    assert!(items.next().await.is_none());
    assert!(items.is_terminated());
    let mut items = numbers.until(0, false).await.expect("a stream");
    assert!(items.select_next_some().await.is_err());
    assert!(items.is_terminated());
}

#[tokio::test]
async fn plain_functions_and_default_bodies_may_return_streams() {
    let pair = pair(Server::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.client);
    assert_eq!(all(numbers.plain(3).await.expect("a stream")).await, [3, 4, 5]);
    assert_eq!(all(numbers.squares(3).await.expect("a stream")).await, [4, 16, 36]);
}

#[tokio::test]
async fn a_stream_borrows_the_service_and_owns_values_made_of_the_arguments() {
    let pair = pair(Server::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.client);
    assert_eq!(all(numbers.steps("a b c", None).await.expect("a stream")).await, ["aa", "bb", "cc"]);
    assert_eq!(all(numbers.steps("a b c", Some(1)).await.expect("a stream")).await, ["aa"]);
}

#[tokio::test]
async fn a_stream_may_be_refused_with_the_methods_error() {
    let pair = pair(Server::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.client);
    let error = numbers.until(2, true).await.expect_err("it fails");
    assert!(matches!(&error, CallError::Handler(text) if text == "no"), "{error:?}");
    let error = numbers.plain_or_not(0).await.expect_err("it fails");
    assert!(matches!(error, CallError::Handler(Stop::At { at: 0 })), "{error:?}");
    assert_eq!(all(numbers.plain_or_not(2).await.expect("a stream")).await, [1, 2]);
    assert_eq!(pair.peer.counters().handlers_in_flight, 0);
}

#[tokio::test]
async fn an_error_item_finishes_the_stream_after_the_items_before_it() {
    let pair = pair(Server::builder().service(numbers_service()));
    let items = NumbersProxy::new(&pair.client).until(100, false).await.expect("a stream").window(8);
    let (items, error) = until_error(items).await;
    assert_eq!(items, (1..=100).collect::<Vec<_>>());
    assert!(matches!(error, Some(CallError::Handler(Stop::At { at: 100 }))), "{error:?}");
}

#[tokio::test]
async fn a_method_may_return_an_alias_of_result() {
    let pair = pair(Server::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.client);
    let error = numbers.aliased(0).await.expect_err("it fails");
    assert!(matches!(error, CallError::Handler(Stop::At { at: 0 })), "{error:?}");
    assert_eq!(all(numbers.aliased(2).await.expect("a stream")).await, [1, 2]);
}

#[tokio::test]
async fn an_empty_stream_finishes_at_once() {
    let pair = pair(Server::builder().service(numbers_service()));
    let items = NumbersProxy::new(&pair.client).count(0).await.expect("a stream");
    assert_eq!(all(items).await, Vec::<u32>::new());
}

#[tokio::test]
async fn items_may_be_unit_or_none() {
    let pair = pair(Server::builder().service(numbers_service()));
    let numbers = NumbersProxy::new(&pair.client);
    assert_eq!(all(numbers.units(3).await.expect("a stream")).await, [(); 3]);
    assert_eq!(all(numbers.options().await.expect("a stream")).await, [None, Some(1), None]);
}

#[tokio::test]
async fn a_stream_is_requested_by_event_name() {
    let pair = pair(Server::builder().service(numbers_service()));
    let channel = pair.client.channel("numbers");
    let items = channel.request::<Streaming<u32, Rejection>>("count", (3,)).await.expect("a stream");
    assert_eq!(all(items).await, [2, 4, 6]);
    let items = channel.request::<Streaming<u32, Rejection>>("until", (1, false)).await.expect("a stream");
    let (items, error) = until_error(items).await;
    assert_eq!(items, [1]);
    assert!(matches!(&error, Some(CallError::Handler(reason)) if reason.code() == Some("At")), "{error:?}");
}

#[tokio::test]
async fn streaming_implements_stream() {
    let pair = pair(Server::builder().service(numbers_service()));
    let items = NumbersProxy::new(&pair.client).count(5).await.expect("a stream");
    let items: Vec<u32> = items.map(|item| item.expect("an item")).collect().await;
    assert_eq!(items, [2, 4, 6, 8, 10]);
}

#[tokio::test]
async fn an_event_cannot_be_answered_with_a_stream() {
    let server = Server::builder().service(numbers_service()).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["count",3],"c":"numbers"}"#).await;
    raw.silence().await;
}
