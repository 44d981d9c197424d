//! Services on anonymous channels.

use std::sync::atomic::{AtomicUsize, Ordering};
use wswrapper::{Context, ws_handlers, ws_service};

/// Opened by the request `calculator`.
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
        if let Some(channel) = ctx.current_channel() {
            channel.close();
        }
    }
}

/// Opened by the request `upload`.
#[ws_service]
pub(crate) trait ChunkedUpload {
    #[ws(event)]
    async fn chunk(&self, text: String);
    /// Returns the total length of the chunks in characters.
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
