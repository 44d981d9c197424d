//! Documents that several people edit: a channel for each document, the room of those who are in it, and background work.
//!
//! Run `cargo run --example documents`. It prints what Ada and Bob do and see.

mod arguments;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;
use wswrapper::observe::ChannelVisit;
use wswrapper::{Client, Context, Server, transport::memory, ws_handlers, ws_service};

/// Served by the server. Each document has a channel, whose name fills the arguments `id`.
#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn read(&self, id: u64) -> Vec<String>;
    /// Adds a line, and tells the others who are in the document.
    async fn append(&self, ctx: Context, id: u64, line: String);
    #[ws(event)]
    async fn move_cursor(&self, ctx: Context, id: u64, who: String, line: usize);
}

/// Served by each editor.
#[ws_service(channel = "doc/{id}")]
trait DocEvents {
    #[ws(event)]
    async fn appended(&self, id: u64, line: String);
    /// An editor that reads too slowly gets the last position of each cursor.
    #[ws(event, on_full = "latest", key = "who")]
    async fn cursor_moved(&self, id: u64, who: String, line: usize);
}

#[derive(Default)]
struct Docs(Mutex<BTreeMap<u64, Vec<String>>>);

fn room(id: u64) -> String {
    format!("doc/{id}")
}

#[ws_handlers]
impl Doc for Docs {
    async fn read(&self, id: u64) -> Vec<String> {
        self.0.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }

    async fn append(&self, ctx: Context, id: u64, line: String) {
        self.0.lock().unwrap().entry(id).or_default().push(line.clone());
        let others = ctx.room(&room(id)).except(ctx.peer());
        DocEventsProxy::new(others, id).appended(line).await.ok();
        // The caller need not wait for the disk. A server that stops waits for it.
        let saving = async move {
            sleep(Duration::from_millis(50)).await;
            println!("  the server: document {id} is saved");
        };
        if let Err(error) = ctx.spawn(saving) {
            eprintln!("document {id} is not saved: {error}");
        }
    }

    async fn move_cursor(&self, ctx: Context, id: u64, who: String, line: usize) {
        let others = ctx.room(&room(id)).except(ctx.peer());
        DocEventsProxy::new(others, id).cursor_moved(who, line).await.ok();
    }
}

/// Lets a peer into a document at its first call there.
async fn enter(visit: ChannelVisit) -> Result<(), String> {
    let id: u64 = visit.parameter("id").ok_or("the document has no number")?;
    if id == 13 {
        return Err("document 13 is closed".to_owned());
    }
    visit.peer().join(&room(id)).map_err(|error| error.to_string())?;
    println!("  the server: {} is in document {id}", visit.peer().user().as_deref().unwrap_or("somebody"));
    Ok(())
}

/// A peer that has left a document is not told of it any longer.
async fn leave(visit: ChannelVisit) {
    visit.peer().leave(visit.name());
    println!("  the server: {} has left {}", visit.peer().user().as_deref().unwrap_or("somebody"), visit.name());
}

/// Prints what an editor is told.
struct Editor(&'static str);

#[ws_handlers]
impl DocEvents for Editor {
    async fn appended(&self, id: u64, line: String) {
        println!("{} sees in document {id}: {line}", self.0);
    }

    async fn cursor_moved(&self, id: u64, who: String, line: usize) {
        println!("{} sees {who} at line {line} of document {id}", self.0);
    }
}

fn connect(server: &Server, name: &'static str) -> Result<Client, Box<dyn Error>> {
    let (near, far) = memory::pair();
    server.accept_transport(far)?.set_user(name)?;
    Ok(Client::builder().service(Editor(name)).connect_transport(near)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    arguments::none();
    let docs = Arc::new(Docs::default());
    let server = Server::builder().service(docs).on_enter("doc/{id}", enter).on_leave("doc/{id}", leave).build()?;
    let (ada, bob) = (connect(&server, "Ada")?, connect(&server, "Bob")?);

    let (plan_of_ada, plan_of_bob) = (DocProxy::new(&ada, 7), DocProxy::new(&bob, 7));
    println!("Bob reads {} lines", plan_of_bob.read().await?.len());
    plan_of_ada.append("Buy tea").await?;
    plan_of_ada.move_cursor("Ada", 1).await?;
    println!("Bob reads {:?}", plan_of_bob.read().await?);
    if let Err(error) = DocProxy::new(&bob, 13).read().await {
        println!("Bob cannot read document 13: {error}");
    }
    bob.stop(Duration::from_secs(1)).await;
    // Bob is in the document until the server has seen the end of the connection.
    while server.peers().len() > 1 {
        sleep(Duration::from_millis(1)).await;
    }

    let report = server.shutdown(Duration::from_secs(1)).await;
    println!("the server has stopped: {} background tasks were cut off", report.background_cut_off);
    Ok(())
}
