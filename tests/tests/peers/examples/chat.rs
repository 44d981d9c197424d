//! The chat: its sessions, its rooms and its end.

use super::contract::{self, ChatError, ChatEvents, ChatProxy};
use super::http::{assert_status, send, send_as};
use super::{TIME_LIMIT, address, started};
use serde_json::{Value, json};
use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wswrapper::server::PresenceChange;
use wswrapper::{CallError, Client, Streaming, error::ConnectError, ws_handlers};
use wswrapper_tests::example;

type Tested = Result<(), Box<dyn Error>>;

/// Starts a chat on a free port.
async fn chat() -> (Child, SocketAddr) {
    let (program, mut lines) = started("chat", &["--port", "0"]);
    let address = address(&mut lines).await;
    (program, address)
}

async fn ask_to_sign_in(address: SocketAddr, name: &str, cookie: &str) -> Result<String, Box<dyn Error>> {
    send(address, "POST /session", cookie, &json!({ "name": name })).await
}

/// Signs in, and returns the cookie.
async fn sign_in(address: SocketAddr, name: &str, cookie: &str) -> Result<String, Box<dyn Error>> {
    let response = ask_to_sign_in(address, name, cookie).await?;
    assert_status(&response, 200);
    let (_, cookie) = response.split_once("set-cookie: ").expect("the response has a cookie");
    let (cookie, attributes) = cookie.split_once("; ").expect("the cookie has attributes");
    assert!(attributes.starts_with("Path=/; HttpOnly; SameSite=Strict\r\n"), "{attributes}");
    Ok(cookie.to_owned())
}

/// Returns the name of a session.
async fn who(address: SocketAddr, cookie: &str) -> Result<Value, Box<dyn Error>> {
    let response = send(address, "GET /session", cookie, &Value::Null).await?;
    assert_status(&response, 200);
    let (_, body) = response.split_once("\r\n\r\n").expect("the response has a body");
    Ok(serde_json::from_str(body)?)
}

async fn connect(address: SocketAddr, cookie: &str) -> Result<Client, ConnectError> {
    Client::builder().header("Cookie", cookie).connect(&format!("ws://{address}/ws")).await
}

/// Returns a client that has signed in.
pub(super) async fn client(address: SocketAddr, name: &str) -> Result<Client, Box<dyn Error>> {
    Ok(connect(address, &sign_in(address, name, "").await?).await?)
}

async fn next<T: serde::de::DeserializeOwned>(stream: &mut Streaming<T>) -> Option<T> {
    let item = timeout(TIME_LIMIT, stream.next()).await.expect("an item comes in time");
    item.map(|item| item.expect("the stream goes on"))
}

