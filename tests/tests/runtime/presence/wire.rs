//! A service that shows who is present, called by clients.

use super::Copy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use wswrapper::server::{Presence, PresenceChange};
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Server, Stream, Streaming, ws_handlers, ws_service};
use wswrapper_tests::{SECOND, nothing_is_left_of};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    display_name: String,
    is_typing: bool,
}

#[ws_service(channel = "lobby")]
trait Lobby {
    async fn enter(&self, ctx: Context, user: String) -> Result<(), String>;
    #[ws(event)]
    async fn typing(&self, ctx: Context, is_typing: bool);
    async fn who(&self) -> impl Stream<Item = PresenceChange<Status>> + Send;
}

#[derive(Clone)]
struct Tea(Presence<Status>);

fn status(name: &str, is_typing: bool) -> Status {
    Status { display_name: name.to_uppercase(), is_typing }
}

#[ws_handlers]
impl Lobby for Tea {
    async fn enter(&self, ctx: Context, user: String) -> Result<(), String> {
        ctx.peer().set_user(&user).map_err(|error| error.to_string())?;
        self.0.join(&ctx.peer(), status(&user, false)).map_err(|error| error.to_string())
    }

    async fn typing(&self, ctx: Context, is_typing: bool) {
        let user = ctx.peer().user().unwrap_or_default();
        self.0.update(&ctx.peer(), status(&user, is_typing));
    }

    async fn who(&self) -> impl Stream<Item = PresenceChange<Status>> + Send {
        self.0.changes()
    }
}

fn connect(server: &Server) -> Client {
    let (near, far) = memory::builder().latency(Duration::from_millis(1)).pair();
    server.accept_transport(far).expect("the server is open");
    Client::connect_transport(near).expect("nothing is mounted")
}

#[tokio::test(start_paused = true)]
async fn a_client_follows_who_is_present() -> Result<(), Box<dyn Error>> {
    let tea = Presence::new("tea");
    let server = Server::builder().service(Tea(tea.clone())).build()?;
    let [watcher, ada, ada_again] = [(); 3].map(|()| connect(&server));
    let mut who = LobbyProxy::new(&watcher).who().await?;
    let mut copy = Copy::new();
    let mut next = async |texts: &[&str]| {
        for text in texts {
            let change = who.try_next().await.expect("no error").expect("the stream goes on");
            change.clone().apply(&mut copy);
            let kind = match change {
                PresenceChange::Snapshot(_) => "snapshot",
                PresenceChange::Joined(_) => "joined",
                PresenceChange::Changed(_) => "changed",
                PresenceChange::Left(_) => "left",
            };
            assert_eq!(kind, *text);
        }
        assert_eq!(copy.values().cloned().collect::<Vec<_>>(), tea.snapshot());
    };
    next(&["snapshot"]).await;
    LobbyProxy::new(&ada).enter("ada").await?;
    next(&["joined"]).await;
    LobbyProxy::new(&ada).typing(true).await?;
    next(&["changed"]).await;
    // The connection is lost, and the user comes back by another one.
    ada.abort_connection();
    ada.closed().await;
    tokio::time::sleep(4 * SECOND).await;
    LobbyProxy::new(&ada_again).enter("ada").await?;
    next(&["changed"]).await;
    ada_again.close(1000, "");
    next(&["left"]).await;
    drop((who, ada, ada_again));
    nothing_is_left_of(watcher.peer()).await;
    nothing_is_left_of(&server.peers()[0]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_json_is_as_documented() -> Result<(), Box<dyn Error>> {
    let tea = Presence::new("tea");
    let server = Server::builder().service(Tea(tea.clone())).build()?;
    let client = connect(&server);
    let mut who: Streaming<Value> = client.channel("lobby").request("who", ()).await?;
    assert_eq!(who.try_next().await?, Some(json!({"type": "snapshot", "who": []})));
    LobbyProxy::new(&client).enter("ada").await?;
    LobbyProxy::new(&client).typing(true).await?;
    let millis = tea_time(who.try_next().await?.as_ref(), "joined", false)?;
    assert_eq!(tea_time(who.try_next().await?.as_ref(), "changed", true)?, millis);
    tea.leave(&server.peers()[0]);
    assert_eq!(tea_time(who.try_next().await?.as_ref(), "left", true)?, millis);
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() - u128::from(millis);
    assert!(age < 60_000, "{age} ms");
    Ok(())
}

/// Checks an item, and returns its time.
fn tea_time(item: Option<&Value>, kind: &str, is_typing: bool) -> Result<u64, Box<dyn Error>> {
    let item = item.ok_or("no item")?;
    let since = item["who"]["since"].as_u64().ok_or("no time")?;
    let meta = json!({"displayName": "ADA", "isTyping": is_typing});
    assert_eq!(*item, json!({"type": kind, "who": {"key": "user:ada", "since": since, "meta": meta}}));
    Ok(since)
}

#[test]
fn wrong_keys_and_times_are_errors() {
    for item in [
        r#"{"type":"joined","who":{"key":"ada","since":1,"meta":null}}"#,
        r#"{"type":"joined","who":{"key":"peer:ada","since":1,"meta":null}}"#,
        r#"{"type":"joined","who":{"key":"user:ada","since":-1,"meta":null}}"#,
        r#"{"type":"parted","who":{"key":"user:ada","since":1,"meta":null}}"#,
    ] {
        assert!(serde_json::from_str::<PresenceChange<()>>(item).is_err(), "{item}");
    }
    let odd = r#"{"type":"left","who":{"key":"user:peer:7: \"x\"","since":1,"meta":null}}"#;
    let change: PresenceChange<()> = serde_json::from_str(odd).expect("any text is a user");
    assert_eq!(serde_json::to_string(&change).expect("it is JSON"), odd);
}
