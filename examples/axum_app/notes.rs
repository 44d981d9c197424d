//! The notes: a JSON API, and a service on the WebSocket.

use crate::App;
use crate::session::User;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wswrapper::server::Broadcast;
use wswrapper::{Context, WsError, ws_handlers, ws_service};

const MAX_NOTES: usize = 100;
const TEXT_CHARACTERS: usize = 500;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    author: String,
    text: String,
}

#[derive(Debug, thiserror::Error, WsError)]
pub(crate) enum NoteError {
    #[error("a note has 1 to {TEXT_CHARACTERS} characters")]
    Length,
    #[error("log in first")]
    NoUser,
}

/// Calls of the page.
#[ws_service(channel = "notes")]
pub(crate) trait Notes {
    async fn add(&self, ctx: Context, text: String) -> Result<(), NoteError>;
}

/// Events for the page.
#[ws_service(channel = "notes", client)]
pub(crate) trait NoteEvents {
    #[ws(event)]
    async fn added(&self, note: Note);
}

/// The latest notes.
#[derive(Clone, Default)]
pub(crate) struct Notebook(Arc<Mutex<VecDeque<Note>>>);

impl Notebook {
    /// Adds a note, and shows it to everybody who is connected.
    async fn write(&self, user: User, text: &str, everybody: Broadcast) -> Result<(), NoteError> {
        let text = text.trim().to_owned();
        if text.is_empty() || text.chars().count() > TEXT_CHARACTERS {
            return Err(NoteError::Length);
        }
        let note = Note { author: user.name, text };
        {
            let mut notes = self.lock();
            if notes.len() == MAX_NOTES {
                notes.pop_front();
            }
            notes.push_back(note.clone());
        }
        // A connection that is too slow misses the event.
        let _ = NoteEventsProxy::new(everybody).added(note).await;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[ws_handlers]
impl Notes for Notebook {
    async fn add(&self, ctx: Context, text: String) -> Result<(), NoteError> {
        let user = ctx.extension::<User>().ok_or(NoteError::NoUser)?;
        self.write(user, &text, ctx.broadcast()).await
    }
}

pub(crate) async fn list(State(app): State<App>) -> Json<Vec<Note>> {
    Json(app.notebook.lock().iter().cloned().collect())
}

#[derive(Deserialize)]
pub(crate) struct NewNote {
    text: String,
}

pub(crate) async fn post(
    State(app): State<App>,
    user: Option<Extension<User>>,
    Json(note): Json<NewNote>,
) -> Result<StatusCode, (StatusCode, String)> {
    let written = match user {
        Some(Extension(user)) => app.notebook.write(user, &note.text, app.server.broadcast()).await,
        None => Err(NoteError::NoUser),
    };
    let refused = |error: NoteError| match error {
        NoteError::Length => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n")),
        NoteError::NoUser => (StatusCode::UNAUTHORIZED, format!("{error}\n")),
    };
    written.map(|()| StatusCode::CREATED).map_err(refused)
}
