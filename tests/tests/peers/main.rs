//! Tests with other implementations, and with programs of the workspace as processes.

mod browser;
mod examples;
mod interop;
mod surface;
mod surface_sizes;
