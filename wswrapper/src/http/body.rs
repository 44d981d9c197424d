//! Bodies of requests and responses.

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of a request that a [fallback](crate::server::ServerBuilder::fallback) answers, or of a response of a
/// [`Server`](crate::Server).
///
/// It is made of any [`http_body::Body`], or of a text or bytes.
///
/// ```
/// use wswrapper::server::Body;
///
/// let response = http::Response::new(Body::from("<p>hello"));
/// ```
pub struct Body(UnsyncBoxBody<Bytes, BodyError>);

pub(super) type BodyError = Box<dyn Error + Send + Sync>;

impl Body {
    /// Creates a body from a body of another type.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
    {
        Self(body.map_err(Into::into).boxed_unsync())
    }

    /// Creates a body without content.
    pub fn empty() -> Self {
        Self(Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync())
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

/// Creates a body of these contents.
macro_rules! from_contents {
    ($($contents:ty),*) => {
        $(impl From<$contents> for Body {
            fn from(contents: $contents) -> Self {
                Self::new(Full::from(contents))
            }
        })*
    };
}

from_contents!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}
