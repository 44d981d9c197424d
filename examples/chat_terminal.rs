//! A terminal client of the chat. It shares the service traits with the server.
//!
//! Start `cargo run --example chat`, then run `cargo run --example chat_terminal -- --name Ada`. It prints the messages that
//! the room has, sends each line that is typed, and prints what the others say. If the server is stopped and started
//! again, it signs in and enters the room again. After a lost connection it prints the messages that it has missed.

mod arguments;
#[path = "chat/contract.rs"]
mod contract;
#[path = "chat/sign_in.rs"]
mod sign_in;

use contract::{ChatEvents, ChatProxy, Message, RESTARTING, RoomInfo};
use serde::de::DeserializeOwned;
use sign_in::Account;
use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::io::stdin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::error::{ConnectError, OpenError};
use wswrapper::server::{PresenceChange, PresenceKey, Present};
use wswrapper::stream::{Seam, StreamEvent};
use wswrapper::{CallError, Client, Streaming, ws_handlers};

/// The time for which a line that was typed waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

const HELP: &str = "\
A terminal client of the chat example.

Usage: chat_terminal --name NAME [--room ROOM] [--port PORT | --url URL]

Options:
  --name NAME   The name to sign in with
  --room ROOM   The room to enter [default: lobby]
  --port PORT   The port of a chat on this machine [default: 8080]
  --url URL     The WebSocket URL of a chat on another machine, for example ws://192.0.2.1:8080/ws
  --help        Print this help

Each line that is typed is sent as a message. /who lists the people in the room, /rooms lists the rooms. Ctrl-D leaves
the chat.
";

/// What the program knows of the room.
struct Screen {
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    people: BTreeMap<PresenceKey, Present<String>>,
    typing: HashSet<String>,
    /// The messages of this program that the server has not sent back. They are on the screen already.
    typed: Vec<String>,
}

impl Screen {
    fn show(&self, message: &Message) {
        let mut state = self.state();
        state.typing.remove(&message.from);
        let typed = state.typed.iter().position(|text| message.from == self.name && message.text == *text);
        match typed {
            Some(index) => drop(state.typed.remove(index)),
            None => print_message(message),
        }
    }

    fn show_people(&self, change: PresenceChange<String>) {
        match &change {
            PresenceChange::Joined(who) if who.meta != self.name => println!("* {} joined", plain(&who.meta)),
            PresenceChange::Left(who) => println!("* {} left", plain(&who.meta)),
            _ => {}
        }
        let is_snapshot = matches!(change, PresenceChange::Snapshot(_));
        change.apply(&mut self.state().people);
        if is_snapshot {
            self.print_people();
        }
    }

