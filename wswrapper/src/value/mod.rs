//! Values that travel: arguments, results, errors and bytes.

mod bytes;
mod error_data;
mod outcome;

pub use bytes::{Base64, Bytes};
pub use error_data::{ErrorReader, ErrorWriter, error, internal};
pub use outcome::{
    Argument, Decode, Encode, IntoResult, JsonResponse, Plain, Probe, StreamItem, UploadItem, WsError, reply,
};