#[tokio::test]
async fn a_session_of_the_api_gives_a_name_that_nobody_else_can_take() -> Tested {
    let (_program, address) = chat().await;
    assert_eq!(who(address, "").await?, Value::Null);
    let ada = sign_in(address, "  Ada ", "").await?;
    assert_eq!(who(address, &ada).await?, json!({ "name": "Ada" }));
    for name in ["Ada", "ada", " ADA "] {
        let taken = ask_to_sign_in(address, name, "").await?;
        assert_status(&taken, 409);
        assert!(taken.ends_with("\r\n\r\nthe name Ada is taken"), "{taken}");
    }
    assert_eq!(sign_in(address, "ada", &ada).await?, ada, "the session has the name already");
    for name in
        ["", "   ", "\u{200b}", "A\u{200b}da", "A\u{7}da", "\u{202e}evil", &"x".repeat(25), &"x".repeat(100_000)]
    {
        let invalid = ask_to_sign_in(address, name, "").await?;
        assert_status(&invalid, 400);
        assert!(invalid.ends_with("a name has 1 to 24 ordinary characters"), "{invalid}");
    }
    sign_in(address, &"é".repeat(24), "").await?;
    // A page of another site can send such a request without asking the server first.
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let foreign = send_as(content_type, address, "POST /session", "", r#"{"name":"Eve"}"#).await?;
        assert_status(&foreign, 415);
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_needs_a_session_and_is_closed_with_it() -> Tested {
    let (_program, address) = chat().await;
    for cookie in ["", "chat_session=1", "chat_session=x", "session=1"] {
        let refused = connect(address, cookie).await;
        assert!(matches!(refused, Err(ConnectError::Refused { status, .. }) if status == 401));
    }
    let bob = client(address, "Bob").await?;
    let room = ChatProxy::new(&bob).enter("tea").await?;
    let mut people = ChatProxy::new(&bob).people(&room).await?;
    assert!(matches!(next(&mut people).await, Some(PresenceChange::Snapshot(all)) if all.len() == 1));

    let cookie = sign_in(address, "Ada", "").await?;
    let tabs = [connect(address, &cookie).await?, connect(address, &cookie).await?];
    for tab in &tabs {
        ChatProxy::new(tab).enter("tea").await?;
    }
    assert!(matches!(next(&mut people).await, Some(PresenceChange::Joined(ada)) if ada.meta == "Ada"));
    let rooms = ChatProxy::new(&bob).rooms().await?;
    let tea = rooms.iter().find(|room| room.name == "tea").expect("it is always there");
    assert_eq!(tea.people, 2, "a person with two tabs is there once");

    let signed_out = send(address, "DELETE /session", &cookie, &Value::Null).await?;
    assert_status(&signed_out, 204);
    assert!(signed_out.contains("chat_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"), "{signed_out}");
    for tab in &tabs {
        assert_eq!(timeout(TIME_LIMIT, tab.closed()).await?.code, 4401);
    }
    // At once, and not after the time for which a lost connection may come back.
    let left = timeout(std::time::Duration::from_secs(4), people.next()).await?.expect("the stream goes on")?;
    assert!(matches!(left, PresenceChange::Left(ada) if ada.meta == "Ada"));
    assert!(connect(address, &cookie).await.is_err());
    assert_eq!(who(address, &cookie).await?, Value::Null);

    let ada = sign_in(address, "Ada", "").await?;
    let tab = connect(address, &ada).await?;
    let grace = sign_in(address, "Grace", &ada).await?;
    assert_eq!(timeout(TIME_LIMIT, tab.closed()).await?.code, 4401, "a browser has one session");
    assert_eq!(who(address, &grace).await?, json!({ "name": "Grace" }));
    sign_in(address, "Ada", "").await?;
    Ok(())
}

#[tokio::test]
async fn a_room_shows_its_messages_to_those_who_are_in_it() -> Tested {
    let (_program, address) = chat().await;
    let (ada, bob) = (client(address, "Ada").await?, client(address, "Bob").await?);
    let (ada, bob) = (ChatProxy::new(&ada), ChatProxy::new(&bob));
    let error = ada.say("lobby", "hello").await.expect_err("nobody is there yet");
    assert!(matches!(error, CallError::Handler(ChatError::NotInRoom)));
    assert!(ada.messages("lobby").await.is_err());
    assert!(ada.people("lobby").await.is_err());
    for name in ["", "\u{200b}", "a\nb", &"x".repeat(25)] {
        assert!(
            matches!(ada.enter(name).await, Err(CallError::Handler(ChatError::RoomInvalid { max: 24 }))),
            "{name:?}"
        );
    }
    assert_eq!(ada.enter(" Tea & Biscuits ").await?, "tea & biscuits");
    assert_eq!(bob.enter("TEA & BISCUITS").await?, "tea & biscuits");

    let room = "tea & biscuits";
    ada.say(room, "  hello\n").await?;
    for text in ["", " \n ", "\u{200b}\u{202e}"] {
        assert!(matches!(ada.say(room, text).await, Err(CallError::Handler(ChatError::TextEmpty))), "{text:?}");
    }
    let long = ada.say(room, "é".repeat(2_001)).await;
    assert!(matches!(long, Err(CallError::Handler(ChatError::TextTooLong { max: 2_000 }))));
    let mut messages = bob.messages(room).await?;
    let message = next(&mut messages).await.expect("the room has a message");
    assert_eq!((message.from.as_str(), message.text.as_str()), ("Ada", "hello"));
    let mut people = bob.people(room).await?;
    assert!(matches!(next(&mut people).await, Some(PresenceChange::Snapshot(all)) if all.len() == 2));

    // Entering the same room again changes nothing.
    assert_eq!(bob.enter(room).await?, room);
    ada.say(room, "and again").await?;
    assert_eq!(next(&mut messages).await.map(|message| message.text).as_deref(), Some("and again"));
    // Entering another one ends the streams of the first, also if nothing happens there any more.
    bob.enter("lobby").await?;
    assert!(next(&mut messages).await.is_none());
    assert!(next(&mut people).await.is_none());
    assert!(bob.messages(room).await.is_err());
    assert!(bob.say(room, "still here").await.is_err());
    Ok(())
}

#[tokio::test]
async fn rooms_are_bounded() -> Tested {
    let (_program, address) = chat().await;
    let ada = client(address, "Ada").await?;
    let ada = ChatProxy::new(&ada);
    let first: Vec<_> = ada.rooms().await?.into_iter().map(|room| room.name).collect();
    assert_eq!(first, ["code", "lobby", "tea"]);
    for number in 0..97 {
        ada.enter(format!("a room {number}")).await?;
    }
    assert!(matches!(ada.enter("one more").await, Err(CallError::Handler(ChatError::TooManyRooms))));
    ada.say("a room 96", "the caller is where it was").await?;
    let rooms = ada.rooms().await?;
    assert_eq!((rooms.len(), rooms[0].name.as_str()), (100, "code"));
    ada.enter("tea").await?;
    Ok(())
}

/// Sends the names of those who are typing.
struct Page(mpsc::UnboundedSender<String>);

#[ws_handlers]
impl ChatEvents for Page {
    async fn typing(&self, name: String) {
        self.0.send(name).expect("the test waits");
    }
}

#[tokio::test]
async fn those_in_the_room_see_who_is_typing() -> Tested {
    let (_program, address) = chat().await;
    let (sender, mut typing) = mpsc::unbounded_channel();
    let ada = client(address, "Ada").await?;
    let cookie = sign_in(address, "Bob", "").await?;
    let url = format!("ws://{address}/ws");
    let bob = Client::builder().service(Page(sender)).header("Cookie", &cookie).connect(&url).await?;
    ChatProxy::new(&bob).enter("tea").await?;
    let ada = ChatProxy::new(&ada);
    ada.enter("code").await?;
    ada.typing("tea").await?;
    ada.typing("code").await?;
    ada.enter("tea").await?;
    ada.typing("tea").await?;
    assert_eq!(timeout(TIME_LIMIT, typing.recv()).await?.as_deref(), Some("Ada"));
    ChatProxy::new(&bob).rooms().await?;
    assert!(typing.try_recv().is_err(), "the others were not for this room");
    Ok(())
}

/// Open streams of messages do not hold up the end.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_tells_the_clients_that_the_server_is_restarting() -> Tested {
    let (mut program, mut lines) = started("chat", &["--port", "0"]);
    let address = address(&mut lines).await;
    let ada = client(address, "Ada").await?;
    let (restarting, mut told) = mpsc::unbounded_channel();
    ada.on(contract::RESTARTING, move || {
        restarting.send(()).expect("the test waits");
        async {}
    })?;
    let chat = ChatProxy::new(&ada);
    chat.enter("lobby").await?;
    chat.say("lobby", "hello").await?;
    let mut messages = chat.messages("lobby").resumable().await?;
    assert!(timeout(TIME_LIMIT, messages.try_next()).await??.is_some());
    let mut people = chat.people("lobby").await?;
    assert!(next(&mut people).await.is_some());

    let begun = std::time::Instant::now();
    super::interrupt(&program).await;
    timeout(TIME_LIMIT, told.recv()).await?.expect("the event comes");
    assert_eq!(timeout(TIME_LIMIT, ada.closed()).await?.code, 1001);
    assert_eq!(timeout(TIME_LIMIT, program.wait()).await??.code(), Some(0));
    assert!(begun.elapsed().as_secs() < 5, "it did not wait for the deadline of the drain");
    Ok(())
}

#[tokio::test]
async fn the_chat_names_the_port_that_is_in_use() {
    let (_program, address) = chat().await;
    let mut second = tokio::process::Command::from(Command::new(example::program("chat")));
    let second = second.args(["--port", &address.port().to_string()]).kill_on_drop(true).output();
    let second = timeout(TIME_LIMIT, second).await.expect("it exits in time").expect("the example can be run");
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8_lossy(&second.stderr);
    assert!(error.starts_with(&format!("chat: cannot listen on {address}: the port is in use; ")), "{error}");
}
