//! The chat in a terminal.

use super::chat::client;
use super::contract::ChatProxy;
use super::{TIME_LIMIT, address, next, started};
use std::error::Error;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use wswrapper_tests::example;

#[tokio::test]
async fn it_shows_the_room_and_replaces_control_characters() -> Result<(), Box<dyn Error>> {
    let (_server, mut lines) = started("chat", &["--port", "0"]);
    let address = address(&mut lines).await;
    let port = address.port().to_string();
    let bob = client(address, "Bob").await?;
    let chat = ChatProxy::new(&bob);
    chat.enter("tea").await?;
    let arguments = ["--name", " Ada ", "--room", "Tea", "--port", &port];
    let (mut terminal, mut lines) = started("chat_terminal", &arguments);
    assert_eq!(next(&mut lines).await, "* here: Ada, Bob");

    let grace = client(address, "Grace").await?;
    ChatProxy::new(&grace).enter("tea").await?;
    assert_eq!(next(&mut lines).await, "* Grace joined");
    ChatProxy::new(&grace).enter("lobby").await?;
    assert_eq!(next(&mut lines).await, "* Grace left");

    chat.typing("tea").await?;
    assert_eq!(next(&mut lines).await, "* Bob is typing");
    chat.say("tea", "\u{1b}[2J\u{7}x\r\nAda: I never said that").await?;
    assert_eq!(next(&mut lines).await, "Bob: \u{fffd}[2J\u{fffd}x");
    assert_eq!(next(&mut lines).await, "    Ada: I never said that");

    let mut messages = chat.messages("tea").await?;
    let mut typed = terminal.stdin.take().expect("stdin is piped");
    typed.write_all(b"  good morning  \n/rooms\n/who\n").await?;
    assert_eq!(next(&mut lines).await, "* code (0 here)");
    assert_eq!(next(&mut lines).await, "* lobby (1 here)");
    assert_eq!(next(&mut lines).await, "* tea (2 here)");
    assert_eq!(next(&mut lines).await, "* here: Ada, Bob");
    messages.next().await.ok_or("Bob has said something")??;
    let message = messages.next().await.ok_or("Ada has said something")??;
    assert_eq!((message.from.as_str(), message.text.as_str()), ("Ada", "good morning"));
    drop(typed);
    assert!(timeout(TIME_LIMIT, terminal.wait()).await??.success());
    Ok(())
}

#[tokio::test]
async fn it_finds_a_server_that_was_started_again() -> Result<(), Box<dyn Error>> {
    let (mut server, mut lines) = started("chat", &["--port", "0"]);
    let port = address(&mut lines).await.port().to_string();
    let (mut terminal, mut lines) = started("chat_terminal", &["--name", "Ada", "--port", &port]);
    assert_eq!(next(&mut lines).await, "* here: Ada");
    let mut typed = terminal.stdin.take().expect("stdin is piped");

    server.kill().await?;
    let line = next(&mut lines).await;
    // If the first wait is very short, its state is missed.
    assert!(
        line.starts_with("* connection lost, next attempt in 0.") || line.starts_with("* next attempt in "),
        "{line}"
    );
    // This line waits for the next connection.
    typed.write_all(b"/rooms\n").await?;
    let (_server, mut server_lines) = started("chat", &["--port", &port]);
    assert_eq!(address(&mut server_lines).await.port().to_string(), port);
    let mut printed = Vec::new();
    while printed.len() < 5 {
        printed.push(next(&mut lines).await);
        printed.retain(|line| !line.starts_with("* next attempt in "));
    }
    printed.sort();
    assert_eq!(printed, ["* code (0 here)", "* connected again", "* here: Ada", "* lobby (1 here)", "* tea (0 here)"]);

    drop(typed);
    assert!(timeout(TIME_LIMIT, terminal.wait()).await??.success());
    Ok(())
}

#[tokio::test]
async fn it_prints_missed_messages_and_says_that_the_server_is_restarting() -> Result<(), Box<dyn Error>> {
    let (mut server, mut lines) = started("chat", &["--port", "0"]);
    let address = address(&mut lines).await;
    let port = address.port().to_string();
    let bob = client(address, "Bob").await?;
    let chat = ChatProxy::new(&bob);
    chat.enter("lobby").await?;
    chat.say("lobby", "before").await?;
    let (_terminal, mut lines) = started("chat_terminal", &["--name", "Ada", "--port", &port]);
    let mut first = [next(&mut lines).await, next(&mut lines).await];
    first.sort();
    assert_eq!(first, ["* here: Ada, Bob", "Bob: before"]);
    #[cfg(unix)]
    {
        super::interrupt(&server).await;
        assert_eq!(next(&mut lines).await, "* the server is restarting");
        timeout(TIME_LIMIT, server.wait()).await??;
        let (_server, mut server_lines) = started("chat", &["--port", &port]);
        super::address(&mut server_lines).await;
        let bob = client(address, "Bob").await?;
        let chat = ChatProxy::new(&bob);
        chat.enter("lobby").await?;
        chat.say("lobby", "after").await?;
        let mut printed = Vec::new();
        while printed.last().is_none_or(|line| line != "Bob: after") {
            printed.push(next(&mut lines).await);
        }
        let seam = "* the server was restarted and has no older messages";
        assert_eq!(printed.iter().filter(|line| *line == seam).count(), 1, "{printed:?}");
    }
    server.kill().await?;
    Ok(())
}

#[tokio::test]
async fn it_says_why_it_cannot_sign_in() {
    let (_server, mut lines) = started("chat", &["--port", "0"]);
    let port = address(&mut lines).await.port().to_string();
    let (_terminal, mut lines) = started("chat_terminal", &["--name", "Ada", "--port", &port]);
    assert_eq!(next(&mut lines).await, "* here: Ada");
    for (name, room, expected) in [
        ("ada", "lobby", "the name Ada is taken"),
        ("\u{200b}", "lobby", "a name has 1 to 24 ordinary characters"),
        ("Bob", "", "a room's name has 1 to 24 ordinary characters"),
    ] {
        let mut second = Command::new(example::program("chat_terminal"));
        second.args(["--name", name, "--room", room, "--port", &port]).stdin(Stdio::null()).kill_on_drop(true);
        let second = timeout(TIME_LIMIT, second.output()).await;
        let second = second.expect("it exits in time").expect("the example can be run");
        assert_eq!(second.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&second.stderr), format!("chat_terminal: {expected}\n"));
    }
}
