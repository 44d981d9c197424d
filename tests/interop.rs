//! Against the JavaScript libraries themselves: `ws-wrapper` as a client of ours, `ws-server-wrapper` as a server for us.

#![allow(clippy::unused_async, reason = "handlers are async, those too that never wait")]

#[path = "interop/javascript_client.rs"]
mod javascript_client;
#[path = "interop/javascript_server.rs"]
mod javascript_server;
