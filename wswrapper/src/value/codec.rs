//! Types that are encoded as JSON or decoded from it.
//!
//! Each trait stands for a serde trait in one place, so that a compile error speaks of that place. If only a type inside
//! the type is missing, as `Row` in `Page<Row>`, rustc reports that one, in the words of serde.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type that can be an argument of a handler: any type that serde can deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler argument",
    label = "not decodable from a JSON argument",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`",
    note = "to take a stream from the caller, write `Upload<T>`: the type is recognised by that name",
    note = "a `Context` under another name must be marked: `#[ws(context)] ctx: Ctx`"
)]
pub trait Argument: DeserializeOwned {}

impl<T: DeserializeOwned> Argument for T {}

/// A type that a handler can answer with if it runs in another task or takes an upload: any type that serde can
/// serialize, but no channel.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`",
    note = "a handler that runs in another task or takes an upload cannot answer with a channel or a scoped service"
)]
pub trait JsonResponse: Serialize {}

impl<T: Serialize> JsonResponse for T {}

/// A type that can be an item of a stream: any type that serde can serialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a stream's item",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`"
)]
pub trait StreamItem: Serialize {}

impl<T: Serialize> StreamItem for T {}

/// A type that can be an item of an upload, in the handler: any type that serde can deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an upload's item",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait UploadItem: DeserializeOwned {}

impl<T: DeserializeOwned> UploadItem for T {}

/// A type that can be a field of an error: any type that serde can serialize and deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of an error that is sent",
    label = "not encodable as JSON, or not decodable from it",
    note = "for a type of your own, add `#[derive(serde::Serialize, serde::Deserialize)]`",
    note = "to hide the error from the caller, write `#[ws(internal)]` above the variant or the struct"
)]
pub trait ErrorField: Serialize + DeserializeOwned {}

// Two bounds would be two errors.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> ErrorField for T {}

/// A type that a proxy can send as an argument: any type that serde can serialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as JSON",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`"
)]
pub trait Encode: Serialize {}

impl<T: Serialize + ?Sized> Encode for T {}

/// A type that a proxy can take from an answer: any type that serde can deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait Decode: DeserializeOwned {}

impl<T: DeserializeOwned> Decode for T {}
