//! The people who are typing.

use crate::contract::Draft;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use wswrapper::{Stream, ws_handlers};

/// Minimum time between two updates for one client.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// The open drafts, by their authors' names.
#[derive(Clone, Default)]
pub(crate) struct Typing(watch::Sender<Vec<String>>);

impl Typing {
    /// Opens a draft for `name`.
    pub(crate) fn begin(&self, name: String) -> OpenDraft {
        self.0.send_modify(|drafts| drafts.push(name.clone()));
        OpenDraft { name, typing: self.clone() }
    }

    /// Streams the names, now and after each change.
    pub(crate) fn names(&self) -> impl Stream<Item = Vec<String>> + Send + use<> {
        let now = names(&self.0.borrow());
        let changes = stream::unfold((self.0.subscribe(), now.clone()), |(mut drafts, sent)| async move {
            sleep(MIN_INTERVAL).await;
            let now = names(&drafts.wait_for(|drafts| names(drafts) != sent).await.ok()?);
            Some((now.clone(), (drafts, now)))
        });
        stream::iter([now]).chain(changes)
    }
}

fn names(drafts: &[String]) -> Vec<String> {
    let mut names = drafts.to_vec();
    names.sort();
    names.dedup();
    names
}

/// An open draft. It is dropped when its caller drops it or its connection is closed.
pub(crate) struct OpenDraft {
    name: String,
    typing: Typing,
}

#[ws_handlers]
impl Draft for OpenDraft {}

impl Drop for OpenDraft {
    fn drop(&mut self) {
        self.typing.0.send_modify(|drafts| {
            if let Some(index) = drafts.iter().position(|name| *name == self.name) {
                drafts.swap_remove(index);
            }
        });
    }
}
