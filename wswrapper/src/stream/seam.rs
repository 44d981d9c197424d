//! Items and seams of streams that survive a lost connection.

/// An item of a stream that survives a lost connection, or a place where it was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEvent<T> {
    /// An item.
    Item(T),
    /// The place between two items where the connection was lost, or where items are missing.
    Seam(Seam),
}

/// A place where a stream was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seam {
    /// The next item follows the last one. None is missing.
    Resumed,
    /// Items are missing.
    Gap {
        /// The number of missing items. `None` if the peer does not tell it, and perhaps none is missing.
        lost: Option<u64>,
    },
    /// The next item is of another history than the last one, for example because the server was restarted. What is
    /// known from earlier items may be wrong.
    Fresh,
}
