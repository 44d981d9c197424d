//! The times at which a client connects again.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::error::ConnectError;
use wswrapper::{Client, Server};
use wswrapper_tests::connectors;
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{SECOND, let_others_run, until};

/// Returns the times between the attempts of a client whose server stays away.
async fn waits(policy: Reconnect, count: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let _client = network.client(policy).await?;
    network.lose_server();
    let lost = network.attempts()[0];
    while network.attempts().len() <= count {
        sleep(SECOND).await;
    }
    let times: Vec<_> = std::iter::once(lost).chain(network.attempts().into_iter().skip(1)).collect();
    Ok(times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).take(count).collect())
}

#[tokio::test(start_paused = true)]
async fn each_wait_is_in_its_range() -> Result<(), Box<dyn Error>> {
    for seed in 0..50 {
        let mut bound = Duration::from_millis(500);
        for wait in waits(Reconnect::default().seed(seed), 12).await? {
            // The runtime's clock has milliseconds.
            assert!(wait <= bound + Duration::from_millis(1), "{wait:?} of {bound:?}");
            bound = (2 * bound).min(30 * SECOND);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_waits_of_a_seed_are_fixed() -> Result<(), Box<dyn Error>> {
    let first = waits(Reconnect::default().seed(42), 10).await?;
    assert_eq!(first, waits(Reconnect::default().seed(42), 10).await?);
    let millis: Vec<_> = first.iter().map(Duration::as_millis).collect();
    assert_eq!(millis, SEED_42);
    Ok(())
}

const SEED_42: [u128; 10] = [396, 494, 1609, 160, 4337, 7294, 26866, 11654, 21619, 7538];

#[tokio::test(start_paused = true)]
async fn the_waits_begin_again_after_a_connection_that_was_open_for_half_a_minute() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let policy = Reconnect::default().base_delay(SECOND).max_delay(1024 * SECOND).seed(3);
    let client = network.client(policy).await?;
    let attempt = |state: &ClientState| match state {
        ClientState::Connecting { attempt } => Some(*attempt),
        _ => None,
    };
    let mut epoch = 1;
    // Connections that are lost soon count on.
    for _ in 0..8 {
        network.cut();
        epoch += 1;
        opened(&client, epoch).await;
        sleep(29 * SECOND).await;
    }
    network.lose_server();
    client.closed().await;
    let mut state = client.state();
    let ClientState::Waiting { until: next, .. } = state.borrow_and_update().clone() else { panic!("{state:?}") };
    assert!(next > Instant::now().into_std() + 4 * SECOND, "the ninth wait of this seed is long");
    network.set_server(Some(server));
    epoch += 1;
    opened(&client, epoch).await;
    sleep(30 * SECOND).await;
    network.cut();
    client.closed().await;
    until(|| matches!(*client.state().borrow(), ClientState::Waiting { .. })).await;
    let ClientState::Waiting { until: next, error } = client.state().borrow().clone() else { panic!("it waits") };
    assert!(next <= Instant::now().into_std() + SECOND);
    assert!(matches!(error, Disconnected::Lost(_)));
    assert_eq!(attempt(&client.state().borrow()), None);
    Ok(())
}

fn refused(status: StatusCode, retry_after: Option<&'static str>) -> ConnectError {
    let mut headers = HeaderMap::new();
    headers.extend(retry_after.map(|time| (header::RETRY_AFTER, HeaderValue::from_static(time))));
    ConnectError::Refused { address: "desk".to_owned(), status, headers: Box::new(headers), body: Bytes::new() }
}

/// Counts the attempts of a client that is refused after its first connection.
async fn attempts(
    policy: Reconnect,
    time: Duration,
    error: impl Fn() -> ConnectError + Send + Sync + 'static,
) -> Result<(usize, Client), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let connector = network.connector();
    let refusing = move |attempt| {
        let connected = connector(attempt);
        let error = error();
        async move { connected.await.map_err(|_| error) }
    };
    let client = Client::builder().reconnect(policy).connect_with(refusing).await?;
    network.lose_server();
    sleep(time).await;
    Ok((network.attempts().len() - 1, client))
}

#[tokio::test(start_paused = true)]
async fn some_refusals_are_final() -> Result<(), Box<dyn Error>> {
    for status in [401, 403, 404] {
        let status = StatusCode::from_u16(status)?;
        let (attempts, client) = attempts(Reconnect::default(), 600 * SECOND, move || refused(status, None)).await?;
        assert_eq!(attempts, 1, "{status}");
        let state = client.state().borrow().clone();
        let ClientState::Closed { cause: Disconnected::Failed(error) } = state else { panic!("{state:?}") };
        assert!(matches!(&*error, ConnectError::Refused { status: refused, .. } if *refused == status));
    }
    let invalid = || ConnectError::Url { url: "x".to_owned(), reason: "wrong" };
    assert_eq!(attempts(Reconnect::default(), 600 * SECOND, invalid).await?.0, 1);
    for status in [400, 408, 429, 500, 502, 503] {
        let status = StatusCode::from_u16(status)?;
        let (attempts, _client) = attempts(Reconnect::default(), 600 * SECOND, move || refused(status, None)).await?;
        assert!(attempts > 20, "{status}: {attempts}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_the_least_time_between_attempts() -> Result<(), Box<dyn Error>> {
    let unavailable = || refused(StatusCode::SERVICE_UNAVAILABLE, Some("100"));
    let (attempts, _client) = attempts(Reconnect::default(), 1_000 * SECOND, unavailable).await?;
    assert!((8..=10).contains(&attempts), "{attempts}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_up_after_the_attempts_or_the_time_of_its_policy() -> Result<(), Box<dyn Error>> {
    let away = || ConnectError::other("away");
    let (count, client) = attempts(Reconnect::default().max_attempts(7), 3_600 * SECOND, away).await?;
    assert_eq!((count, client.state().borrow().is_closed()), (7, true));
    let (count, client) = attempts(Reconnect::default().max_time(100 * SECOND), 3_600 * SECOND, away).await?;
    assert!(count > 5 && client.state().borrow().is_closed(), "{count}");
    let (count, _client) = attempts(Reconnect::default(), 3_600 * SECOND, away).await?;
    assert!(count > 200, "{count}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_delays_lets_other_tasks_run() -> Result<(), Box<dyn Error>> {
    let policy = Reconnect::default().base_delay(Duration::ZERO).max_delay(Duration::ZERO).first_connect(true);
    let client = Client::builder().reconnect(policy).build()?;
    let connecting = tokio::spawn({
        let client = client.clone();
        async move { client.connect_with(connectors::away).await }
    });
    let_others_run().await;
    assert!(!connecting.is_finished());
    client.stop(Duration::ZERO).await;
    assert_eq!(connecting.await?.expect_err("it is stopped").to_string(), "the client was stopped");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connector_is_told_the_number_of_its_attempt() -> Result<(), Box<dyn Error>> {
    let numbers = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&numbers);
    let connector = move |attempt| {
        seen.lock().expect("no panic").push(attempt);
        connectors::away(attempt)
    };
    let policy = Reconnect::default().first_connect(true).max_attempts(3);
    Client::builder().reconnect(policy).connect_with(connector).await.expect_err("nobody is there");
    assert_eq!(*numbers.lock().expect("no panic"), [1, 2, 3]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_policy_begins_again_with_each_connection() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let policy = Reconnect::default().base_delay(SECOND).max_delay(SECOND).max_time(60 * SECOND);
    let client = network.client(policy).await?;
    for epoch in 2..10 {
        // Too short to reset the waits.
        sleep(25 * SECOND).await;
        network.cut();
        tokio::time::timeout(30 * SECOND, opened(&client, epoch)).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_a_client_that_was_never_connected_fails_once() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().reconnect(Reconnect::default()).build()?;
    assert!(client.connect_with(connectors::away).await.is_err());
    let error = tokio::time::timeout(3_600 * SECOND, client.restart()).await?.expect_err("it is away");
    assert!(matches!(&*error, ConnectError::Other(_)), "{error:?}");
    Ok(())
}

/// Nothing would end a hook that waits for what comes after it.
#[tokio::test(start_paused = true)]
async fn a_hook_that_does_not_return_does_not_end_the_attempts() -> Result<(), Box<dyn Error>> {
    let network = Network::with(Server::builder().build()?);
    let client = Client::builder()
        .reconnect(Reconnect::default())
        .on_close(|peer, _| async move { drop(peer.closed().await) })
        .connect_with(network.connector())
        .await?;
    let began = Instant::now();
    network.cut();
    opened(&client, 2).await;
    assert!((30..32).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    Ok(())
}
