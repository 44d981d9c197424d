//! Clients of this library at a server of `ws-server-wrapper`, which is `server.mjs`.

mod errors;
mod lifecycle;

use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Barrier;
use wswrapper::{CallError, Client, WsError, client::ClientBuilder, error::Rejection, ws_handlers, ws_service};
use wswrapper_tests::Log;
use wswrapper_tests::node;

/// Far longer than any operation here.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// The server's service on its main channel.
#[ws_service(rename_all = "camelCase")]
trait MainService {
    async fn echo(&self, value: Value) -> Value;
    async fn nothing(&self);
    async fn none(&self) -> Option<u8>;
    async fn later(&self, value: Value) -> Value;
    async fn nan(&self) -> f64;
    async fn big(&self) -> u64;
    async fn big_later(&self) -> Result<u64, Rejection>;
    async fn fail(&self, message: String) -> Result<(), String>;
    async fn fail_later(&self, message: String) -> Result<(), Rejection>;
    async fn reject(&self, value: Value) -> Result<(), Rejection>;
    async fn reject_nothing(&self) -> Result<(), Rejection>;
    async fn hold(&self, n: u32) -> u32;
    async fn release(&self, n: u32);
    async fn twice(&self) -> String;
    async fn missing(&self) -> u8;
    async fn interview(&self) -> Vec<Value>;
    async fn in_any_order(&self, count: usize) -> bool;
    async fn pongs(&self, count: u32) -> u32;
    #[ws(event)]
    async fn note(&self, text: String);
    #[ws(event)]
    async fn note_all(&self, text: String);
    #[ws(event)]
    async fn close_me(&self, code: u16, reason: String);
}

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn divide(&self, a: i64, b: i64) -> Result<i64, CalcError>;
    /// The name is reserved on the main channel only.
    async fn close(&self) -> String;
    async fn missing(&self) -> u8;
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum CalcError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("{rest} is left")]
    Odd { rest: i64 },
}

/// Receives the server's broadcasts.
struct Reader {
    log: Log,
}

#[ws_handlers]
impl Reader {
    #[ws(event)]
    async fn news(&self, text: String, page: Option<u32>) {
        self.log.add(format!("{text} {page:?}"));
    }
}

/// The service that the server calls.
struct Customer {
    /// Lets [`CALLS_TOGETHER`] calls wait for each other.
    all: Arc<Barrier>,
}

#[derive(Debug, thiserror::Error, WsError)]
enum CustomerError {
    #[error("only {left} seats are left")]
    Full { left: u32 },
}

#[ws_handlers(channel = "customer")]
impl Customer {
    pub async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    pub async fn greet(&self, name: &str) -> String {
        format!("hello, {name}")
    }

    pub async fn nothing(&self) {}

    pub async fn reserve(&self, seats: u32) -> Result<u32, CustomerError> {
        if seats > 10 { Err(CustomerError::Full { left: 10 }) } else { Ok(seats) }
    }

    pub async fn fail(&self) -> Result<(), String> {
        Err("not today".to_owned())
    }

    pub async fn reject(&self, value: Value) -> Result<(), Rejection> {
        Err(Rejection::value(value))
    }

    pub async fn hang(&self) {
        std::future::pending::<()>().await;
    }

    pub async fn wait(&self, n: u32) -> u32 {
        self.all.wait().await;
        n
    }
}

/// Number of calls of the server that run together.
const CALLS_TOGETHER: usize = 200;

fn customer() -> ClientBuilder {
    Client::builder().service(Customer { all: Arc::new(Barrier::new(CALLS_TOGETHER)) })
}

/// The server in Node. It is killed on drop.
struct NodeServer {
    child: Child,
    reports: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl NodeServer {
    async fn start() -> Option<Self> {
        Self::start_with(json!({"errorProperties": true})).await
    }

    async fn start_with(options: Value) -> Option<Self> {
        let package = node::package("interop")?;
        let mut node = Command::new("node");
        node.arg("server.mjs").arg(options.to_string()).current_dir(package).kill_on_drop(true);
        node.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = node.spawn().expect("Node can be run");
        let reports = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut server = Self { child, reports, url: String::new() };
        let port = server.report().await["port"].clone();
        server.url = format!("ws://127.0.0.1:{port}/some/path?and=query");
        Some(server)
    }

    /// Returns the next line that the server reports.
    async fn report(&mut self) -> Value {
        let line =
            tokio::time::timeout(TIME_LIMIT, self.reports.next_line()).await.expect("the server reports in time");
        let line = line.expect("the output can be read").expect("the server is running");
        serde_json::from_str(&line).expect("a report is JSON")
    }

    async fn connect(&self) -> Client {
        self.connect_with(Client::builder()).await
    }

    async fn connect_with(&self, client: ClientBuilder) -> Client {
        client.connect(&self.url).await.expect("the server accepts connections")
    }
}

#[tokio::test]
async fn results_of_a_javascript_server_are_decoded() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    for value in [
        json!(0),
        json!(-1.5),
        json!(1e300),
        json!(9_007_199_254_740_991_i64),
        json!(""),
        json!("quotes \" \\ / \u{0} \n \u{2028} \u{1f600} <b>"),
        json!([[], {}, [null]]),
        json!({"a": 1, "i": 2, "c": "x", "e": {"_": 1}}),
        json!(false),
        Value::Null,
    ] {
        assert_eq!(main.echo(value.clone()).await.expect("a response"), value);
        assert_eq!(main.later(value.clone()).await.expect("a response"), value);
    }
    main.nothing().await.expect("a response");
    assert_eq!(main.none().await.expect("a response"), None);
    let not_a_number = main.nan().await;
    assert!(matches!(not_a_number, Err(CallError::Decode(_))), "{not_a_number:?}");
}

