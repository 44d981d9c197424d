//! Proxies that the environment names. A process cannot change its environment safely, so others connect.

use super::{ESTABLISHED, TestProxy, serve};
use std::error::Error;
use wswrapper::Client;

const URLS: &str = "WSWRAPPER_TESTS_PROXIED_URLS";
const RESULT: &str = "connected: ";

/// Connects to URLs in a process with these variables. Returns true for each URL if that succeeds.
async fn connect(urls: &[&str], variables: &[(&str, &str)]) -> Vec<bool> {
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("a running program has a path"));
    child.args(["--exact", "proxies::environment::connects_to_the_urls", "--ignored", "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"] {
        child.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    child.env(URLS, urls.join(" ")).envs(variables.iter().copied());
    let output = child.output().await.expect("the test program runs");
    let output = String::from_utf8(output.stdout).expect("text");
    let results: Vec<_> =
        output.lines().filter_map(|line| line.split_once(RESULT)).map(|(_, ok)| ok == "true").collect();
    assert_eq!(results.len(), urls.len(), "{output}");
    results
}

#[tokio::test]
#[ignore = "run by the other tests of this module"]
async fn connects_to_the_urls() {
    let Ok(urls) = std::env::var(URLS) else {
        eprintln!("SKIPPED: another test runs it");
        return;
    };
    for url in urls.split(' ') {
        println!("{RESULT}{}", Client::builder().proxy_from_env().connect(url).await.is_ok());
    }
}

#[tokio::test]
async fn the_environment_names_a_proxy_for_each_scheme() -> Result<(), Box<dyn Error>> {
    let proxy = TestProxy::start(ESTABLISHED, serve().await).await;
    let url = format!("http://{}", proxy.address);
    for (variables, expected) in [
        (vec![("HTTP_PROXY", url.as_str())], true),
        (vec![("http_proxy", url.as_str())], true),
        (vec![("ALL_PROXY", url.as_str())], true),
        (vec![("all_proxy", url.as_str())], true),
        (vec![], false),
        (vec![("HTTPS_PROXY", url.as_str())], false),
        (vec![("HTTP_PROXY", url.as_str()), ("REQUEST_METHOD", "GET")], false),
    ] {
        assert_eq!(connect(&["ws://desk.invalid"], &variables).await, [expected], "{variables:?}");
    }
    let before = proxy.requests().len();
    // What the proxy connects to speaks no TLS, but it was asked.
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        assert_eq!(connect(&["wss://desk.invalid"], &[(variable, &url)]).await, [false]);
    }
    let asked = &proxy.requests()[before..];
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.starts_with("CONNECT desk.invalid:443 ")), "{asked:?}");
    Ok(())
}

#[tokio::test]
async fn no_proxy_lists_hosts_that_are_reached_directly() -> Result<(), Box<dyn Error>> {
    let server = serve().await;
    let proxy = TestProxy::start(ESTABLISHED, server).await;
    let (url, direct) = (format!("http://{}", proxy.address), format!("ws://{server}"));
    // The names cannot be reached without the proxy.
    let urls = ["ws://desk.invalid", "ws://a.desk.invalid", "ws://other.invalid", &direct];
    for variable in ["NO_PROXY", "no_proxy"] {
        let listed = [("ALL_PROXY", url.as_str()), (variable, "10.0.0.0/8, .desk.invalid,127.0.0.1")];
        assert_eq!(connect(&urls, &listed).await, [false, false, true, true]);
    }
    assert_eq!(proxy.requests().len(), 2, "each time for one name");
    let all = [("ALL_PROXY", url.as_str()), ("NO_PROXY", "*")];
    assert_eq!(connect(&urls, &all).await, [false, false, false, true]);
    Ok(())
}
