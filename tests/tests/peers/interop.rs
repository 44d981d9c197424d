//! Against the JavaScript libraries themselves: `ws-wrapper` as a client of ours, `ws-server-wrapper` as a server for us.

#![allow(clippy::unused_async, reason = "handlers are async, those too that never wait")]

mod javascript_client;
mod javascript_server;
