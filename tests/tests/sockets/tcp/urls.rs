//! URLs of servers.

use super::{TestService, TestServiceProxy, serve};
use std::error::Error;
use wswrapper::{Client, Server, error::ConnectError};

#[tokio::test]
async fn an_invalid_url_is_rejected_with_a_reason() {
    for (url, reason) in [
        ("http://localhost:1", "it begins with http; write ws:// instead"),
        ("https://localhost:1", "it begins with https; write wss:// instead"),
        ("localhost:1", "it must begin with ws:// or wss://"),
        ("ftp://localhost", "it must begin with ws:// or wss://"),
        ("ws://localhost:99999", "its port is not a number up to 65535"),
        ("ws://localhost:eighty/", "its port is not a number up to 65535"),
        ("ws://:80/", "it has no host"),
        ("ws://", "it has no host"),
        ("not a url", "it must begin with ws:// or wss://"),
    ] {
        let error = Client::connect(url).await.expect_err(url);
        assert_eq!(error.to_string(), format!("`{url}` is not a WebSocket URL: {reason}"));
    }
}

#[tokio::test]
async fn a_url_with_a_user_is_rejected_and_its_password_is_not_shown() {
    let help = "it names a user; write `.header(\"Authorization\", ..)` on the client's builder instead";
    for (url, shown, reason) in [
        ("ws://ada@localhost/", "ws://***@localhost/", help),
        ("ws://ada:secret@localhost:1/path", "ws://***@localhost:1/path", help),
        ("wss://ada:secret@[::1]/", "wss://***@[::1]/", help),
        ("ws://ada:se cret@localhost", "ws://***@localhost", help),
        ("ws://ada:se/cret@localhost", "ws://***@localhost", "its port is not a number up to 65535"),
    ] {
        let error = Client::connect(url).await.expect_err(url);
        assert_eq!(error.to_string(), format!("`{shown}` is not a WebSocket URL: {reason}"));
        assert!(!format!("{error:?}").contains("cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_url_may_have_a_query_without_a_path_and_a_scheme_in_any_case() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&format!("WS://{}?query=1", running.address)).await?;
    assert_eq!(TestServiceProxy::new(&client).handshake().await?.0, "/?query=1");
    Ok(())
}

#[tokio::test]
async fn the_default_port_of_ws_is_80() {
    // No server can listen on a multicast address.
    for (url, expected) in [("ws://224.0.0.1/path", "224.0.0.1:80"), ("ws://[ff02::1]:", "[ff02::1]:80")] {
        match Client::connect(url).await.expect_err(url) {
            ConnectError::Connect { address, .. } => assert_eq!(address, expected),
            error => panic!("expected an attempt to connect to {expected}, got {error}"),
        }
    }
}

#[tokio::test]
async fn a_url_may_have_an_ipv6_host() -> Result<(), Box<dyn Error>> {
    let listener = match Server::builder().service(TestService).bind("[::1]:0").await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("SKIPPED: this machine has no IPv6: {error}");
            return Ok(());
        }
    };
    let port = listener.local_addr().port();
    tokio::spawn(listener.serve());
    let client = Client::connect(&format!("ws://[::1]:{port}")).await?;
    assert_eq!(
        TestServiceProxy::new(&client).handshake().await?,
        ("/".to_owned(), Some(format!("[::1]:{port}")), true)
    );
    Ok(())
}

#[tokio::test]
async fn the_address_of_a_failed_bind_is_shown_without_debug_format() {
    let by_pair = Server::builder().bind(("nowhere.invalid", 80)).await;
    let by_text = Server::builder().bind("nowhere.invalid:80").await;
    for failed in [by_pair, by_text] {
        let error = failed.expect_err("the name does not exist").to_string();
        assert!(error.starts_with("cannot listen on nowhere.invalid:80: "), "{error}");
    }
}