    fn print_people(&self) {
        let state = self.state();
        let names: Vec<_> = state.people.values().map(|who| who.meta.as_str()).collect();
        // Before the first snapshot nothing is known. It is printed when it comes.
        if !names.is_empty() {
            println!("* here: {}", plain(&names.join(", ")));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[ws_handlers]
impl ChatEvents for Screen {
    async fn typing(&self, name: String) {
        // This event comes again and again.
        if name != self.name && self.state().typing.insert(name.clone()) {
            println!("* {} is typing", plain(&name));
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
    let Arguments { name, room, url } = arguments::or_exit(Arguments::parse(), HELP);
    let account = Arc::new(Account::new(url, name.clone()));
    let screen = Arc::new(Screen { name, state: Mutex::default() });
    let entered = room.clone();
    let client = Client::builder()
        .service(Arc::clone(&screen))
        .on_open(move |server| {
            let room = entered.clone();
            async move { ChatProxy::new(server).enter(room).await.map(drop) }
        })
        .reconnect(Reconnect::default())
        // For each attempt, because a server that was started again has no sessions.
        .connect(move |_| {
            let account = Arc::clone(&account);
            async move { account.connect_request().await }
        })
        .await
        .map_err(|error| reason(&error))?;
    client.on(RESTARTING, async || println!("* the server is restarting"))?;
    // The hook has entered it. Now the program gets its exact name.
    let room = ChatProxy::new(&client).enter(room).await?;
    tokio::select! {
        cause = show(&client, &room, &screen) => return Err(cause),
        () = send_lines(&client, &room, &screen) => {}
    }
    client.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// Prints the messages, the people and the states of the client, until the client connects no more.
async fn show(client: &Client, room: &str, screen: &Screen) -> Box<dyn Error> {
    let chat = ChatProxy::new(client);
    let mut messages = match chat.messages(room).resumable().await {
        Ok(messages) => messages,
        Err(error) => return error.into(),
    };
    let mut state = client.state();
    state.mark_changed();
    let mut people: Option<Streaming<PresenceChange<String>>> = None;
    let (mut shown, mut has_messages) = (1, false);
    loop {
        let now = tokio::select! {
            _ = state.changed() => state.borrow_and_update().clone(),
            Some(change) = next(&mut people) => {
                screen.show_people(change);
                continue;
            }
            message = messages.try_next() => {
                match message {
                    Ok(Some(StreamEvent::Item(message))) => {
                        has_messages = true;
                        screen.show(&message);
                    }
                    Ok(Some(StreamEvent::Seam(seam))) if has_messages => print_seam(seam),
                    Ok(Some(StreamEvent::Seam(_))) => {}
                    Ok(None) => return "the server has ended the stream of messages".into(),
                    Err(error) => return error.into(),
                }
                continue;
            }
        };
        match now {
            ClientState::Connecting { .. } => {}
            ClientState::Open { epoch } => {
                if epoch != shown {
                    println!("* connected again");
                }
                shown = epoch;
                people = chat.people(room).await.ok(); // it fails if the connection is lost meanwhile
            }
            ClientState::Waiting { until, error } => {
                let wait = format!("next attempt in {:.1} s", until.duration_since(Instant::now()).as_secs_f64());
                match error {
                    Disconnected::Failed(error) => println!("* {wait}: {}", plain(&reason(&error))),
                    _ => println!("* connection lost, {wait}"),
                }
            }
            ClientState::Closed { cause } => return cause.into(),
        }
    }
}

/// Returns the error of an attempt to connect, or the reason for which the server did not let the user in.
fn reason(error: &ConnectError) -> String {
    match error {
        ConnectError::Open(OpenError::Failed(error)) => error.to_string(),
        ConnectError::Destination(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Returns the next item of a stream, or `None` if there is no stream.
async fn next<T: DeserializeOwned>(stream: &mut Option<Streaming<T>>) -> Option<T> {
    let item = stream.as_mut()?.next().await.and_then(Result::ok);
    if item.is_none() {
        *stream = None;
    }
    item
}

/// Sends the lines that are typed, until the end of the input.
async fn send_lines(client: &Client, room: &str, screen: &Screen) {
    let chat = ChatProxy::new(client);
    // A thread of its own, because tokio's stdin would keep the program until the next line.
    let (sender, mut lines) = mpsc::channel(100);
    thread::spawn(move || stdin().lines().map_while(Result::ok).try_for_each(|line| sender.blocking_send(line)));
    while let Some(line) = lines.recv().await {
        let done = match line.trim() {
            "" => continue,
            "/who" => {
                screen.print_people();
                continue;
            }
            "/rooms" => {
                chat.rooms().queue(PATIENCE).await.map(|rooms| print_rooms(&rooms)).map_err(|error| error.to_string())
            }
            command if command.starts_with('/') => Err(format!("there is no command {command}, but /who and /rooms")),
            text => say(&chat, room, text, screen).await,
        };
        if let Err(error) = done {
            println!("! {}", plain(&error));
        }
    }
}

async fn say(chat: &ChatProxy, room: &str, text: &str, screen: &Screen) -> Result<(), String> {
    screen.state().typed.push(text.to_owned());
    match chat.say(room, text).queue(PATIENCE).await {
        Ok(()) => Ok(()),
        // Its answer is lost. It is never sent twice.
        Err(CallError::Closed(_)) => Err("the connection was lost; perhaps the others have your message".to_owned()),
        Err(error) => {
            screen.state().typed.retain(|typed| typed != text);
            Err(error.to_string())
        }
    }
}

fn print_message(message: &Message) {
    // Further lines of a text are indented, so that they cannot look like another person's message.
    let text: Vec<_> = message.text.lines().map(plain).collect();
    println!("{}: {}", plain(&message.from), text.join("\n    "));
}

fn print_seam(seam: Seam) {
    match seam {
        Seam::Resumed => {}
        Seam::Gap { lost: Some(lost) } => println!("* {lost} messages are missing here"),
        Seam::Gap { lost: None } => println!("* some messages may be missing here"),
        Seam::Fresh => println!("* the server was restarted and has no older messages"),
    }
}

fn print_rooms(rooms: &[RoomInfo]) {
    for room in rooms {
        println!("* {} ({} here)", plain(&room.name), room.people);
    }
}

/// Replaces control characters, which a terminal would execute.
fn plain(text: &str) -> String {
    text.replace(|character: char| character.is_control() && character != '\t', "\u{fffd}")
}

struct Arguments {
    name: String,
    room: String,
    url: String,
}

impl Arguments {
    fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        use lexopt::prelude::*;
        let (mut name, mut room, mut port, mut url) = (None, "lobby".to_owned(), None, None);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("name") | Short('n') => name = Some(arguments.value()?.string()?.trim().to_owned()),
                Long("room") | Short('r') => room = arguments.value()?.string()?,
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
        let url = url.unwrap_or_else(|| format!("ws://127.0.0.1:{}/ws", port.unwrap_or(8080)));
        Ok(Some(Self { name, room, url }))
    }
}
