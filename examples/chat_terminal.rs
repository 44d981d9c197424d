//! A terminal client of the chat. It shares the service traits with the server.
//!
//! Start `cargo run --example chat`, then run `cargo run --example chat_terminal -- --name Ada`. It prints the latest
//! messages, sends each line that is typed, and prints what the others say.

mod arguments;
#[path = "chat/contract.rs"]
mod contract;

use contract::{ChatEvents, ChatProxy, Message};
use std::error::Error;
use std::process::ExitCode;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use wswrapper::{CallError, Client, ws_handlers};

const HELP: &str = "\
A terminal client of the chat example.

Usage: chat_terminal --name NAME [--port PORT | --url URL]

Options:
  --name NAME   The name to join under
  --port PORT   The port of a chat on this machine [default: 8080]
  --url URL     The WebSocket URL of a chat on another machine, for example ws://192.0.2.1:8080/ws
  --help        Print this help

Each line that is typed is sent as a message. /who lists the people in the room, /history lists all messages, newest
first. Ctrl-D leaves the room.
";

/// Prints the events of the room.
struct EventPrinter {
    name: String,
}

#[ws_handlers]
impl ChatEvents for EventPrinter {
    async fn joined(&self, name: String) {
        if name != self.name {
            println!("* {} joined", plain(&name));
        }
    }

    async fn left(&self, name: String) {
        println!("* {} left", plain(&name));
    }

    async fn said(&self, message: Message) {
        if message.from != self.name {
            print_message(&message);
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat_terminal: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (name, url) = arguments::or_exit(name_and_url(), HELP);
    let client = Client::builder().service(EventPrinter { name: name.clone() }).connect(&url).await?;
    let chat = ChatProxy::new(&client);
    let welcome = chat.join(&name).await?;
    welcome.history.iter().for_each(print_message);
    print_online(&welcome.online);

    let mut typing = chat.typing().await?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            Some(Ok(names)) = typing.next() => {
                print_typing(&names);
                continue;
            }
            closed = client.closed() => return Err(format!("the connection was closed: {}", closed.reason).into()),
        };
        match line.as_deref().map(str::trim) {
            None => break,
            Some("") => {}
            Some("/who") => print_online(&chat.online().await?),
            Some("/history") => {
                let mut earlier = chat.history(None, None).await?;
                while let Some(message) = earlier.try_next().await? {
                    print_message(&message);
                }
            }
            Some(text) => match chat.say(text).await {
                Ok(_) => {}
                Err(CallError::Handler(error)) => println!("! {error}"),
                Err(error) => return Err(error.into()),
            },
        }
    }
    client.close(1000, "");
    client.closed().await;
    Ok(())
}

fn print_message(message: &Message) {
    // Further lines of a text are indented, so that they cannot look like another person's message.
    let text: Vec<_> = message.text.lines().map(plain).collect();
    println!("{}: {}", plain(&message.from), text.join("\n    "));
}

fn print_online(names: &[String]) {
    println!("* here: {}", plain(&names.join(", ")));
}

fn print_typing(names: &[String]) {
    match names {
        [] => {}
        [name] => println!("* {} is typing", plain(name)),
        names => println!("* {} are typing", plain(&names.join(", "))),
    }
}

/// Replaces control characters, which a terminal would execute.
fn plain(text: &str) -> String {
    text.replace(|character: char| character.is_control() && character != '\t', "\u{fffd}")
}

fn name_and_url() -> Result<Option<(String, String)>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut name, mut port, mut url) = (None, None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("name") | Short('n') => name = Some(arguments.value()?.string()?),
            Long("port") | Short('p') => port = Some(arguments.value()?.parse::<u16>()?),
            Long("url") => url = Some(arguments.value()?.string()?),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    let name = name.ok_or("missing option '--name'")?;
    if port.is_some() && url.is_some() {
        return Err("the options '--port' and '--url' exclude each other".into());
    }
    Ok(Some((name, url.unwrap_or_else(|| format!("ws://127.0.0.1:{}/ws", port.unwrap_or(8080))))))
}
