use syn::Ident;

/// Where a handler runs, with the word that says so.
pub(crate) enum Execution {
    /// In the task of its connection.
    InPlace,
    /// On a thread where it may block.
    Blocking(Ident),
    /// In a task of its own.
    Spawned(Ident),
    /// In two places at once; the second word.
    Both(Ident),
}

impl Execution {
    pub(super) fn new(blocking: Option<Ident>, spawn: Option<Ident>) -> Self {
        match (blocking, spawn) {
            (None, None) => Self::InPlace,
            (Some(blocking), None) => Self::Blocking(blocking),
            (None, Some(spawn)) => Self::Spawned(spawn),
            (Some(_), Some(spawn)) => Self::Both(spawn),
        }
    }

    pub(crate) fn word(&self) -> Option<&Ident> {
        match self {
            Self::InPlace => None,
            Self::Blocking(word) | Self::Spawned(word) | Self::Both(word) => Some(word),
        }
    }
}
