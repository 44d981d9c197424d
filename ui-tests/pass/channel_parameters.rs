//! Channels with parameters of any type, without a prelude and with names that expansions use.
#![deny(warnings, clippy::pedantic)]

use std::fmt;
use std::str::FromStr;
use wswrapper::{Client, Context, Server, Stream, Upload, ws_handlers, ws_service};

mod id {
    use super::{FromStr, fmt};

    #[derive(Clone, Copy)]
    pub struct Id(pub u64);

    impl fmt::Display for Id {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }

    impl FromStr for Id {
        type Err = std::num::ParseIntError;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            text.parse().map(Self)
        }
    }
}

/// A type with the name of the proxy's parameter.
type T = u8;

#[ws_service(channel = "{to}/{call}/{type}/x/{name}")]
pub trait Parts {
    /// Takes all.
    async fn all(&self, name: &str, to: id::Id, r#type: String, call: T, more: u64) -> String;
    async fn some(&self, context: Context, call: T) -> impl Stream<Item = u8> + Send;
    async fn upload(&self, items: Upload<u8>, to: id::Id) -> u64;
    #[ws(event)]
    fn none(&self);
}

struct Desk;

#[ws_handlers]
impl Parts for Desk {
    async fn all(&self, name: &str, to: id::Id, r#type: String, call: T, more: u64) -> String {
        format!("{name}{to}{type}{call}{more}")
    }
    async fn some(&self, _context: Context, call: T) -> impl Stream<Item = u8> + Send {
        futures_util::stream::iter([call])
    }
    async fn upload(&self, mut items: Upload<u8>, to: id::Id) -> u64 {
        while items.next().await.is_some() {}
        to.0
    }
    fn none(&self) {}
}

struct Alone;

#[ws_handlers(channel = "alone/{id}")]
impl Alone {
    pub async fn id(&self, id: id::Id) -> u64 {
        id.0
    }
}

#[ws_service(channel = "elsewhere/{id}", client)]
pub trait Elsewhere {
    async fn id(&self, id: id::Id) -> u64;
}

async fn calls(client: Client, name: &str) -> Option<()> {
    let parts = PartsProxy::new(&client, id::Id(7), 8, "type", name);
    parts.all(9).await.ok()?;
    let _ = parts.some().await.ok()?;
    parts.upload(futures_util::stream::iter([1])).await.ok()?;
    parts.none().await.ok()?;
    AloneProxy::new(&client, id::Id(7)).id().await.ok()?;
    ElsewhereProxy::new(client.peer(), id::Id(7)).id().await.ok()?;
    Some(())
}

fn main() {
    let _ = calls;
    let server = Server::builder().service(Desk).service(Alone);
    assert!(server.build().is_ok());
}
