//! The people who have signed in: the API that gives them names, and the connections that are known by it.

use crate::names::{MAX_NAME, name};
use crate::site;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::SET_COOKIE};
use axum::response::IntoResponse;
use axum::{Json, Router, routing::get};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wswrapper::error::Rejection;
use wswrapper::server::{Refusal, ServerBuilder};
use wswrapper::{Peer, Server};

const MAX_PEOPLE: usize = 1_000;
/// A name is free again after this time without a connection.
const KEPT: Duration = Duration::from_secs(60);
/// The status with which the connections of somebody who signs out are closed.
const SIGNED_OUT: u16 = 4401;
/// The name of the cookie. Other programs on the same host see it, because a cookie has no port.
const COOKIE: &str = "chat_session";

/// Somebody who has signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    /// The secret in the cookie.
    session: u128,
    /// The time at which the person signed in, or the last connection was lost.
    seen: Instant,
}

impl Person {
    /// The user to whom the connections belong. Names that differ only by case are the same.
    fn user(&self) -> String {
        self.name.to_lowercase()
    }
}

/// All who have signed in, by their users.
#[derive(Default)]
pub(crate) struct People(Mutex<HashMap<String, Person>>);

impl People {
    /// Gives a name to a session, which is a new one unless the session has this name already.
    fn sign_in(&self, name: &str, session: Option<u128>, server: &Server) -> Result<Person, (StatusCode, String)> {
        let mut people = self.lock();
        people.retain(|user, person| person.seen.elapsed() < KEPT || !server.user(user).is_empty());
        let is_full = people.len() >= MAX_PEOPLE;
        let person = Person { name: name.to_owned(), session: rand::random(), seen: Instant::now() };
        match people.get_mut(&person.user()) {
            Some(known) if Some(known.session) == session => {
                known.seen = Instant::now();
                return Ok(known.clone());
            }
            Some(known) => return Err((StatusCode::CONFLICT, format!("the name {} is taken", known.name))),
            None if is_full => {
                return Err((StatusCode::SERVICE_UNAVAILABLE, "the chat is full".to_owned()));
            }
            None => {}
        }
        people.insert(person.user(), person.clone());
        Ok(person)
    }

    fn sign_out(&self, person: &Person) {
        self.lock().retain(|_, known| known.session != person.session);
    }

    /// Returns the person whose session the cookies have.
    fn find(&self, headers: &HeaderMap) -> Option<Person> {
        let session = session(headers)?;
        self.lock().values().find(|person| person.session == session).cloned()
    }

    /// Returns true unless the person has signed out.
    fn knows(&self, person: &Person) -> bool {
        self.lock().get(&person.user()).is_some_and(|known| known.session == person.session)
    }

    /// Notes that the connections of this user may have been lost.
    fn saw(&self, user: &str) {
        if let Some(person) = self.lock().get_mut(user) {
            person.seen = Instant::now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Person>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn session(headers: &HeaderMap) -> Option<u128> {
    u128::from_str_radix(site::cookie(headers, COOKIE)?, 16).ok()
}

/// Accepts only connections with a session of the API, and tells the server whose they are.
pub(crate) fn known_by_session(builder: ServerBuilder, people: &Arc<People>) -> ServerBuilder {
    let (finding, checking, noting) = (Arc::clone(people), Arc::clone(people), Arc::clone(people));
    builder
        .authenticate(move |request| {
            let person = finding.find(&request.headers);
            async move { person.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED).body("sign in first\n")) }
        })
        .user_id(Person::user)
        .on_open(move |peer| {
            // The person may have signed out in the meantime. From now on, signing out finds this connection.
            let person = peer.extension::<Person>().filter(|person| checking.knows(person));
            async move { person.map(|_| ()).ok_or_else(|| Rejection::new("sign in first")) }
        })
        .on_removed(move |peer| {
            if let Some(user) = peer.user() {
                noting.saw(&user);
            }
        })
}

#[derive(Clone)]
struct Api {
    people: Arc<People>,
    server: Server,
}

impl Api {
    /// Ends a session and its connections. The others see at once that the person has left.
    fn end(&self, person: &Person) {
        self.people.sign_out(person);
        let connections = self.server.user(&person.user()).peers();
        // Others are of somebody who has taken the name in the meantime.
        let is_theirs = |peer: &Peer| peer.extension::<Person>().is_some_and(|other| other.session == person.session);
        for peer in connections.into_iter().filter(is_theirs) {
            for room in peer.rooms() {
                peer.leave(&room);
            }
            peer.close(SIGNED_OUT, "signed out");
        }
    }
}

/// The API for sessions: who the caller is, signing in and signing out.
pub(crate) fn api(people: Arc<People>, server: Server) -> Router {
    let session = get(who).post(sign_in).delete(sign_out);
    Router::new().route("/session", session).with_state(Api { people, server })
}

#[derive(Serialize, Deserialize)]
struct SignIn {
    name: String,
}

async fn who(State(api): State<Api>, headers: HeaderMap) -> Json<Option<SignIn>> {
    Json(api.people.find(&headers).map(|person| SignIn { name: person.name }))
}

async fn sign_in(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(body): Json<SignIn>,
) -> Result<impl IntoResponse, (StatusCode, String)> {
    let name = name(&body.name)
        .ok_or_else(|| (StatusCode::BAD_REQUEST, format!("a name has 1 to {MAX_NAME} ordinary characters")))?;
    let before = api.people.find(&headers);
    let person = api.people.sign_in(name, session(&headers), &api.server)?;
    // A browser has one cookie, so nobody could use the session before any more.
    if let Some(before) = before.filter(|before| before.session != person.session) {
        api.end(&before);
    }
    // A site with TLS adds `Secure`.
    let cookie = format!("{COOKIE}={:x}; Path=/; HttpOnly; SameSite=Strict", person.session);
    Ok(([(SET_COOKIE, cookie)], Json(SignIn { name: person.name })))
}

async fn sign_out(State(api): State<Api>, headers: HeaderMap) -> impl IntoResponse {
    if let Some(person) = api.people.find(&headers) {
        api.end(&person);
    }
    (StatusCode::NO_CONTENT, [(SET_COOKIE, format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))])
}
