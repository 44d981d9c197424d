//! Against the JavaScript libraries themselves: `ws-wrapper` as a client of ours, `ws-server-wrapper` as a server for us.

#[path = "interop/javascript_client.rs"]
mod javascript_client;
#[path = "interop/javascript_server.rs"]
mod javascript_server;
#[path = "interop/node.rs"]
mod node;
mod support;
