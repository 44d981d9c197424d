use syn::Ident;

/// The place where a handler runs, with the flag that selects it.
pub(crate) enum Execution {
    /// In the task of its connection.
    InPlace,
    /// On a thread where it may block.
    Blocking(Ident),
    /// In a task of its own.
    Spawned(Ident),
    /// A mistake: both flags. This is the second.
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
