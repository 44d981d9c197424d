//! Who is typing.

use crate::contract::Draft;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use wswrapper::{Stream, ws_handlers};

/// How long to wait before telling somebody again.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// Whoever is typing: a name for each draft.
#[derive(Clone, Default)]
pub(crate) struct Typing(watch::Sender<Vec<String>>);

impl Typing {
    /// Somebody begins a draft.
    pub(crate) fn begin(&self, name: String) -> OpenDraft {
        self.0.send_modify(|drafts| drafts.push(name.clone()));
        OpenDraft { name, typing: self.clone() }
    }

    /// The names, now and whenever they have changed.
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

/// A draft, until it is dropped: its caller needs it no more, or its connection has ended.
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
