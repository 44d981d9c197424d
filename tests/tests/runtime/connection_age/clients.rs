//! Clients that connect again when their connections reach their age.

use super::aging;
use std::error::Error;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::Reconnect;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{Stream, ws_handlers, ws_service};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Alive, SECOND};

#[ws_service]
trait Calc {
    #[ws(idempotent)]
    async fn double(&self, n: u64) -> u64;
    async fn ticks(&self) -> impl Stream<Item = u64> + Send;
}

#[derive(Clone)]
struct Desk {
    history: History<u64>,
    running: Alive,
}

#[ws_handlers]
impl Calc for Desk {
    async fn double(&self, n: u64) -> u64 {
        let _guard = self.running.guard();
        // Up to a third of a second.
        sleep(Duration::from_millis(n * 37 % 334)).await;
        2 * n
    }

    async fn ticks(&self) -> impl Stream<Item = u64> + Send {
        self.history.stream()
    }
}

#[tokio::test(start_paused = true)]
async fn idempotent_calls_never_fail_and_a_stream_goes_on_over_many_connections() -> Result<(), Box<dyn Error>> {
    const CONNECTIONS: u64 = 30;
    let desk = Desk { history: History::new(), running: Alive::default() };
    let network = Network::serving(aging(20 * SECOND).service(desk.clone()));
    let client = network.client(Reconnect::default()).await?;
    let mut ticks = CalcProxy::new(&client).ticks().resumable().await?;
    let history = desk.history.clone();
    let ticking = tokio::spawn(async move {
        for n in 0.. {
            history.push(n);
            sleep(Duration::from_millis(700)).await;
        }
    });
    let reading = tokio::spawn(async move {
        let (mut items, mut seams) = (Vec::new(), 0);
        while seams < CONNECTIONS {
            match ticks.next().await {
                Some(Ok(StreamEvent::Item(item))) => items.push(item),
                Some(Ok(StreamEvent::Seam(Seam::Resumed))) => seams += 1,
                other => panic!("the stream does not go on: {other:?}"),
            }
        }
        items
    });
    // Several calls run at any time, so that the drains find them in all states.
    let callers = (0..5).map(|caller| {
        let calc = CalcProxy::new(&client);
        tokio::spawn(async move {
            for n in 0_u64.. {
                let n = 7 * n + caller;
                // Without `queue`, a call that begins between two connections would fail.
                match calc.double(n).queue(60 * SECOND).await {
                    Ok(double) => assert_eq!(double, 2 * n),
                    Err(error) => panic!("call {n} failed: {error}"),
                }
                sleep(Duration::from_millis(n * 53 % 211)).await;
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let items = reading.await?;
    opened(&client, CONNECTIONS).await;
    assert!(items.len() > 500 && items.is_sorted() && items.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    for caller in &callers {
        assert!(!caller.is_finished(), "a call has failed");
        caller.abort();
    }
    ticking.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_that_the_drain_cuts_off_is_sent_again() -> Result<(), Box<dyn Error>> {
    let server = aging(20 * SECOND).build()?;
    let calls = AtomicU32::new(0);
    server.on("slow", move || {
        let earlier = calls.fetch_add(1, Ordering::Relaxed);
        async move {
            if earlier == 0 {
                pending::<()>().await;
            }
            earlier
        }
    })?;
    let client = Network::with(server).client(Reconnect::default()).await?;
    let began = Instant::now();
    assert_eq!(client.request::<u32>("slow", ()).idempotent().await?, 1);
    assert!((48..=55).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(client.peer().epoch(), 2);
    Ok(())
}
