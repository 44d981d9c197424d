//! Values that a program stores with a connection or a client.

use crate::lock::lock;
use http::request::Parts;
use std::any::{Any, TypeId, type_name};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

/// Values that a program stores with a connection or a client, one of each type.
///
/// An `Extensions` is cheap to clone; all clones hold the same values. Those of a connection are dropped when it is
/// closed and its [`on_close`](crate::server::ServerBuilder::on_close) hook has returned. After that it stores none.
///
/// ```
/// use wswrapper::connection::Extensions;
///
/// #[derive(Debug, PartialEq)]
/// struct UserName(&'static str);
///
/// let extensions = Extensions::new();
/// extensions.insert(UserName("Ada"));
/// assert_eq!(extensions.get::<UserName>().as_deref(), Some(&UserName("Ada")));
/// ```
#[derive(Clone, Default)]
pub struct Extensions {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    /// Boxed, because most connections store nothing.
    values: Option<Box<Values>>,
    /// The request of the connection, whose extensions are seen while the connection opens. It is dropped after that,
    /// because it keeps the buffers of an HTTP library.
    request: Option<Arc<Parts>>,
    /// True after such a request was dropped.
    request_dropped: bool,
    /// True once the connection is closed. Further values are dropped.
    closed: bool,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Extensions {
    /// Creates an empty set, for a connection that is [accepted](crate::Server::accept_transport_with) with it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a value, and returns the value of the same type that it replaces.
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let value = Arc::new(value);
        let mut contents = self.lock();
        if contents.closed {
            return None;
        }
        let old = contents.values.get_or_insert_default().insert(TypeId::of::<T>(), value);
        drop(contents);
        old.and_then(|old| old.downcast().ok())
    }

    /// Returns the value of this type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.lock().values.as_ref()?.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }

    /// Returns a copy of the value of this type.
    ///
    /// While a connection opens, the extensions of its request are seen too: in
    /// [`on_open`](crate::server::ServerBuilder::on_open) and
    /// [`service_with`](crate::server::ServerBuilder::service_with). After that only those stay that
    /// [`keep_extension`](crate::server::ServerBuilder::keep_extension) names.
    ///
    /// ```
    /// use wswrapper::connection::Extensions;
    ///
    /// let extensions = Extensions::new();
    /// extensions.insert("Ada");
    /// assert_eq!(extensions.cloned::<&str>(), Some("Ada"));
    /// ```
    pub fn cloned<T: Clone + Any + Send + Sync>(&self) -> Option<T> {
        if let Some(value) = self.get::<T>() {
            return Some((*value).clone());
        }
        let contents = self.lock();
        let request = contents.request.clone();
        let request_dropped = contents.request_dropped;
        drop(contents);
        if request_dropped {
            warn_once::<T>();
        }
        request?.extensions.get::<T>().cloned()
    }

    /// Removes and returns the value of this type.
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().values.as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }

    /// Shows the extensions of a request until [`hide_request`](Self::hide_request).
    #[cfg(feature = "websocket")]
    pub(crate) fn show_request(&self, request: Arc<Parts>) {
        self.lock().request = Some(request);
    }

    /// Returns true if the extensions of a request are seen.
    pub(super) fn shows_request(&self) -> bool {
        self.lock().request.is_some()
    }

    /// Drops the request. Its values may be a user's, so the caller drops it outside any lock.
    pub(super) fn hide_request(&self) -> Option<Arc<Parts>> {
        let mut contents = self.lock();
        contents.request_dropped |= contents.request.is_some();
        contents.request.take()
    }

    /// Removes all values, and accepts no more. The caller drops each value by itself, outside any lock, because a drop
    /// may panic.
    pub(crate) fn close(&self) -> impl Iterator<Item = Arc<dyn Any + Send + Sync>> + use<> {
        let mut contents = self.lock();
        contents.closed = true;
        contents.values.take().into_iter().flat_map(|values| values.into_values())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}

/// Warns in a debug build that no value of this type was kept. Only the first warning for a type is logged.
fn warn_once<T: 'static>() {
    static WARNED: Mutex<BTreeSet<TypeId>> = Mutex::new(BTreeSet::new());
    if cfg!(debug_assertions) && lock(&WARNED).insert(TypeId::of::<T>()) {
        let name = type_name::<T>();
        tracing::warn!(
            "the connection has no extension `{name}`. If a layer adds it to the request, name it by \
             `.keep_extension::<{name}>()`"
        );
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.lock().values.as_ref().map_or(0, |values| values.len());
        f.debug_struct("Extensions").field("len", &len).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "websocket"))]
mod tests {
    use super::*;
    use crate::engine::test_log::TestLog;

    #[derive(Clone, PartialEq, Debug)]
    struct User(&'static str);

    #[derive(Clone, PartialEq, Debug)]
    struct Trace;

    #[test]
    fn extensions_of_the_request_are_seen_until_it_is_dropped_and_then_missed_once() {
        let messages = TestLog::of("message");
        let _log = tracing::subscriber::set_default(messages.clone());
        let warnings = || messages.containing("has no extension").len();
        let request = http::Request::get("/").extension(User("Ada")).extension(Trace).body(());
        let (parts, ()) = request.expect("a valid request").into_parts();
        let extensions = Extensions::new();
        extensions.insert(User("Bob"));
        extensions.show_request(Arc::new(parts));
        assert_eq!((extensions.cloned::<User>(), extensions.cloned::<Trace>()), (Some(User("Bob")), Some(Trace)));
        assert_eq!(extensions.cloned::<u8>(), None);
        drop(extensions.hide_request());
        assert_eq!((extensions.cloned::<User>(), warnings()), (Some(User("Bob")), 0));
        assert_eq!((extensions.cloned::<Trace>(), extensions.cloned::<Trace>()), (None, None));
        let expected = usize::from(cfg!(debug_assertions));
        assert_eq!(warnings(), expected);
        // A connection without such a request is not meant.
        assert_eq!((Extensions::new().cloned::<u16>(), warnings()), (None, expected));
    }
}
