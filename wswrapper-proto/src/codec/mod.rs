//! Frames to messages and back. Nothing outside this folder knows the letters `a c d e h i m x _` of the wire.

mod decode;
pub mod encode;
mod envelope;
mod null;
pub(crate) mod stream;
