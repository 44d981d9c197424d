//! The axum application: its API, its WebSocket and its end.

use super::http::{assert_status, send};
use super::{TIME_LIMIT, address, interrupt, started};
use serde_json::{Value, json};
use std::error::Error;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wswrapper::{Client, error::ConnectError};

async fn connect(address: SocketAddr, cookie: &str) -> Result<Client, ConnectError> {
    Client::builder().header("Cookie", cookie).connect(&format!("ws://{address}/ws")).await
}

fn assert_unauthorized(connected: &Result<Client, ConnectError>) {
    assert!(matches!(connected, Err(ConnectError::Refused { status, .. }) if *status == 401));
}

#[tokio::test]
async fn the_session_of_the_api_is_that_of_the_websocket() -> Result<(), Box<dyn Error>> {
    let (mut program, mut lines) = started("axum_app", &["--port", "0"]);
    let address = address(&mut lines).await;
    assert_unauthorized(&connect(address, "session=1").await);
    assert_status(&send(address, "POST /api/notes", "", &json!({ "text": "no" })).await?, 401);
    assert_status(&send(address, "POST /api/login", "", &json!({ "name": " " })).await?, 400);

    let login = send(address, "POST /api/login", "", &json!({ "name": "Ada" })).await?;
    assert_status(&login, 204);
    let (_, cookie) = login.split_once("set-cookie: ").expect("the response has a cookie");
    let (cookie, attributes) = cookie.split_once("; ").expect("the cookie has attributes");
    assert!(attributes.starts_with("Path=/; HttpOnly; SameSite=Strict\r\n"), "{attributes}");

    let client = connect(address, cookie).await?;
    let channel = client.channel("notes");
    assert_eq!(channel.request::<String>("whoami", ()).await?, "Ada");
    let (note_added, mut added) = mpsc::unbounded_channel();
    channel.on("added", move |note: Value| {
        let sent = note_added.send(note);
        async move { sent.expect("the test waits") }
    })?;
    let text = json!({ "text": " <b>tea " });
    assert_status(&send(address, "POST /api/notes", cookie, &text).await?, 201);
    let note = timeout(TIME_LIMIT, added.recv()).await?.expect("the handler exists");
    assert_eq!(note, json!({ "id": 1, "from": "Ada", "text": "<b>tea" }));
    let notes = send(address, "GET /api/notes", cookie, &Value::Null).await?;
    let (_, notes) = notes.split_once("\r\n\r\n").expect("the response has a body");
    assert_eq!(serde_json::from_str::<Value>(notes)?, json!([note]));

    assert_status(&send(address, "POST /api/logout", cookie, &Value::Null).await?, 204);
    assert_eq!(timeout(TIME_LIMIT, client.closed()).await?.code, 4401);
    assert_unauthorized(&connect(address, cookie).await);

    let login = send(address, "POST /api/login", "", &json!({ "name": "Ada" })).await?;
    let cookie = login.split_once("set-cookie: ").and_then(|(_, cookie)| cookie.split(';').next());
    let client = connect(address, cookie.expect("the response has a cookie")).await?;
    let mut unfinished = TcpStream::connect(address).await?;
    unfinished.write_all(b"GET / HTTP/1.1\r\nHost:").await?;
    interrupt(&program).await;
    assert_eq!(timeout(TIME_LIMIT, client.closed()).await?.code, 1001);
    assert_eq!(timeout(TIME_LIMIT, program.wait()).await??.code(), Some(0));
    assert_eq!(lines.next_line().await?.as_deref(), Some(""));
    assert_eq!(lines.next_line().await?.as_deref(), Some("Goodbye."));
    Ok(())
}
