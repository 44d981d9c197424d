//! Errors of mounting.

use super::{Docs, Pages};
use wswrapper::error::{MountError, NameError};
use wswrapper::{Router, Server, ws_handlers};

struct Named;

#[ws_handlers(channel = "doc/{name}")]
impl Named {
    pub async fn name(&self, name: String) -> String {
        name
    }
}

struct Plain;

#[ws_handlers]
impl Plain {
    pub async fn plain(&self) {}
}

#[test]
fn ambiguous_patterns_cannot_be_mounted() {
    let error = Server::builder().service(Docs::default()).service(Named).build().expect_err("ambiguous");
    assert_eq!(error, MountError::AmbiguousChannel { channel: "doc/{name}".to_owned(), other: "doc/{id}".to_owned() });
    let text = "channel `doc/{name}` cannot be told apart from channel `doc/{id}`: give the parameters the same names";
    assert_eq!(error.to_string(), text);
    // Of these the one with more fixed segments is found.
    let overlapping =
        Router::new().service_at("{a}/x", Plain).service_at("doc/{id}", Plain).service_at("{a}/{b}", Plain);
    Server::builder().router(overlapping).build().expect("one is more specific");
    // The same pattern is the same channel.
    Server::builder().service(Docs::default()).service_at("doc/{id}", Plain).build().expect("other events");
    let twice = Server::builder().service(Docs::default()).service(Docs::default()).build();
    assert!(matches!(twice, Err(MountError::Duplicate { channel: Some(channel), .. }) if channel == "doc/{id}"));
}

#[test]
fn the_channel_needs_the_parameters_of_the_methods() {
    let at = |channel| Server::builder().service_at(channel, Pages::default()).build().map(drop);
    assert_eq!(at("other/{owner}/{page}"), Ok(()));
    for channel in ["wiki", "wiki/{page}", "{page}/{Owner}"] {
        let error = at(channel).expect_err("a parameter is missing");
        assert!(matches!(&error, MountError::MissingParameter { channel: of, .. } if of == channel), "{error}");
    }
    let text = "channel `wiki` has no parameter `{page}`, and methods that are mounted there take it";
    assert_eq!(at("wiki").expect_err("a parameter is missing").to_string(), text);
}

#[test]
fn braces_belong_to_parameters() {
    let text = "`doc/{}` cannot be a channel: a parameter is a whole segment with a name of its own, as in `doc/{id}`";
    let error = Server::builder().service_at("doc/{}", Plain).build().expect_err("no name");
    assert_eq!(error.to_string(), text);
    for channel in ["doc/{}", "a{id}", "{a}/{a}", "{a", "a}", "{1}"] {
        let expected = MountError::ChannelPattern(channel.to_owned());
        assert_eq!(Server::builder().service_at(channel, Plain).build().expect_err("a bad pattern"), expected);
        let guarded = Server::builder().guard_on(channel, |_: &wswrapper::service::layer::GuardCall<'_>| Err("no"));
        assert_eq!(guarded.build().expect_err("a bad pattern"), expected);
        let hooked = Server::builder().on_enter(channel, |_| async {});
        assert_eq!(hooked.build().expect_err("a bad pattern"), expected);
    }
    let empty = Server::builder().on_leave("", |_| async {}).build().expect_err("no name");
    assert_eq!(empty, MountError::Name(NameError::EmptyChannel));
}

#[test]
fn a_hook_that_never_runs_cannot_be_added() {
    let error = Server::builder().service(Docs::default()).on_enter("docs/{id}", |_| async {}).build();
    assert_eq!(error.expect_err("a typo"), MountError::UnusedHook { channel: "docs/{id}".to_owned() });
    for channel in ["doc/{id}", "doc/{other}", "doc/7", "{a}/7"] {
        let server = Server::builder().on_leave(channel, |_| async {}).service(Docs::default()).build();
        server.expect("names match both");
    }
}
