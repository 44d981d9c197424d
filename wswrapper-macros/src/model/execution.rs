use syn::Ident;

/// Where a handler runs, with the flag that says so.
pub(crate) enum Execution {
    /// In the task of its connection.
    InPlace,
    /// On a thread where it may block.
    Blocking(Ident),
    /// In a task of its own.
    Spawned(Ident),
    /// In two places at once; the second flag.
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

    pub(crate) fn flag(&self) -> Option<&Ident> {
        match self {
            Self::InPlace => None,
            Self::Blocking(flag) | Self::Spawned(flag) | Self::Both(flag) => Some(flag),
        }
    }
}
