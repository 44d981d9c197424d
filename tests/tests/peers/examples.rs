//! Outputs of the examples.

#[cfg(unix)]
mod axum_app;
mod chat;
mod chat_terminal;
mod contract;
mod http;
mod observed;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use wswrapper_tests::example;

/// Far longer than any example takes.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// Runs an example and returns the printed lines. It is killed if it does not exit in time.
async fn printed(name: &str) -> Vec<String> {
    let mut program = Command::new(example::program(name));
    let output = timeout(TIME_LIMIT, program.kill_on_drop(true).output()).await.expect("the example exits in time");
    let output = output.expect("the example can be run");
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the example prints text");
    text.lines().map(ToOwned::to_owned).collect()
}

/// Starts an example that runs until it is dropped. Returns also its printed lines.
fn started(name: &str, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut program = Command::new(example::program(name));
    program.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut program = program.spawn().expect("the example can be run");
    let lines = BufReader::new(program.stdout.take().expect("stdout is piped")).lines();
    (program, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = timeout(TIME_LIMIT, lines.next_line()).await.expect("the example prints in time");
    line.expect("the example prints text").expect("the example is running")
}

/// Returns the address in the line that a server prints first.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> SocketAddr {
    let line = next(lines).await;
    line.split(['/', ' ']).find_map(|word| word.parse().ok()).expect("the line contains the address")
}

