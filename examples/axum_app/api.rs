//! The JSON API and its sessions.

use crate::app::{App, Note, User};
use crate::site;
use crate::socket::NoteEventsProxy;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::sync::Arc;
use wswrapper::Server;

#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) app: Arc<App>,
    pub(crate) server: Server,
}

/// A response with status 400 and this text.
type Invalid = (StatusCode, String);

pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/notes", get(notes).post(add_note))
}

/// Adds the user of the cookie to the request.
pub(crate) async fn find_user(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if let Some(user) = session(request.headers()).and_then(|session| app.user(session)) {
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct LogIn {
    name: String,
}

async fn log_in(State(api): State<ApiState>, Json(body): Json<LogIn>) -> Result<impl IntoResponse, Invalid> {
    let user = api.app.log_in(trimmed(&body.name, 24)?);
    // A site with TLS adds `Secure`.
    let cookie = format!("session={:x}; Path=/; HttpOnly; SameSite=Strict", user.session);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

async fn log_out(State(api): State<ApiState>, user: User) -> impl IntoResponse {
    api.app.log_out(user.session);
    for peer in api.server.peers() {
        if peer.extension::<User>().is_some_and(|other| other.session == user.session) {
            peer.close(4401, "logged out");
        }
    }
    (StatusCode::NO_CONTENT, [(SET_COOKIE, "session=; Path=/; Max-Age=0")])
}

async fn notes(State(api): State<ApiState>, _: User) -> Json<Vec<Note>> {
    Json(api.app.notes())
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

async fn add_note(
    State(api): State<ApiState>,
    user: User,
    Json(body): Json<NewNote>,
) -> Result<impl IntoResponse, Invalid> {
    let note = api.app.add_note(user.name, trimmed(&body.text, 500)?);
    // A page that misses the event loads all notes when it is connected again.
    if let Err(error) = NoteEventsProxy::new(api.server.broadcast()).added(note.clone()).await {
        eprintln!("the note was not sent: {error}");
    }
    Ok((StatusCode::CREATED, Json(note)))
}

fn session(headers: &HeaderMap) -> Option<u128> {
    u128::from_str_radix(site::cookie(headers, "session")?, 16).ok()
}

/// Returns the text without surrounding white space.
fn trimmed(text: &str, max: usize) -> Result<String, Invalid> {
    match text.trim() {
        text if (1..=max).contains(&text.chars().count()) => Ok(text.to_owned()),
        _ => Err((StatusCode::BAD_REQUEST, format!("please write 1 to {max} characters"))),
    }
}

/// A user as the argument of a handler. Others get status 401.
impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().ok_or(StatusCode::UNAUTHORIZED)
    }
}
