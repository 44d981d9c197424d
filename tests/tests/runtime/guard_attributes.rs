//! `#[ws(guard = path)]` of contracts and of methods.

use futures_util::stream;
use std::error::Error;
use std::sync::Arc;
use wswrapper::{
    AnonymousChannel, CallError, Client, Context, Scoped, Server, Stream, Upload,
    error::Rejection,
    server::ServerBuilder,
    service::layer::{Guard as _, GuardCall, require},
    ws_handlers, ws_service,
};
use wswrapper_tests::{Log, Pair, nothing_is_left, pair, pair_with, until};

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Guest,
    User,
    Admin,
}

fn log(call: &GuardCall<'_>, guard: &str) {
    if let Some(log) = call.extension::<Log>() {
        log.add(format!("{guard} of {}", call.event()));
    }
}

/// The guard of the contract.
fn user(call: &GuardCall<'_>) -> Result<(), &'static str> {
    log(call, "user");
    if call.extension::<Role>().is_some_and(|role| role != Role::Guest) { Ok(()) } else { Err("not for guests") }
}

/// The first guard of methods.
fn admin(call: &GuardCall<'_>) -> Result<(), &'static str> {
    log(call, "admin");
    if call.extension::<Role>() == Some(Role::Admin) { Ok(()) } else { Err("not for users") }
}

/// The second guard of methods.
fn small(call: &GuardCall<'_>) -> Result<(), String> {
    log(call, "small");
    match call.argument::<i64>(0) {
        Some(n) if n > 9 => Err(format!("{n} is too large")),
        _ => Ok(()),
    }
}

#[ws_service(guard = user)]
trait Vault {
    async fn look(&self) -> String;
    #[ws(guard = admin, guard = small)]
    async fn put(&self, n: i64) -> i64;
    #[ws(guard = admin)]
    #[ws(guard = small, event)]
    fn note(&self, n: i64);
    #[ws(guard = admin)]
    async fn items(&self) -> impl Stream<Item = i64> + Send;
    #[ws(guard = admin)]
    async fn fill(&self, numbers: Upload<i64>) -> i64;
    #[ws(guard = admin, spawn)]
    async fn spawned(&self) -> u8;
    #[ws(guard = admin, blocking)]
    fn blocked(&self) -> u8;
    async fn below(&self) -> Scoped<dyn Vault>;
    #[cfg(any())]
    #[ws(guard = admin)]
    async fn left_out(&self);
}

/// A service that logs what its handlers do.
struct Cellar(Log);

#[ws_handlers]
impl Vault for Cellar {
    async fn look(&self) -> String {
        self.0.add("look");
        "gold".to_owned()
    }

    async fn put(&self, n: i64) -> i64 {
        self.0.add("put");
        n
    }

    fn note(&self, n: i64) {
        self.0.add(format!("note {n}"));
    }

    async fn items(&self) -> impl Stream<Item = i64> + Send {
        self.0.add("items");
        stream::iter([1, 2])
    }

    async fn fill(&self, mut numbers: Upload<i64>) -> i64 {
        self.0.add("fill");
        let mut sum = 0;
        while let Some(Ok(n)) = numbers.next().await {
            sum += n;
        }
        sum
    }

    async fn spawned(&self) -> u8 {
        self.0.add("spawned");
        1
    }

    fn blocked(&self) -> u8 {
        self.0.add("blocked");
        2
    }

    async fn below(&self) -> Scoped<dyn Vault> {
        Scoped::new(Self(self.0.clone()))
    }
}

/// A plain block whose guards need no trait.
struct Desk;

#[ws_handlers(channel = "desk", guard = user)]
impl Desk {
    #[ws(guard = Self::is_admin)]
    pub async fn close(&self) -> u8 {
        3
    }

    pub async fn ring(&self) -> u8 {
        4
    }

    #[ws(skip)]
    fn is_admin(call: &GuardCall<'_>) -> Result<(), Rejection> {
        admin(call).map_err(Rejection::new)
    }
}

/// A contract whose guard asks one of the library.
#[ws_service(channel = "keys", guard = has_a_role)]
trait Keys {
    fn count(&self) -> u8 {
        5
    }
}

fn has_a_role(call: &GuardCall<'_>) -> Result<(), Rejection> {
    require::<Role>().check(call)
}

#[ws_handlers]
impl Keys for Desk {}

/// Connects a client of this role.
fn connect(server: ServerBuilder, role: Role) -> Pair {
    let pair = pair(server);
    pair.peer.extensions().insert(role);
    pair
}

/// Asserts that a call was rejected with this message.
#[track_caller]
fn assert_rejected<T, E: Error>(result: Result<T, CallError<E>>, expected: &str) {
    let error = result.err().map(|error| error.to_string());
    assert!(error.as_ref().is_some_and(|text| text.contains(expected)), "{error:?}");
}

/// Asserts that guests call nothing, users only `look`, and administrators all.
macro_rules! assert_guarded {
    ($vault:expr, $peer:expr) => {
        let (vault, peer) = ($vault, $peer);
        peer.extensions().insert(Role::Guest);
        assert_rejected(vault.look().await, "not for guests");
        assert_rejected(vault.put(1).await, "not for guests");
        peer.extensions().insert(Role::User);
        assert_eq!(vault.look().await?, "gold");
        assert_rejected(vault.put(1).await, "not for users");
        assert_rejected(vault.items().await, "not for users");
        assert_rejected(vault.fill(stream::iter([1, 2])).await, "not for users");
        assert_rejected(vault.spawned().await, "not for users");
        assert_rejected(vault.blocked().await, "not for users");
        peer.extensions().insert(Role::Admin);
        assert_eq!(vault.put(1).await?, 1);
        assert_rejected(vault.put(10).await, "10 is too large");
        let mut items = vault.items().await?;
        assert_eq!((items.try_next().await?, items.try_next().await?), (Some(1), Some(2)));
        assert_eq!(vault.fill(stream::iter([1, 2])).await?, 3);
        assert_eq!((vault.spawned().await?, vault.blocked().await?), (1, 2));
    };
}

const HANDLED: [&str; 6] = ["look", "put", "items", "fill", "spawned", "blocked"];

#[tokio::test]
async fn guards_hold_wherever_a_contract_is_mounted() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let cellar = || Cellar(log.clone());
    let made = log.clone();
    let servers = [
        Server::builder().service_at("vault", cellar()),
        Server::builder().service_at("vault", Arc::new(cellar())),
        Server::builder().service(cellar()).service_at("vault", Arc::new(Arc::new(cellar()))),
    ];
    for (n, server) in servers.into_iter().enumerate() {
        let pair = pair(server);
        assert_guarded!(VaultProxy::new(&pair.client.channel("vault")), &pair.peer);
        assert_eq!(log.entries(), HANDLED.repeat(n + 1));
        nothing_is_left(&pair).await;
    }
    let pair = pair(Server::builder().service_with(move |_| Cellar(made.clone())));
    assert_guarded!(VaultProxy::new(&pair.client), &pair.peer);
    assert_eq!(log.entries(), HANDLED.repeat(4));
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn guards_hold_for_services_that_are_added_later_and_of_clients() -> Result<(), Box<dyn Error>> {
    let (log, pair) = (Log::default(), pair_with(Server::builder(), Client::builder()));
    pair.peer.serve(Cellar(log.clone()))?;
    assert_guarded!(VaultProxy::new(&pair.client), &pair.peer);
    pair.server.channel("vault").serve(Cellar(log.clone()))?;
    assert_guarded!(VaultProxy::new(&pair.client.channel("vault")), &pair.peer);
    pair.client.serve(Arc::new(Cellar(log.clone())))?;
    assert_guarded!(VaultProxy::new(&pair.peer), pair.client.peer());
    assert_eq!(log.entries(), HANDLED.repeat(3));
    Ok(())
}

#[tokio::test]
async fn guards_hold_on_anonymous_channels() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = connect(Server::builder().service(Cellar(log.clone())), Role::User);
    let below = VaultProxy::new(&pair.client).below().await?;
    assert_guarded!(&below, &pair.peer);
    assert_guarded!(below.below().await?, &pair.peer);
    let served = log.clone();
    pair.server.on("channel", move |ctx: Context| {
        let channel = ctx.open_channel();
        channel.serve(Cellar(served.clone()));
        async move { Ok::<_, Rejection>(channel) }
    })?;
    let channel = pair.client.request::<AnonymousChannel>("channel", ()).await?;
    assert_guarded!(VaultProxy::new(&channel), &pair.peer);
    assert_eq!(log.entries(), HANDLED.repeat(3));
    Ok(())
}

#[tokio::test]
async fn a_rejected_event_is_dropped_and_counted() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = connect(Server::builder().service(Cellar(log.clone())), Role::User);
    let vault = VaultProxy::new(&pair.client);
    vault.note(1).await?;
    until(|| pair.server.status().events_dropped == 1).await;
    pair.peer.extensions().insert(Role::Admin);
    vault.note(10).await?;
    vault.note(2).await?;
    assert_eq!(log.has(1).await, ["note 2"]);
    until(|| pair.server.status().events_dropped == 2).await;
    Ok(())
}