/// Does what Ctrl-C does.
#[cfg(unix)]
async fn interrupt(program: &Child) {
    let id = program.id().expect("it runs").to_string();
    let status = Command::new("kill").args(["-INT", &id]).status().await.expect("`kill` can be run");
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn echo_prints_the_expected_line() {
    let lines = printed("echo").await;
    assert!(matches!(&lines[..], [it] if it.starts_with("ws://") && it.ends_with(" answers: hello")), "{lines:?}");
}

#[tokio::test]
async fn calculator_prints_the_expected_lines() {
    let lines = [
        "1 + 2 = 3",
        "1 / 0 is refused",
        "9223372036854775807 + 1 is too large",
        "nobody waits a minute for an answer",
    ];
    assert_eq!(printed("calculator").await, lines);
}

#[tokio::test]
async fn documents_prints_the_expected_lines() {
    let lines = [
        "  the server: Bob is in document 7",
        "Bob reads 0 lines",
        "  the server: Ada is in document 7",
        "Bob sees in document 7: Buy tea",
        "Bob sees Ada at line 1 of document 7",
        "Bob reads [\"Buy tea\"]",
        "Bob cannot read document 13: document 13 is closed",
        "  the server: Bob has left doc/7",
        "  the server: Ada has left doc/7",
        "  the server: document 7 is saved",
        "the server has stopped: 0 background tasks were cut off",
    ];
    assert_eq!(printed("documents").await, lines);
}

#[tokio::test]
async fn both_ways_prints_the_expected_lines() {
    let mut lines = printed("both_ways").await;
    // Bob may receive the event at any time, or not before the example exits.
    lines.retain(|line| line != "Bob hears that one lamp was sold");
    let expected = [
        "Bob is asked: one table, really? no",
        "Bob gets: no table, then",
        "Ada is asked: one lamp, really? yes",
        "Ada hears that one lamp was sold",
        "Ada gets: one lamp, and 2 customers know",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn ticker_prints_the_expected_lines() {
    let lines = printed("ticker").await;
    assert_eq!(lines[..2], ["10000 days of tea: 402 on average", "no history: coal is not sold here"]);
    // The number of omitted prices depends on time, but each omitted price is counted.
    for (line, so_far) in lines[2..5].iter().zip(0..) {
        let numbers: Vec<u32> = line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
        let [price, left_out] = numbers[..] else { panic!("{line}") };
        assert_eq!(*line, format!("tea at {price}, and {left_out} prices were left out so far"));
        assert_eq!(price, 400 + so_far + left_out);
    }
    assert_eq!(lines[5..], ["the server: nobody looks at the price of tea any more", "and now it is 400 again"]);
}

#[tokio::test]
async fn resilient_prints_each_seam_and_counts_what_is_missing() {
    let lines = printed("resilient").await;
    let with = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!((with("the server is killed"), with("the server is started")), (3, 3), "{lines:?}");
    // A state that was short may be missed.
    assert!(with("next attempt in") >= 3 && with("  attempt ") >= 3, "{lines:?}");
    for connection in 2..=4 {
        assert_eq!(with(&format!("  connection {connection} is open")), 1, "{lines:?}");
    }
    let seams: Vec<_> =
        lines.iter().filter_map(|line| line.strip_prefix("the numbers ")?.split_once(", and then: ")).collect();
    let [(first, "Resumed"), (second, gap), (third, "Fresh")] = seams[..] else { panic!("{lines:?}") };
    let lost = gap.strip_prefix("Gap { lost: Some(").and_then(|rest| rest.strip_suffix(") }"));
    let lost: u64 = lost.and_then(|lost| lost.parse().ok()).expect("a number of lost items");
    let ends = |numbers: &str| -> Vec<u64> { numbers.split(" to ").map(|n| n.parse().expect("a number")).collect() };
    assert_eq!(ends(second)[0], ends(first)[1] + 1, "{lines:?}");
    assert_eq!(ends(third)[0], ends(second)[1] + 1 + lost, "{lines:?}");
    assert!(lost > 0, "{lines:?}");
    assert_eq!(
        lines[lines.len() - 2..],
        ["the numbers [1, 2, 3, 4, 5]", "  the client is closed: the client was stopped"]
    );
}

#[tokio::test]
async fn guarded_prints_what_each_user_may_do() {
    let lines = printed("guarded").await;
    let of_clients: Vec<_> = lines.iter().filter(|line| !line.starts_with("  the server: ")).collect();
    for (lines, name) in of_clients.chunks(9).zip(["Bob", "Ada"]) {
        let delete = if name == "Ada" { "\"page 1 is gone\"" } else { "rejected, Bob is no administrator" };
        let expected = [
            "read before the login: rejected, log in first".to_owned(),
            "login with a wrong password: rejected, the password is wrong".to_owned(),
            format!("login as {name}: ()"),
            "read: \"page 1\"".to_owned(),
            format!("delete: {delete}"),
            "an unknown call: \"there is no `shred` here\"".to_owned(),
            "read: \"page 2\"".to_owned(),
            "read: \"page 3\"".to_owned(),
            "read: rejected, too many calls in a short time".to_owned(),
        ];
        assert!(lines.iter().copied().eq(&expected), "{lines:?}");
    }
    let ended = |event: &str| lines.iter().filter(|line| line.starts_with(&format!("  the server: {event} "))).count();
    assert_eq!((of_clients.len(), ended("read"), ended("shred")), (18, 10, 2), "{lines:?}");
}

#[tokio::test]
async fn upload_prints_the_expected_lines() {
    let lines = [
        "small.bin: 1000 bytes are there",
        "small.bin: 2000 bytes are there",
        "small.bin: 3000 bytes are there",
        "small.bin is kept, all 3000 bytes",
        "large.bin: 1000 bytes are there",
        "large.bin: 2000 bytes are there",
        "large.bin: 3000 bytes are there",
        "large.bin: 4000 bytes are there",
        "large.bin: 5000 bytes are there",
        "large.bin is refused after 5000 bytes",
    ];
    assert_eq!(printed("upload").await, lines);
}

#[tokio::test]
async fn scoped_calculator_prints_the_expected_lines() {
    let lines = [
        "40 + 2 = 42, 100 + 2 = 102",
        "the client is asked whether it needs 42",
        "cleared: 0, 60 more: 60",
        "the client is asked whether it needs 60",
        "not cleared: 60",
        "the server: a calculator is put away at 60",
        "the other one goes on: 103",
        "the server: a calculator is put away at 103",
    ];
    assert_eq!(printed("scoped_calculator").await, lines);
}
