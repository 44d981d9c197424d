//! Interoperability with the JavaScript libraries: `ws-wrapper` as a client, `ws-server-wrapper` as a server.

#![allow(clippy::unused_async, reason = "all handlers are async, also those that never wait")]

mod javascript_client;
mod javascript_server;
