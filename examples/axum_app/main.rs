//! An axum application: a page, a JSON API and a WebSocket on one port, with the same session and the same state.
//!
//! Run `cargo run --example axum_app` and open `http://127.0.0.1:8080` in two browser windows. Who logs in by the API gets
//! a cookie; the WebSocket knows its user by that cookie and delivers the notes that are added by the API.

mod api;
mod app;
#[path = "../arguments.rs"]
mod arguments;
mod site;
mod socket;

use api::ApiState;
use app::App;
use axum::{Router, middleware};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

const HELP: &str = "\
An axum application with a WebSocket.

Usage: axum_app [--port PORT] [--host ADDRESS]

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
            eprintln!("axum_app: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (host, port) = arguments::host_and_port(HELP);
    let app = Arc::new(App::default());
    let server = socket::server(&app)?;
    let router = Router::new()
        .route("/", site::page("text/html; charset=utf-8", include_str!("page.html")))
        .route("/ws-client.js", site::page("text/javascript; charset=utf-8", include_str!("../chat/page/ws-client.js")))
        .nest("/api", api::routes())
        .route_service("/ws", server.clone())
        // Outside the routes above, so the API and the WebSocket both find the user in the request.
        .layer(middleware::from_fn_with_state(Arc::clone(&app), api::find_user))
        .with_state(ApiState { app, server: server.clone() });

    let listener = site::bind(&host, port).await?;
    println!("The notes are at http://{} (Ctrl-C stops it)", listener.local_addr()?);
    site::serve_until_ctrl_c(listener, router, &server).await?;
    println!("\nGoodbye.");
    Ok(())
}
