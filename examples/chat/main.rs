//! A chat: an axum application with a web page, an API for names and a WebSocket on one port.
//!
//! Run `cargo run --example chat` and open `http://127.0.0.1:8080` in two browsers, or in one and in a private window of it:
//! all tabs of a browser are one person. Others join from a terminal, with the example `chat_terminal`.

#[path = "../arguments.rs"]
mod arguments;
mod contract;
mod names;
mod people;
mod rooms;
#[path = "../axum_app/site.rs"]
mod site;

use axum::Router;
use people::People;
use rooms::Rooms;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use wswrapper::service::layer::{GuardCall, rate};
use wswrapper::{Server, error::MountError};

const HELP: &str = "\
A chat server with its web page.

Usage: chat [--port PORT] [--host ADDRESS]

Options:
  --port PORT      The port to listen on; 0 takes any free port [default: 8080]
  --host ADDRESS   The address to listen on; 0.0.0.0 accepts other machines [default: 127.0.0.1]
  --help           Print this help
";

/// Number of calls that a connection may make within [`PERIOD`].
const MAX_CALLS: u32 = 200;
const PERIOD: Duration = Duration::from_secs(10);

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
    let people = Arc::new(People::default());
    let server = server(&people)?;
    let listener = site::bind(&host, port).await?;
    println!("The chat is at http://{} (Ctrl-C stops it)", listener.local_addr()?);
    site::serve_until_ctrl_c(listener, router(people, &server), &server).await?;
    println!("\nGoodbye.");
    Ok(())
}

fn server(people: &Arc<People>) -> Result<Server, MountError> {
    people::known_by_session(Server::builder(), people)
        .service(Rooms::default())
        .guard_on("chat", rate(MAX_CALLS, PERIOD, |call: &GuardCall<'_>| call.peer_id()))
        .drain_event(contract::RESTARTING)
        .build()
}

fn router(people: Arc<People>, server: &Server) -> Router {
    const SCRIPTS: [(&str, &str); 8] = [
        ("/chat.js", include_str!("page/chat.js")),
        ("/composer.js", include_str!("page/composer.js")),
        ("/door.js", include_str!("page/door.js")),
        ("/list.js", include_str!("page/list.js")),
        ("/session.js", include_str!("page/session.js")),
        ("/side.js", include_str!("page/side.js")),
        ("/view.js", include_str!("page/view.js")),
        ("/ws-client.js", include_str!("page/ws-client.js")),
    ];
    let script =
        |router: Router, (path, script)| router.route(path, site::page("text/javascript; charset=utf-8", script));
    SCRIPTS
        .into_iter()
        .fold(Router::new(), script)
        .route("/", site::page("text/html; charset=utf-8", include_str!("page/index.html")))
        .route("/style.css", site::page("text/css; charset=utf-8", include_str!("page/style.css")))
        .merge(people::api(people, server.clone()))
        .route_service("/ws", server.clone())
}
