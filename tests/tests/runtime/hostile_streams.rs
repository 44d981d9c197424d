//! Streams with a peer that violates the protocol. Its connection still works afterwards, and nothing is left behind.

mod channels;
mod credit;
mod items;
mod uploads;

use futures_util::stream;
use serde_json::{Value, json};
use wswrapper::{
    Limits, Peer, Scoped, Server, Stream, Streaming, Upload,
    error::{Rejection, ServiceError},
    ws_handlers, ws_service,
};
use wswrapper_tests::{Alive, Guard, Log, RawPeer, item};

#[ws_service]
trait Sources {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<u32>) -> u32;
    async fn tap(&self) -> Scoped<Tap>;
    async fn echo(&self, value: Value) -> Value;
}

struct Tap(Guard);

#[ws_handlers]
impl Tap {
    pub fn is_open(&self) -> bool {
        let Self(_open) = self;
        true
    }
}

#[derive(Clone, Default)]
struct SourcesService {
    sources: Alive,
}

fn guarded(to: u32, guard: Guard) -> impl Stream<Item = u32> {
    stream::iter((1..=to).inspect(move |_| {
        let _ = &guard;
    }))
}

#[ws_handlers]
impl Sources for SourcesService {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        guarded(to, self.sources.guard())
    }

    async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let _guard = self.sources.guard();
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn tap(&self) -> Scoped<Tap> {
        Scoped::new(Tap(self.sources.guard()))
    }

    async fn echo(&self, value: Value) -> Value {
        value
    }
}

/// A server and a peer that violates the protocol.
struct Fixture {
    server: Server,
    peer: Peer,
    raw: RawPeer,
    service: SourcesService,
    errors: Log,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let (service, errors) = (SourcesService::default(), Log::default());
        let builder = Server::builder().limits(limits).service(service.clone()).on_error({
            let errors = errors.clone();
            move |_, error: &ServiceError| errors.add(error.to_string())
        });
        let server = builder.build().expect("it can be mounted");
        let (raw, peer) = RawPeer::dial(&server);
        Self { server, peer, raw, service, errors }
    }

    /// Opens a stream of `to` numbers on channel 1.
    async fn open_count(&mut self, to: u32) {
        let opened = self.raw.ask(&json!({"a": ["count", to], "i": 1}).to_string()).await;
        assert_eq!(opened, json!({"i": 1, "h": 1}));
    }

    /// Lets the server request a stream. Returns the stream and the number of its channel.
    async fn request_stream(&mut self) -> (Streaming<u32, Rejection>, u64) {
        let call = tokio::spawn(self.peer.request::<Streaming<u32, Rejection>>("feed", ()));
        let id = self.raw.receive().await["i"].as_u64().expect("a request");
        self.raw.send(&json!({"i": id, "h": 1}).to_string()).await;
        (call.await.expect("no panic").expect("a stream"), id)
    }

    /// Sends a frame, and checks that it is ignored.
    async fn send_ignored(&mut self, frame: &str) {
        self.raw.send(frame).await;
        let got = self.raw.ask(r#"{"a":["echo","in vain?"],"i":77}"#).await;
        assert_eq!(got, json!({"i": 77, "d": "in vain?"}), "after {frame}");
    }

    /// Checks that the connection works and that `sources` sources are left. Then disconnects, and none is left.
    async fn finish(mut self, sources: usize) -> Log {
        let got = self.raw.ask(r#"{"a":["echo","still here"],"i":99}"#).await;
        assert_eq!(got, json!({"i": 99, "d": "still here"}));
        assert!(self.peer.is_open());
        let counters = self.peer.counters();
        assert_eq!((counters.open_channels, self.service.sources.count()), (sources, sources));
        assert_eq!((counters.calls_in_flight, counters.handlers_in_flight, counters.queued_bytes), (0, 0, 0));
        drop(self.raw);
        self.service.sources.becomes(0).await;
        self.peer.closed().await;
        assert!(self.server.peers().is_empty());
        self.errors
    }
}

/// Returns the abort that answers a message on an unknown channel.
fn unknown_channel(channel: u64) -> Value {
    let message = format!("Anonymous channel '{channel}' does not exist");
    json!({"h": channel, "x": {"message": message, "code": "ws:UnknownChannel"}, "_": 1})
}