#[tokio::test]
async fn guards_are_asked_in_their_order_with_those_of_the_contract_first() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = connect(Server::builder().service(Cellar(Log::default())), Role::Admin);
    pair.peer.extensions().insert(log.clone());
    let vault = VaultProxy::new(&pair.client);
    vault.put(1).await?;
    vault.note(1).await?;
    vault.look().await?;
    let asked = ["user of put", "admin of put", "small of put", "user of note", "admin of note", "small of note"];
    assert_eq!(log.entries()[..6], asked);
    assert_eq!(log.entries()[6..], ["user of look"]);
    pair.peer.extensions().insert(Role::User);
    assert_rejected(vault.put(10).await, "not for users");
    assert_eq!(log.entries()[7..], ["user of put", "admin of put"]);
    Ok(())
}

#[tokio::test]
async fn a_rejected_call_does_not_make_the_object_of_a_connection() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let made = log.clone();
    let server = Server::builder().service_with(move |_| {
        made.add("made");
        Cellar(made.clone())
    });
    let pair = connect(server, Role::Guest);
    let vault = VaultProxy::new(&pair.client);
    assert_rejected(vault.look().await, "not for guests");
    vault.note(1).await?;
    assert_rejected(vault.items().await, "not for guests");
    assert!(log.entries().is_empty(), "{:?}", log.entries());
    pair.peer.extensions().insert(Role::User);
    vault.look().await?;
    assert_eq!(log.entries(), ["made", "look"]);
    Ok(())
}

#[tokio::test]
async fn plain_blocks_have_guards_and_functions_of_them_may_be_guards() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service_as::<Desk>(Desk).service_as::<dyn Keys>(Desk));
    let (desk, keys) = (DeskProxy::new(&pair.client), KeysProxy::new(&pair.client));
    assert_rejected(keys.count().await, "the call is not allowed");
    assert_rejected(desk.ring().await, "not for guests");
    pair.peer.extensions().insert(Role::User);
    assert_eq!((keys.count().await?, desk.ring().await?), (5, 4));
    assert_rejected(desk.close().await, "not for users");
    pair.peer.extensions().insert(Role::Admin);
    assert_eq!(desk.close().await?, 3);
    Ok(())
}
