//! The WebSocket: a service for users who have logged in, and events for their pages.

use crate::app::{App, Note, User};
use axum::http::StatusCode;
use std::sync::Arc;
use wswrapper::{
    Context, Server,
    error::{MountError, Rejection},
    server::Refusal,
    ws_handlers, ws_service,
};

/// Served by the server.
#[ws_service(channel = "notes")]
trait Notes {
    /// Returns the name of the caller.
    async fn whoami(&self, ctx: Context) -> Option<String>;
}

/// Served by each page.
#[ws_service(channel = "notes", client)]
pub(crate) trait NoteEvents {
    /// Delivers a new note.
    #[ws(event)]
    async fn added(&self, note: Note);
}

struct NoteService;

#[ws_handlers]
impl Notes for NoteService {
    async fn whoami(&self, ctx: Context) -> Option<String> {
        ctx.extension::<User>().map(|user| user.name)
    }
}

/// Builds the server. It takes the user from the extensions of the request, where the middleware has put it.
pub(crate) fn server(app: &Arc<App>) -> Result<Server, MountError> {
    let app = Arc::clone(app);
    Server::builder()
        .service(NoteService)
        .keep_extension::<User>()
        .authenticate(|request| async move {
            let user = request.extensions.get::<User>();
            user.map(|_| ()).ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED).body("log in first\n"))
        })
        .on_open(move |peer| {
            // The user may have logged out in the meantime. From now on, logging out finds this connection.
            let user = peer.extension::<User>().and_then(|user| app.user(user.session));
            async move { user.map(|_| ()).ok_or_else(|| Rejection::new("log in first")) }
        })
        .build()
}
