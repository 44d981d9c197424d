//! Services that live on an anonymous channel of their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use wswrapper::{Context, ws_handlers, ws_service};

/// What the request `calculator` opens.
#[ws_service]
pub(crate) trait Calculator {
    async fn add(&self, a: i64, b: i64) -> Result<i64, &'static str>;
    async fn mul(&self, a: i64, b: i64) -> Result<i64, &'static str>;
    /// Closes the channel.
    #[ws(event)]
    async fn done(&self, ctx: Context);
}

pub(crate) struct CalculatorService;

#[ws_handlers]
impl Calculator for CalculatorService {
    async fn add(&self, a: i64, b: i64) -> Result<i64, &'static str> {
        a.checked_add(b).ok_or(crate::session::OVERFLOW)
    }

    async fn mul(&self, a: i64, b: i64) -> Result<i64, &'static str> {
        a.checked_mul(b).ok_or(crate::session::OVERFLOW)
    }

    async fn done(&self, ctx: Context) {
        if let Some(channel) = ctx.called_on() {
            channel.close();
        }
    }
}

/// What the request `upload` opens.
#[ws_service]
pub(crate) trait ChunkedUpload {
    #[ws(event)]
    async fn chunk(&self, text: String);
    /// The sum of the chunks' lengths, in characters.
    async fn total(&self) -> usize;
}

#[derive(Default)]
pub(crate) struct ReceivedChunks {
    characters: AtomicUsize,
}

#[ws_handlers]
impl ChunkedUpload for ReceivedChunks {
    async fn chunk(&self, text: String) {
        self.characters.fetch_add(text.chars().count(), Ordering::Relaxed);
    }

    async fn total(&self) -> usize {
        self.characters.load(Ordering::Relaxed)
    }
}
