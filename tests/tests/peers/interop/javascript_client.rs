//! Clients of `ws-wrapper` at a server of this library. `client.mjs` contains one case for each test.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use wswrapper::{CallError, Context, Server, WsError, error::Rejection, ws_handlers, ws_service};
use wswrapper_tests::node;
use wswrapper_tests::{Alive, Log};

/// Far longer than any case takes.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// The service on the main channel.
#[derive(Clone, Default)]
struct MainService {
    log: Log,
    /// Handlers that wait in `hold`, by number.
    held: Arc<Mutex<HashMap<u32, oneshot::Sender<()>>>>,
    /// Counts the handlers that wait in `hold`.
    waiting: Alive,
}

#[derive(Serialize, Deserialize)]
struct Basket {
    owner: Option<String>,
    items: Vec<Item>,
}

#[derive(Serialize, Deserialize)]
struct Item {
    name: String,
    price: f64,
}

#[derive(Debug, thiserror::Error, WsError)]
enum ReservationError {
    #[error("only {left} seats are left")]
    Full { left: u32 },
    #[error("the desk is closed")]
    Closed,
}

/// The service of each client.
#[ws_service(channel = "customer")]
trait Customer {
    async fn confirm(&self, question: String) -> Result<bool, Rejection>;
    async fn name(&self) -> Result<Option<String>, Rejection>;
    async fn fail(&self) -> Result<(), Rejection>;
    async fn reject(&self, value: Value) -> Result<(), Rejection>;
    async fn missing(&self) -> Result<(), Rejection>;
    async fn count(&self) -> Result<i64, Rejection>;
    #[ws(event)]
    async fn sold(&self, item: String, price: Option<f64>);
}

#[ws_handlers(rename_all = "camelCase")]
impl MainService {
    pub async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    pub async fn half(&self, a: f64) -> f64 {
        a / 2.0
    }

    pub async fn largest(&self) -> u64 {
        u64::MAX
    }

    pub async fn shout(&self, text: &str) -> String {
        text.to_uppercase()
    }

    pub async fn echo(&self, value: Value) -> Value {
        value
    }

    pub async fn discount(&self, mut basket: Basket) -> Basket {
        basket.items.iter_mut().for_each(|item| item.price /= 2.0);
        basket
    }

    pub async fn maybe(&self, a: i64, b: Option<i64>, c: Option<String>) -> (i64, Option<i64>, Option<String>) {
        (a, b, c)
    }

    pub async fn nothing(&self) {}

    pub async fn none(&self) -> Option<u8> {
        None
    }

    pub async fn reserve(&self, seats: u32) -> Result<u32, ReservationError> {
        match seats {
            0 => Err(ReservationError::Closed),
            1..=10 => Ok(seats),
            _ => Err(ReservationError::Full { left: 10 }),
        }
    }

    pub async fn fail(&self, message: String) -> Result<(), String> {
        Err(message)
    }

    pub async fn reject(&self, value: Value) -> Result<(), Rejection> {
        Err(Rejection::value(value))
    }

    pub async fn internal(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("the password is 1234".into())
    }

    /// Returns `n` after `release(n)` was called.
    pub async fn hold(&self, n: u32) -> u32 {
        let _waits = self.waiting.guard();
        let (sender, released) = oneshot::channel();
        self.held.lock().expect("no thread panicked with the lock").insert(n, sender);
        released.await.expect("the sender is not dropped before the release");
        n
    }

    pub async fn release(&self, n: u32) -> bool {
        let held = self.held.lock().expect("no thread panicked with the lock").remove(&n);
        held.is_some_and(|held| held.send(()).is_ok())
    }

    /// Calls each method of the caller and returns the outcomes.
    pub async fn interview(&self, ctx: Context) -> Vec<Value> {
        let customer = CustomerProxy::new(ctx.peer());
        vec![
            outcome(customer.confirm("one \"lamp\", really?").await),
            outcome(customer.name().await),
            outcome(customer.fail().await),
            outcome(customer.reject(json!({"code": 42})).await),
            outcome(customer.reject(json!("a text")).await),
            outcome(customer.missing().await),
            outcome(customer.count().await),
        ]
    }

    /// Notifies all clients, and returns their number.
    pub async fn sell(&self, ctx: Context, item: String, price: Option<f64>) -> usize {
        CustomerProxy::new(ctx.broadcast()).sold(item, price).await.expect("the event can be encoded").sent
    }

    #[ws(event)]
    async fn note(&self, text: String) {
        self.log.add(text);
    }

    #[ws(event)]
    async fn close_me(&self, ctx: Context, code: u16, reason: String) {
        ctx.peer().close(code, reason);
    }
}

/// Returns the outcome of a call as JSON.
fn outcome<T: Serialize>(result: Result<T, CallError<Rejection>>) -> Value {
    match result {
        Ok(value) => json!({"result": value}),
        Err(CallError::Handler(error)) => json!({"rejected": error}),
        Err(error) => json!({"failed": error.to_string()}),
    }
}

/// The service on the channel `files`.
#[derive(Clone, Default)]
struct Files {
    contents: Arc<Mutex<HashMap<String, String>>>,
}

#[ws_handlers(channel = "files", rename_all = "camelCase")]
impl Files {
    pub async fn read(&self, name: String) -> Result<String, String> {
        let content = self.contents.lock().expect("no thread panicked with the lock").get(&name).cloned();
        content.ok_or_else(|| format!("no such file: {name}"))
    }

    /// The name is reserved on the main channel only.
    pub async fn open(&self, name: String) -> bool {
        self.contents.lock().expect("no thread panicked with the lock").contains_key(&name)
    }

