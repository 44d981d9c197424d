//! The wire format. Only this folder knows the keys `a c d e h i m x _`.

mod decode;
pub mod encode;
mod envelope;
mod json;
mod null;
pub(crate) mod stream;
