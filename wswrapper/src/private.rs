//! The items that expansions of the macros use. Not part of the public API.

pub use crate::__returns_result as returns_result;
pub use crate::call::{
    Call, FromResponse, Given, IntoTarget, Proxy, ProxyCall, RequestTarget, SendTo, Source, Target, Text, UploadCall,
    Wish,
};
pub use crate::engine::{Answering, Answers, BadCall, ConnectionHandle, Mounted, Response, Started};
pub use crate::handle::Peer;
pub use crate::proto::Rejection;
pub use crate::service::{
    Context, ContextArgument, Contract, Fallible, Infallible, IntoStream, Invocation, Methods, OnFull, Producer, Serve,
    check_channel,
};
pub use crate::stream::Streaming;
pub use crate::value::{
    Argument, Base64, Base64Slice, Decode, Encode, ErrorField, ErrorReader, ErrorWriter, FieldType, IntoResult,
    JsonResponse, NotResult, Probe, ResultType, StreamItem, UploadItem, WsError, error, field_type, internal, reply,
};
pub use futures_core::Stream;
pub use std::clone::Clone;
pub use std::convert::Infallible as NoError;
pub use std::fmt::{self, Debug};
pub use std::future::Future;
pub use std::marker::{Send, Sized, Sync};
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};
pub use std::string::{String, ToString};
pub use std::sync::Arc;
pub use std::vec::Vec;
