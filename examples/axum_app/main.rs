//! An axum application: a page, a JSON API and a WebSocket on one port, with a session that the API makes and the
//! WebSocket uses.
//!
//! Run `cargo run --example axum_app` and open `http://127.0.0.1:8080` in two browser windows. A note that is posted in
//! one of them appears in both.

#[path = "../arguments.rs"]
mod arguments;
mod notes;
mod session;

use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, request::Parts};
use axum::routing::{MethodRouter, get, post};
use axum::serve::ListenerExt;
use axum::{Router, middleware};
use notes::Notebook;
use session::{Sessions, User};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use wswrapper::error::{MountError, ServeError};
use wswrapper::{Server, server::Refusal};

const HELP: &str = "\
An axum application with a page, a JSON API and a WebSocket.

Usage: axum_app [--port PORT] [--host ADDRESS]

Options:
  --port PORT      The port to listen on; 0 takes any free port [default: 8080]
  --host ADDRESS   The address to listen on; 0.0.0.0 accepts other machines [default: 127.0.0.1]
  --help           Print this help
";

/// The time for running calls after Ctrl-C.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The state of the handlers of the API.
#[derive(Clone)]
struct App {
    sessions: Sessions,
    notebook: Notebook,
    server: Server,
}

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
    let bind_error = |source| ServeError::Bind { address: format!("{host}:{port}"), source };
    let listener = TcpListener::bind((host.as_str(), port)).await.map_err(bind_error)?;
    println!("The application is at http://{} (Ctrl-C stops it)", listener.local_addr()?);

    let notebook = Notebook::default();
    let server = server(notebook.clone())?;
    let app = App { sessions: Sessions::default(), notebook, server: server.clone() };
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopped = async || drop(tokio::signal::ctrl_c().await);
    axum::serve(listener, router(app)).with_graceful_shutdown(stopped()).await?;
    let report = server.shutdown(DRAIN_TIME).await;
    println!("\nGoodbye: {} connections had finished, {} were cut off.", report.ended, report.cut_off);
    Ok(())
}

/// Builds the server of the WebSocket. Only a user may connect, and its calls know the user.
fn server(notebook: Notebook) -> Result<Server, MountError> {
    Server::builder()
        .service(notebook)
        .keep_extension::<User>()
        .authenticate(|request: Arc<Parts>| async move {
            let user = request.extensions.get::<User>();
            user.map(drop).ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED).body("log in first\n"))
        })
        .build()
}

fn router(app: App) -> Router {
    Router::new()
        .route("/", file("text/html", include_str!("page.html")))
        .route("/ws-client.js", file("text/javascript", include_str!("../chat/page/ws-client.js")))
        .route("/api/login", post(session::login))
        .route("/api/logout", post(session::logout))
        .route("/api/notes", get(notes::list).post(notes::post))
        .route_service("/ws", app.server.clone())
        .layer(middleware::from_fn_with_state(app.sessions.clone(), session::add_user))
        .with_state(app)
}

fn file(content_type: &'static str, content: &'static str) -> MethodRouter<App> {
    get(async move || ([(CONTENT_TYPE, format!("{content_type}; charset=utf-8"))], content))
}
