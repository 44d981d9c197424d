//! A pair that has nothing left to do.

use crate::{Pair, until};
use wswrapper::Counters;

/// Nothing is under way any more at either end.
pub async fn nothing_is_left(pair: &Pair) {
    for peer in [&pair.peer, pair.client.peer()] {
        until(|| peer.counters() == Counters::default()).await;
    }
}
