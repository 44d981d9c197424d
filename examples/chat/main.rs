//! A chat room: an axum application with a web page and its WebSocket on one port, with a typed service.
//!
//! Run `cargo run --example chat` and open `http://127.0.0.1:8080` in two browser windows, or join from a terminal with
//! the example `chat_terminal`.

#[path = "../arguments.rs"]
mod arguments;
mod contract;
mod room;
#[path = "../axum_app/site.rs"]
mod site;
mod typing;

use axum::Router;
use room::Room;
use std::error::Error;
use std::process::ExitCode;
use wswrapper::{Server, error::MountError};

const HELP: &str = "\
A chat server with its web page.

Usage: chat [--port PORT] [--host ADDRESS]

Options:
  --port PORT      The port to listen on; 0 takes any free port [default: 8080]
  --host ADDRESS   The address to listen on; 0.0.0.0 accepts other machines [default: 127.0.0.1]
  --help           Print this help
";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (host, port) = arguments::host_and_port(HELP);
    let server = server()?;
    let listener = site::bind(&host, port).await?;
    println!("The chat is at http://{} (Ctrl-C stops it)", listener.local_addr()?);
    site::serve_until_ctrl_c(listener, router(&server), &server).await?;
    println!("\nGoodbye.");
    Ok(())
}

fn server() -> Result<Server, MountError> {
    let room = Room::default();
    Server::builder()
        .service(room.clone())
        .on_close(move |peer, _| {
            let room = room.clone();
            async move { room.leave(peer.id(), peer.broadcast()).await }
        })
        .build()
}

fn router(server: &Server) -> Router {
    Router::new()
        .route("/", site::page("text/html; charset=utf-8", include_str!("page/index.html")))
        .route("/style.css", site::page("text/css; charset=utf-8", include_str!("page/style.css")))
        .route("/chat.js", site::page("text/javascript; charset=utf-8", include_str!("page/chat.js")))
        .route("/ws-client.js", site::page("text/javascript; charset=utf-8", include_str!("page/ws-client.js")))
        .route_service("/ws", server.clone())
}
