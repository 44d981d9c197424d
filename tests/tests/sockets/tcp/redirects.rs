//! Redirects of a client to another URL.

use super::{TestServiceProxy, listen, serve};
use std::error::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wswrapper::{Client, Server, error::ConnectError};

/// Starts a server that redirects one request after the other to these places, and returns the heads of the requests.
async fn redirect(status: &'static str, locations: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for location in locations {
            let (mut stream, _) = listener.accept().await.expect("a client connects");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut head).await.expect("the client writes") > 0, "a whole request");
            }
            requests.push(String::from_utf8(head).expect("HTTP is text"));
            let response = format!("HTTP/1.1 {status} There\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(response.as_bytes()).await.expect("the client reads");
        }
        requests
    });
    (format!("ws://{address}"), serving)
}

#[tokio::test]
async fn redirects_are_followed_when_asked() -> Result<(), Box<dyn Error>> {
    for status in ["301", "302", "303", "307", "308"] {
        let running = serve(Server::builder().path("/ws")).await;
        let (url, serving) =
            redirect(status, vec!["next?a".to_owned(), format!("http://{}/ws", running.address)]).await;
        let client = Client::builder().redirects(2).connect(&format!("{url}/old/first")).await?;
        assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
        assert_eq!(client.handshake().path(), "/ws");
        let requests = serving.await?;
        assert!(requests[0].starts_with("GET /old/first HTTP/1.1\r\n"), "{requests:?}");
        assert!(requests[1].starts_with("GET /old/next?a HTTP/1.1\r\n"), "{requests:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_a_refusal_by_default() -> Result<(), Box<dyn Error>> {
    let (url, _serving) = redirect("302", vec!["/next".to_owned()]).await;
    let refused = Client::connect(&url).await.expect_err("it redirects");
    assert_eq!(
        refused.to_string(),
        format!(
            "the server at {} refused the handshake: status 302 Found; with `.redirects(..)` on its builder the client \
             would follow the header `Location`",
            &url["ws://".len()..]
        )
    );
    let ConnectError::Refused { headers, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(headers["location"], "/next");
    // Another status with a location is no redirect.
    let (url, _serving) = redirect("300", vec!["/next".to_owned()]).await;
    let refused = Client::builder().redirects(1).connect(&url).await;
    assert!(matches!(refused, Err(ConnectError::Refused { status, .. }) if status == 300), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn redirects_are_bounded() {
    let (url, serving) = redirect("302", vec!["/again".to_owned(); 3]).await;
    let error = Client::builder().redirects(2).connect(&url).await.expect_err("it redirects for ever");
    assert!(matches!(error, ConnectError::Protocol { .. }), "{error:?}");
    assert!(error.to_string().ends_with("it is one redirect more than 2, the builder's `redirects`"), "{error}");
    assert_eq!(serving.await.expect("it ends").len(), 3);
}

#[tokio::test]
async fn private_headers_stay_with_their_host() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let (url, serving) = redirect("307", vec!["/next".to_owned(), running.url()]).await;
    let builder = Client::builder()
        .header("Authorization", "Bearer abc")
        .header("Cookie", "a=1")
        .header("Proxy-Authorization", "Basic abc")
        .header("X-Number", "one")
        .host("desk.example");
    let client = builder.redirects(2).connect(&url).await?;
    let service = TestServiceProxy::new(&client);
    for private in ["authorization", "cookie", "proxy-authorization"] {
        assert_eq!(service.header(private).await?, [""; 0], "{private}");
    }
    assert_eq!(service.header("x-number").await?, ["one"]);
    assert_eq!(service.header("host").await?, [running.address.to_string()]);
    for request in serving.await? {
        let request = request.to_ascii_lowercase();
        for header in
            ["authorization: bearer abc\r\n", "cookie: a=1\r\n", "x-number: one\r\n", "host: desk.example\r\n"]
        {
            assert!(request.contains(header), "{header} {request}");
        }
    }
    Ok(())
}
