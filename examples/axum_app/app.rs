//! The state that the API and the WebSocket share.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of sessions and of notes that are kept. The oldest ones are dropped.
const MAX_KEPT: usize = 1_000;

/// Somebody who has logged in.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    /// The secret in the cookie.
    pub(crate) session: u128,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    id: u64,
    from: String,
    text: String,
}

#[derive(Default)]
pub(crate) struct App(Mutex<State>);

#[derive(Default)]
struct State {
    users: VecDeque<User>,
    notes: VecDeque<Note>,
    last_id: u64,
}

impl App {
    /// Begins a session.
    pub(crate) fn log_in(&self, name: String) -> User {
        let user = User { name, session: rand::random() };
        push(&mut self.state().users, user.clone());
        user
    }

    /// Ends a session.
    pub(crate) fn log_out(&self, session: u128) {
        self.state().users.retain(|user| user.session != session);
    }

    pub(crate) fn user(&self, session: u128) -> Option<User> {
        self.state().users.iter().find(|user| user.session == session).cloned()
    }

    pub(crate) fn add_note(&self, from: String, text: String) -> Note {
        let mut state = self.state();
        state.last_id += 1;
        let note = Note { id: state.last_id, from, text };
        push(&mut state.notes, note.clone());
        note
    }

    /// Returns the notes, oldest first.
    pub(crate) fn notes(&self) -> Vec<Note> {
        self.state().notes.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == MAX_KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