#[tokio::test]
async fn integers_above_the_range_of_javascript_are_rounded() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let echo = MainServiceProxy::new(&client).echo(json!(u64::MAX)).await.expect("a response");
    assert_eq!(echo, json!(18_446_744_073_709_552_000_f64));
    let largest = CalcProxy::new(&client).add(i64::MAX, 0).await;
    assert!(matches!(largest, Err(CallError::Decode(_))), "{largest:?}");
}

#[tokio::test]
async fn a_client_calls_a_named_channel_of_a_javascript_server() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let calc = CalcProxy::new(&client);
    assert_eq!(calc.add(20, 22).await.expect("a response"), 42);
    assert_eq!(calc.divide(9, 3).await.expect("a response"), 3);
    assert_eq!(calc.close().await.expect("a response"), "an ordinary name here");
}

#[tokio::test]
async fn only_the_first_of_two_responses_is_used() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    for n in 0..10 {
        assert_eq!(main.twice().await.expect("a response"), "first");
        assert_eq!(main.echo(json!(n)).await.expect("a response"), json!(n));
    }
}

#[tokio::test]
async fn responses_of_a_javascript_server_in_any_order_reach_their_callers() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    let mut held = Vec::new();
    for n in 0..500 {
        held.push(tokio::spawn({
            let main = main.clone();
            async move { main.hold(n).await.expect("a response") }
        }));
    }
    wswrapper_tests::until(|| client.calls_in_flight() == 500).await;
    for n in (0..500).map(|n| (n * 367) % 500) {
        main.release(n).await.expect("a response");
    }
    for (n, response) in (0..).zip(held) {
        assert_eq!(response.await.expect("no panic"), n);
    }
}

#[tokio::test]
async fn events_reach_a_javascript_server_in_order() {
    let Some(mut server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    for n in 0..100 {
        main.note(format!("note {n}")).await.expect("the queue has capacity");
    }
    for n in 0..100 {
        assert_eq!(server.report().await, json!({"note": format!("note {n}")}));
    }
}

#[tokio::test]
async fn a_broadcast_of_a_javascript_server_reaches_every_client() {
    let Some(server) = NodeServer::start().await else { return };
    let reader = |log: &Log| Client::builder().service(Reader { log: log.clone() });
    let logs = [Log::default(), Log::default(), Log::default()];
    let mut clients = Vec::new();
    for log in &logs {
        let reader = reader(log).service_at("paper", Reader { log: log.clone() });
        clients.push(server.connect_with(reader).await);
    }
    // A response shows that the server knows the client.
    for client in &clients {
        MainServiceProxy::new(client).nothing().await.expect("a response");
    }
    MainServiceProxy::new(&clients[1]).note_all("hello \u{1f600}").await.expect("the queue has capacity");
    for log in logs {
        assert_eq!(log.has(2).await, ["hello \u{1f600} None", "hello \u{1f600} Some(2)"]);
    }
}

#[tokio::test]
async fn a_javascript_server_calls_a_client_and_receives_its_errors() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect_with(customer()).await;
    let seen = MainServiceProxy::new(&client).interview().await.expect("a response");
    let wrong = "argument 2 (`b`) of `add`: invalid type: string \"2\", expected i64";
    let full = json!({"message": "only 10 seats are left", "code": "Full", "data": {"left": 10}});
    let unknown = |message| json!({"error": {"message": message, "code": "ws:UnknownEvent"}});
    assert_eq!(
        seen,
        [
            json!({"result": 42}),
            json!({"result": "hello, Ada \"\u{1f600}\""}),
            json!({}),
            json!({"error": full}),
            json!({"error": {"message": "not today"}}),
            json!({"value": {"code": 42}}),
            json!({"error": {"message": wrong, "code": "ws:BadArguments"}}),
            unknown("No event listener for 'nope' on channel 'customer'"),
            unknown("No event listener for 'nope'"),
            json!({"error": {"message": "Channel 'nowhere' does not exist", "code": "ws:UnknownChannel"}}),
            json!({"error": {"message": "Request timed out"}}),
            json!({"result": 3}),
        ]
    );
}

#[tokio::test]
async fn calls_of_a_javascript_server_run_concurrently_at_the_client() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect_with(customer()).await;
    assert!(MainServiceProxy::new(&client).in_any_order(CALLS_TOGETHER).await.expect("a response"));
}

/// Defect of ws-server-wrapper 1.6.1 with its ws-wrapper 2.2.0: the server sends its local event `connect` to each new
/// client. The name is reserved, so the client has to ignore it.
#[tokio::test]
async fn the_reserved_connect_event_of_a_javascript_server_is_ignored() {
    let Some(server) = NodeServer::start().await else { return };
    let log = Log::default();
    let errors = log.clone();
    let client = Client::builder().on_error(move |_, error| errors.add(error.to_string()));
    let client = server.connect_with(client).await;
    MainServiceProxy::new(&client).nothing().await.expect("a response");
    assert_eq!(log.entries(), [] as [&str; 0]);
}
