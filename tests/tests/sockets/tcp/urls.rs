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
        ("", "it must begin with ws:// or wss://"),
        (" ws://localhost", "it must begin with ws:// or wss://"),
        ("ws:localhost", "two slashes are missing after its scheme, as in ws://localhost"),
        ("ws:/localhost", "two slashes are missing after its scheme, as in ws://localhost"),
        ("ws:///path", "it has no host"),
        ("ws://?query", "it has no host"),
        ("ws://localhost:-1", "its port is not a number up to 65535"),
        ("ws://local host/", "its host contains a character that no name has"),
        ("ws://local%68ost/", "its host contains a character that no name has"),
        ("ws://localhost/path\n", "it contains a line break or another control character"),
        ("ws://localhost/\0", "it contains a line break or another control character"),
        ("ws://::1:8080/", "its IPv6 address needs brackets, as in ws://[::1]:8080"),
        ("ws://fe80::1%eth0", "its IPv6 address needs brackets, as in ws://[::1]:8080"),
        ("ws://[::1", "the bracket of its IPv6 address is not closed"),
        ("ws://[::1]8080", "a colon and a port are expected after its IPv6 address"),
        ("ws://[localhost]", "an IPv6 address is expected in its brackets"),
        ("ws://[127.0.0.1]", "an IPv6 address is expected in its brackets"),
        ("ws://[fe80::1%25]", "the zone of its IPv6 address is not a name, as in ws://[fe80::1%25eth0]"),
        ("ws://[fe80::1%a/b]", "the bracket of its IPv6 address is not closed"),
        ("ws://[fe80::1%a b]", "the zone of its IPv6 address is not a name, as in ws://[fe80::1%25eth0]"),
        (
            "ws://localhost/a#b",
            "it has a fragment, which no server receives; write %23 if the `#` belongs to the path or the query",
        ),
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
async fn spaces_and_letters_beyond_ascii_reach_the_server_encoded() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&format!("{}/Ä b/%20?q=ж", running.url())).await?;
    let (uri, _, _) = TestServiceProxy::new(&client).handshake().await?;
    assert_eq!(uri, "/%C3%84%20b/%20?q=%D0%B6");
    Ok(())
}

#[tokio::test]
async fn the_zone_of_an_ipv6_address_is_looked_up() {
    // No interface has this name.
    let error = Client::connect("ws://[fe80::1%25wswrapper]:1").await.expect_err("there is no such zone");
    assert_eq!(error.to_string(), "cannot look up the host of [fe80::1%wswrapper]:1; is its name right?");
    assert!(matches!(error, ConnectError::Dns { .. }), "{error:?}");
}

#[tokio::test]
async fn a_name_without_an_address_is_named() {
    let error = Client::connect("ws://nowhere.invalid").await.expect_err("the name does not exist");
    assert_eq!(error.to_string(), "cannot look up the host of nowhere.invalid:80; is its name right?");
    assert!(error.source().is_some());
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
