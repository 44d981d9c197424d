//! Programs of others, and programs of the workspace run from outside.

mod browser;
mod examples;
mod interop;
mod surface;
