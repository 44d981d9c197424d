//! Sessions by cookie. The API makes and ends them, and a layer adds their users to requests.

use crate::App;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const COOKIE: &str = "session";
const MAX_SESSIONS: usize = 10_000;
const NAME_CHARACTERS: usize = 24;

/// The user of a request or a connection.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    /// The secret in the cookie.
    session: String,
}

#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, User>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, User>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds the user of the session to the extensions of each request, where the WebSocket finds it too.
pub(crate) async fn add_user(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let user = session_of(request.headers()).and_then(|session| sessions.lock().get(session).cloned());
    if let Some(user) = user {
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

#[derive(Deserialize)]
pub(crate) struct Login {
    name: String,
}

pub(crate) async fn login(State(app): State<App>, Json(login): Json<Login>) -> Response {
    let name = login.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS {
        let text = format!("a name has 1 to {NAME_CHARACTERS} characters\n");
        return (StatusCode::UNPROCESSABLE_ENTITY, text).into_response();
    }
    let mut sessions = app.sessions.lock();
    if sessions.len() >= MAX_SESSIONS {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many users\n").into_response();
    }
    let session = format!("{:032x}", rand::random::<u128>());
    sessions.insert(session.clone(), User { name, session: session.clone() });
    with_cookie(&format!("{session}; Max-Age=86400"))
}

/// Ends the session, and the connections that were opened with it.
pub(crate) async fn logout(State(app): State<App>, headers: HeaderMap) -> Response {
    let user = session_of(&headers).and_then(|session| app.sessions.lock().remove(session));
    if let Some(user) = user {
        let peers = app.server.peers();
        peers.iter().filter(|peer| peer.extension::<User>().as_ref() == Some(&user)).for_each(|peer| {
            peer.close(4401, "logged out");
        });
    }
    with_cookie("; Max-Age=0")
}

/// Behind TLS, the cookie of a real application is `Secure` too.
fn with_cookie(value: &str) -> Response {
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}
