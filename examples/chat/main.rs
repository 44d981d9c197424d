//! A chat room: a web page and its WebSocket in one axum application, with a typed service.
//!
//! Run `cargo run --example chat` and open `http://127.0.0.1:8080` in two browser windows, or join from a terminal with
//! the example `chat_terminal`.

#[path = "../arguments.rs"]
mod arguments;
mod contract;
mod room;
mod typing;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{MethodRouter, get};
use axum::serve::ListenerExt;
use room::Room;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use wswrapper::{
    Server,
    error::{MountError, ServeError},
};

/// The time for running calls after Ctrl-C.
const DRAIN_TIME: Duration = Duration::from_secs(5);

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
    let bind_error = |source| ServeError::Bind { address: format!("{host}:{port}"), source };
    let listener = TcpListener::bind((host.as_str(), port)).await.map_err(bind_error)?;
    println!("The chat is at http://{} (Ctrl-C stops it)", listener.local_addr()?);

    let server = server()?;
    let app = pages().route_service("/ws", server.clone());
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopped = async || drop(tokio::signal::ctrl_c().await);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    server.shutdown(DRAIN_TIME).await;
    println!("\nGoodbye.");
    Ok(())
}

/// Builds the server of the WebSocket.
fn server() -> Result<Server, MountError> {
    let room = Room::default();
    let leaving = room.clone();
    Server::builder()
        .service(room)
        .on_close(move |peer, _| {
            let room = leaving.clone();
            async move { room.leave(peer.id(), peer.broadcast()).await }
        })
        .build()
}

/// Returns the page and its files.
fn pages() -> Router {
    Router::new()
        .route("/", page("text/html", include_str!("page/index.html")))
        .route("/style.css", page("text/css", include_str!("page/style.css")))
        .route("/chat.js", page("text/javascript", include_str!("page/chat.js")))
        .route("/ws-client.js", page("text/javascript", include_str!("page/ws-client.js")))
}

fn page(content_type: &'static str, content: &'static str) -> MethodRouter {
    let headers = [(CONTENT_TYPE, format!("{content_type}; charset=utf-8")), (CACHE_CONTROL, "no-cache".to_owned())];
    get(async move || (headers.clone(), content))
}
