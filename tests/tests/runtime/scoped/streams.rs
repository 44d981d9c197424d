//! Streams and uploads of scoped services.

use super::{OfficeProxy, office_server};
use futures_util::stream;
use std::error::Error;
use wswrapper::CallError;
use wswrapper_tests::{nothing_is_left, pair};

#[tokio::test]
async fn a_scoped_service_serves_streams_and_uploads() -> Result<(), Box<dyn Error>> {
    let (observed, server) = office_server();
    let pair = pair(server);
    let register = OfficeProxy::new(&pair.client).register(10).await?;
    let mut numbers = register.count().await?.window(1);
    for expected in 10..20 {
        assert_eq!(numbers.next().await.transpose()?, Some(expected));
    }
    drop(numbers);
    observed.handlers.becomes(0).await;
    assert!(register.sum(stream::iter([1, 2, 3])).await? >= 26);
    drop(register);
    observed.services.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn streams_and_uploads_of_a_scoped_service_fail_when_it_is_dropped() -> Result<(), Box<dyn Error>> {
    let (observed, server) = office_server();
    let pair = pair(server);
    let register = OfficeProxy::new(&pair.client).register(10).await?;
    let mut numbers = register.count().await?;
    let upload = tokio::spawn(register.sum(stream::pending()));
    assert_eq!(numbers.next().await.transpose()?, Some(10));
    observed.handlers.becomes(2).await;
    drop(register);
    let error = upload.await?;
    assert!(matches!(error, Err(CallError::ChannelClosed(_))), "{error:?}");
    observed.handlers.becomes(0).await;
    observed.services.becomes(0).await;
    // Items that have arrived are still returned.
    let error = loop {
        match numbers.next().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(error, Some(Err(CallError::Rejected(_)))), "{error:?}");
    nothing_is_left(&pair).await;
    Ok(())
}
