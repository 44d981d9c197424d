//! A server with every kind of call, for testing clients in other languages.
//!
//! Run `cargo run --example surface`, then connect a client to `ws://127.0.0.1:8080/ws`.

#[path = "../arguments.rs"]
mod arguments;
mod files;
mod scoped;
mod session;

use files::Files;
use session::{Session, Shared};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use wswrapper::{Limits, Server, error::ServeError, server::Listener};

/// The size of a message, in both directions.
const MAX_MESSAGE_SIZE: usize = 16 << 20;

const HELP: &str = "\
A server with every kind of call, at the path /ws.

Usage: surface [--port PORT] [--host ADDRESS]

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
            eprintln!("surface: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (host, port) = arguments::host_and_port(HELP);
    let listener = bind(&host, port).await?;
    println!("The surface is at ws://{}/ws (Ctrl-C stops it)", listener.local_addr());

    let server = listener.server().clone();
    let serving = tokio::spawn(listener.serve());
    tokio::signal::ctrl_c().await?;
    server.close();
    server.closed().await;
    serving.await??;
    Ok(())
}

async fn bind(host: &str, port: u16) -> Result<Listener, ServeError> {
    let shared = Arc::new(Shared::default());
    let limits = Limits::default().max_message_size(MAX_MESSAGE_SIZE).max_outgoing_message_size(MAX_MESSAGE_SIZE);
    Server::builder()
        .limits(limits)
        .service_with(move |_| Session::new(Arc::clone(&shared)))
        .service(Files::default())
        .path("/ws")
        .bind((host, port))
        .await
}
