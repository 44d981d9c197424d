//! Streams, and scoped services.

use super::{DeskProxy, ENDS, End, connected};
use std::error::Error;
use tokio::time::timeout;
use wswrapper::stream::{Seam, StreamEvent};
use wswrapper::{CallError, Client};
use wswrapper_tests::{SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn streams_end_after_their_arrived_items_and_scoped_services_are_closed() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, _) = connected(Client::builder()).await?;
        let desk = DeskProxy::new(&client);
        let cart = desk.cart().await?;
        assert_eq!(cart.size().await?, 3);
        let mut numbers = desk.count().await?;
        assert_eq!(numbers.next().await.transpose()?, Some(0));
        let_others_run().await;
        end.of(&client, &network).await?;
        for n in 1..5 {
            assert_eq!(numbers.next().await.transpose()?, Some(n), "{end:?}");
        }
        let last = numbers.next().await;
        assert!(matches!(last, Some(Err(CallError::Closed(_)))), "{last:?}");
        let size = cart.size().await;
        assert!(matches!(size, Err(CallError::NotSent(_) | CallError::ChannelClosed(_))), "{size:?}");
        if end != End::Stop {
            assert_eq!(desk.cart().await?.size().await?, 3);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_resumable_stream_goes_on_until_a_stop() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, books) = connected(Client::builder()).await?;
        let mut numbers = DeskProxy::new(&client).history().resumable().await?;
        assert!(timeout(SECOND, numbers.next()).await.is_err());
        books.history.push(1);
        books.history.push(2);
        assert_eq!(numbers.try_next().await?, Some(StreamEvent::Item(1)));
        let_others_run().await;
        end.of(&client, &network).await?;
        if end != End::Stop {
            books.history.push(3);
        }
        let mut rest = Vec::new();
        let last = loop {
            match timeout(SECOND, numbers.try_next()).await {
                Ok(Ok(Some(event))) => rest.push(event),
                last => break last,
            }
        };
        let items: Vec<_> = rest.iter().filter(|event| matches!(event, StreamEvent::Item(_))).collect();
        if end == End::Stop {
            assert_eq!(items, [&StreamEvent::Item(2)]);
            assert!(matches!(last, Ok(Err(CallError::Closed(_)))), "{last:?}");
        } else {
            assert_eq!(items, [&StreamEvent::Item(2), &StreamEvent::Item(3)], "{end:?}");
            assert!(last.is_err() && rest.contains(&StreamEvent::Seam(Seam::Resumed)), "{rest:?}");
        }
    }
    Ok(())
}
