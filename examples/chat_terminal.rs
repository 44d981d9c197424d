//! A terminal client of the chat. It shares the service traits with the server.
//!
//! Start `cargo run --example chat`, then run `cargo run --example chat_terminal -- --name Ada`. It prints the latest
//! messages, sends each line that is typed, and prints what the others say. If the server is stopped and started again,
//! it connects and joins again, and prints the messages that it has missed.

mod arguments;
#[path = "chat/contract.rs"]
mod contract;

use contract::{ChatError, ChatEvents, ChatProxy, Message};
use std::error::Error;
use std::io::stdin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::error::{ConnectError, OpenError};
use wswrapper::{CallError, Client, Peer, Streaming, ws_handlers};

/// The time for which a line that was typed waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

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
struct Screen {
    name: String,
    /// The time and the id of the newest message. A server that was restarted begins again with its ids.
    newest: Mutex<(u64, u64)>,
}

impl Screen {
    /// Joins the room on a new connection, and prints the messages that are new.
    async fn join(&self, server: Peer) -> Result<(), CallError<ChatError>> {
        let welcome = ChatProxy::new(server).join(&self.name).await?;
        welcome.history.iter().filter(|message| self.is_new(message)).for_each(print_message);
        print_online(&welcome.online);
        Ok(())
    }

    fn is_new(&self, message: &Message) -> bool {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = (message.at, message.id) > *newest;
        *newest = (*newest).max((message.at, message.id));
        is_new
    }
}

#[ws_handlers]
impl ChatEvents for Screen {
    async fn joined(&self, name: String) {
        if name != self.name {
            println!("* {} joined", plain(&name));
        }
    }

    async fn left(&self, name: String) {
        println!("* {} left", plain(&name));
    }

    async fn said(&self, message: Message) {
        if self.is_new(&message) && message.from != self.name {
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
    let screen = Arc::new(Screen { name: name.trim().to_owned(), newest: Mutex::default() });
    let client = Client::builder()
        .service(Arc::clone(&screen))
        // An attempt whose hook fails, because the server still has the old connection, is followed by the next one.
        .on_open(move |server| {
            let screen = Arc::clone(&screen);
            async move { screen.join(server).await }
        })
        .reconnect(Reconnect::default())
        .connect(url)
        .await
        .map_err(|error| reason(&error))?;
    tokio::select! {
        cause = show_connection(&client) => return Err(cause.into()),
        () = send_lines(&client) => {}
    }
    client.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// Prints the states of the client, and who is typing, until the client connects no more.
async fn show_connection(client: &Client) -> Disconnected {
    let chat = ChatProxy::new(client);
    let mut state = client.state();
    state.mark_changed();
    let mut typing: Option<Streaming<Vec<String>>> = None;
    let mut shown = 1;
    loop {
        tokio::select! {
            _ = state.changed() => {}
            Some(names) = next(&mut typing) => {
                print_typing(&names);
                continue;
            }
        }
        let now = state.borrow_and_update().clone();
        match now {
            ClientState::Connecting { .. } => {}
            ClientState::Open { epoch } => {
                if epoch != shown {
                    println!("* connected again");
                }
                shown = epoch;
                typing = chat.typing().await.ok(); // it fails if the connection is lost meanwhile
            }
            ClientState::Waiting { until, error } => {
                let wait = format!("next attempt in {:.1} s", until.duration_since(Instant::now()).as_secs_f64());
                match error {
                    Disconnected::Failed(error) => println!("* {wait}: {}", plain(&reason(&error))),
                    _ => println!("* connection lost, {wait}"),
                }
            }
            ClientState::Closed { cause } => return cause,
        }
    }
}

/// Returns the error of an attempt to connect, or the reason for which the server did not let the user join.
fn reason(error: &ConnectError) -> String {
    match error {
        ConnectError::Open(OpenError::Failed(error)) => error.to_string(),
        error => error.to_string(),
    }
}

/// Returns the next names of those who are typing, or `None` if there is no stream.
async fn next(typing: &mut Option<Streaming<Vec<String>>>) -> Option<Vec<String>> {
    let names = typing.as_mut()?.next().await.and_then(Result::ok);
    if names.is_none() {
        *typing = None;
    }
    names
}

/// Sends the lines that are typed, until the end of the input.
async fn send_lines(client: &Client) {
    let chat = ChatProxy::new(client);
    // A thread of its own, because tokio's stdin would keep the program until the next line.
    let (sender, mut lines) = mpsc::channel(100);
    thread::spawn(move || stdin().lines().map_while(Result::ok).try_for_each(|line| sender.blocking_send(line)));
    while let Some(line) = lines.recv().await {
        let done = match line.trim() {
            "" => continue,
            "/who" => {
                chat.online().queue(PATIENCE).await.map(|names| print_online(&names)).map_err(|error| error.to_string())
            }
            "/history" => print_history(&chat).await,
            text => match chat.say(text).queue(PATIENCE).await {
                Ok(_) => Ok(()),
                // Its answer is lost. It is never sent twice.
                Err(CallError::Closed(_)) => {
                    Err("the connection was lost; perhaps the others have your message".to_owned())
                }
                Err(error) => Err(error.to_string()),
            },
        };
        if let Err(error) = done {
            println!("! {}", plain(&error));
        }
    }
}

async fn print_history(chat: &ChatProxy) -> Result<(), String> {
    let mut earlier = chat.history(None, None).queue(PATIENCE).await.map_err(|error| error.to_string())?;
    while let Some(message) = earlier.try_next().await.map_err(|error| error.to_string())? {
        print_message(&message);
    }
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
