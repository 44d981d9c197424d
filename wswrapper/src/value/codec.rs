//! What is encoded as JSON and decoded from it.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a handler's argument can be: whatever serde decodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler argument",
    label = "not decodable from a JSON argument",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`",
    note = "a stream of the caller's is taken as `Upload<T>`, under no other name"
)]
pub trait Argument: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Argument for T {}

/// What a handler can answer with from another task, or once it has read an upload: no channel.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`",
    note = "a handler that runs in another task or takes an upload cannot answer with a channel or a scoped service"
)]
pub trait JsonResponse: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> JsonResponse for T {}

/// What a stream's item can be: whatever serde encodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a stream's item",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`"
)]
pub trait StreamItem: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> StreamItem for T {}

/// What an upload's item can be at the handler's end: whatever serde decodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an upload's item",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait UploadItem: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> UploadItem for T {}

/// What a proxy can send as an argument: whatever serde encodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as JSON",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`"
)]
pub trait Encode: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Encode for T {}

/// What a proxy can take from an answer: whatever serde decodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait Decode: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Decode for T {}