    #[ws(event)]
    async fn write_file(&self, name: String, content: String) {
        self.contents.lock().expect("no thread panicked with the lock").insert(name, content);
    }
}

/// A server, and the location of the scripts that call it.
struct Fixture {
    main: MainService,
    server: Server,
    url: String,
    package: PathBuf,
}

impl Fixture {
    async fn open() -> Option<Self> {
        let package = node::package("interop")?;
        let main = MainService::default();
        let (errors, closings) = (main.log.clone(), main.log.clone());
        let listener = Server::builder()
            .service(main.clone())
            .service(Files::default())
            .on_error(move |_, error| errors.add(error.to_string()))
            .on_close(move |_, closed| {
                closings.add(format!("closed: {} {:?} {:?}", closed.code, closed.reason, closed.cause));
                async {}
            })
            .bind("127.0.0.1:0")
            .await
            .expect("there is a free port");
        let url = format!("ws://{}", listener.local_addr());
        let server = listener.server().clone();
        tokio::spawn(listener.serve());
        Some(Self { main, server, url, package })
    }

    fn start(&self, case: &str) -> Child {
        let mut node = Command::new("node");
        node.args(["client.mjs", case, &self.url]).current_dir(&self.package).kill_on_drop(true);
        node.stdout(Stdio::piped()).stderr(Stdio::piped());
        node.spawn().expect("Node can be run")
    }

    /// Runs a case of `client.mjs` and checks that it succeeds.
    async fn passes(&self, case: &str) {
        passed(self.start(case)).await;
    }
}

async fn passed(node: Child) {
    let output = tokio::time::timeout(TIME_LIMIT, node.wait_with_output()).await.expect("the case finishes in time");
    let Output { status, stdout, stderr } = output.expect("the output can be read");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(status.success(), "{status}\n{}{}", text(&stdout), text(&stderr));
}

#[tokio::test]
async fn results_of_every_kind_reach_a_javascript_client() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("results").await;
}

#[tokio::test]
async fn undefined_arguments_of_javascript_are_absent_optional_arguments() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("optionalArguments").await;
}

#[tokio::test]
async fn a_javascript_client_calls_a_named_channel() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("channels").await;
}

#[tokio::test]
async fn errors_reach_javascript_with_message_code_and_data() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("errors").await;
    assert_eq!(fixture.main.log.entries()[0], "handler of `internal` failed: the password is 1234");
}

#[tokio::test]
async fn unhandled_calls_are_rejected_with_the_text_of_the_javascript_library() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("unknown").await;
    assert_eq!(
        fixture.main.log.entries()[..2],
        [
            "event `nope` was dropped: No event listener for 'nope'",
            "event `nope` on channel `nowhere` was dropped: Channel 'nowhere' does not exist",
        ]
    );
}

#[tokio::test]
async fn wrong_arguments_from_javascript_are_rejected_and_the_connection_stays_open() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("wrongArguments").await;
}

#[tokio::test]
async fn events_from_javascript_arrive_in_order() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("events").await;
    let expected: Vec<_> = (0..100).map(|n| format!("note {n}")).collect();
    assert_eq!(fixture.main.log.entries()[..100], expected);
}

#[tokio::test]
async fn a_broadcast_reaches_every_javascript_client() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("broadcast").await;
}

#[tokio::test]
async fn the_server_calls_a_javascript_client_and_receives_its_errors() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("interview").await;
}

#[tokio::test]
async fn responses_in_any_order_reach_their_javascript_callers() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("outOfOrder").await;
}

#[tokio::test]
async fn a_response_after_the_timeout_of_javascript_is_ignored() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("timeouts").await;
}

#[tokio::test]
async fn requests_queued_by_javascript_before_the_opening_are_answered() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("queueBeforeOpening").await;
}

#[tokio::test]
async fn long_texts_pass_and_a_text_above_the_limit_closes_with_1009() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("longTexts").await;
    let entries = fixture.main.log.has(1).await;
    assert!(entries[0].starts_with("closed: 1009 "), "{entries:?}");
}

#[tokio::test]
async fn handlers_are_dropped_when_a_javascript_client_disconnects() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("disconnect").await;
    assert_eq!(fixture.main.log.has(1).await, ["closed: 4001 \"enough\" Remote"]);
    assert_eq!(fixture.main.waiting.count(), 0);
    assert!(fixture.server.peers().is_empty());
}

#[tokio::test]
async fn handlers_are_dropped_when_a_javascript_client_is_killed() {
    let Some(fixture) = Fixture::open().await else { return };
    let mut node = fixture.start("hang");
    fixture.main.waiting.becomes(1).await;
    node.kill().await.expect("the client is running");
    fixture.main.waiting.becomes(0).await;
    let entries = fixture.main.log.has(1).await;
    assert!(entries[0].starts_with("closed: 1006 "), "{entries:?}");
}

#[tokio::test]
async fn a_javascript_client_receives_the_code_and_reason_of_a_close() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("closedByServer").await;
    assert_eq!(fixture.main.log.has(1).await, ["closed: 4002 \"closing time\" Local"]);
}

#[tokio::test]
async fn a_closing_server_notifies_its_javascript_clients() {
    let Some(fixture) = Fixture::open().await else { return };
    let node = fixture.start("shutdown");
    fixture.main.waiting.becomes(1).await;
    fixture.server.close();
    tokio::join!(passed(node), fixture.server.closed());
}

#[tokio::test]
async fn a_javascript_client_reconnects() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.passes("rebind").await;
}
