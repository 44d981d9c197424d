//! The texts of all compile errors: first the rule, then the remedy after `help:`, which rustc indents.

use quote::ToTokens;
use syn::{ExprPath, Ident, Path, Type};

pub(crate) const SERVICE_ON_NO_TRAIT: &str = "`#[ws_service]` belongs on a trait\n\
    help: put it on the trait that describes the handlers, and `#[ws_handlers]` on their `impl`";

pub(crate) const HANDLERS_ON_NO_IMPL: &str = "`#[ws_handlers]` belongs on an `impl` block\n\
    help: put it on the `impl` that holds the handlers";

pub(crate) const ASYNC_TRAIT: &str = "`#[async_trait]` cannot be combined with `#[ws_service]` or `#[ws_handlers]`\n\
    help: remove it; `#[ws_service]` makes the futures `Send`, and the trait can be used as `dyn` without it";

pub(crate) const WS_WITHOUT_ARGUMENTS: &str = "`#[ws]` needs arguments in parentheses\n\
    help: write `#[ws(name = \"..\")]`, `#[ws(event)]` or another argument, or remove it";

pub(crate) const EMPTY_CHANNEL: &str = "a channel name cannot be empty\n\
    help: leave out `channel` to use the main channel";

pub(crate) const UNNAMED_PARAMETER: &str = "a parameter of a channel needs a name\n\
    help: write the name of the argument that it fills, as in `doc/{id}`";

pub(crate) const EMPTY_EVENT: &str = "an event name cannot be empty\n\
    help: leave out `name` to use the method's name";

pub(crate) const EMPTY_CODE: &str = "an error code cannot be empty\n\
    help: leave out `code` to use the variant's name";

pub(crate) const RENAME_ALL_ON_TRAIT_IMPL: &str = "names belong to the trait\n\
    help: write `#[ws_service(rename_all = \"..\")]` on the trait";

pub(crate) const GUARD_ON_TRAIT_IMPL: &str = "guards belong to the trait\n\
    help: write `#[ws_service(guard = ..)]` on the trait, or `.guard(..)` on the router of this service";

pub(crate) const GUARD_NOT_A_PATH: &str = "`guard` takes the path of a function\n\
    help: write `guard = path::to::function`; a function of your own can ask other guards, \
    for example `require::<Admin>().check(call)`";

pub(crate) const GUARD_OF_CLIENT_CONTRACT: &str = "a contract for clients alone has no guards\n\
    help: remove `guard`, or remove `client` if a service in Rust has the contract";

pub(crate) const UNMARKED_FUNCTION: &str = "a function among handlers must say if the remote endpoint can call it\n\
    help: make it `pub` or write `#[ws(handler)]` above it if it can, or `#[ws(skip)]` if it cannot";

pub(crate) const SKIPPED_HANDLER: &str = "`#[ws(skip)]` is for a function of a plain `impl` that is not a handler\n\
    help: write it there without other arguments; each method of a trait is a handler";

pub(crate) const MUT_RECEIVER: &str = "a handler must take `&self`, not `&mut self`\n\
    help: handlers of one connection run concurrently; keep mutable state behind a `Mutex`";

pub(crate) const GENERIC_HANDLER: &str = "a handler cannot be generic\n\
    help: arguments arrive as JSON, so every type must be known here";

pub(crate) const LIFETIME_HANDLER: &str = "a handler cannot have lifetime parameters\n\
    help: leave them out; `&self`, `&str` and `&[u8]` need none";

pub(crate) const UNSAFE_HANDLER: &str = "a handler cannot be unsafe\n\
    help: the peer can call it with any arguments";

pub(crate) const BLOCKING_ASYNC: &str = "a blocking handler must be a plain `fn`\n\
    help: remove `async`, or use `#[ws(spawn)]`";

pub(crate) const SPAWNED_WITHOUT_ASYNC: &str = "a spawned handler must be an `async fn`\n\
    help: use `#[ws(blocking)]`, or make it `async`";

pub(crate) const BLOCKING_AND_SPAWNED: &str = "a handler cannot be both blocking and spawned\n\
    help: keep `blocking` for a plain `fn`, or `spawn` for an `async fn`";

pub(crate) const REFERENCE_ARGUMENT: &str = "a handler argument cannot be a reference\n\
    help: arguments are decoded from the message; take an owned type";

pub(crate) const PATTERN_ARGUMENT: &str = "a handler argument must be a plain name\n\
    help: destructure it in the body";

pub(crate) const CONTEXT_NOT_FIRST: &str = "`Context` must be the first argument after `&self`\n\
    help: move it there, or import a type of your own under another name: `use my::Context as Settings;`";

pub(crate) const CONTEXT_REFERENCE: &str = "`Context` is taken by value\n\
    help: remove the `&`";

pub(crate) const SELF_IN_SIGNATURE: &str = "a handler cannot name `Self` in its signature\n\
    help: in the proxy `Self` would be another type; write the name of the type";

pub(crate) const IMPL_RETURN: &str = "a handler cannot return `impl Trait`\n\
    help: name the type, because the proxy returns it too; write `Scoped<dyn Trait>` for a service; \
    only a stream needs no name";

pub(crate) const FUTURE_RETURN: &str = "a handler that returns a future must be an `async fn`\n\
    help: write `async fn` with the type of the future's output as the return type";

pub(crate) const REFERENCE_RETURN: &str = "a handler cannot return a reference\n\
    help: a response is sent after the handler has finished, and the caller decodes it; return an owned type";

pub(crate) const EVENT_WITH_RETURN_TYPE: &str = "an event has no answer to return\n\
    help: remove the return type, or remove `#[ws(event)]`";

pub(crate) const STREAM_WITHOUT_ITEM: &str = "a stream's item type must be written\n\
    help: write `impl Stream<Item = T> + Send`";

pub(crate) const STREAM_WITHOUT_IMPL: &str = "a stream is returned as `impl Stream`\n\
    help: write `impl Stream<Item = T> + Send`";

pub(crate) const BOXED_STREAM: &str = "a stream is returned as `impl Stream`\n\
    help: write `impl Stream<Item = T> + Send`; the body can still return a boxed stream";

pub(crate) const NESTED_STREAM: &str = "a stream must be the whole return type, or the `Ok` type of a `Result`\n\
    help: send other values as items, or return them from another method";

pub(crate) const STREAM_IN_ANOTHER_TASK: &str = "a stream runs in the task of its connection\n\
    help: remove `spawn` or `blocking`; a task of your own can send its items through a channel, \
    and the handler returns the receiver as the stream";

pub(crate) const ON_FULL_WITHOUT_STREAM: &str = "`on_full` belongs to an event, or to a method that returns a stream\n\
    help: remove it, add `event`, or return `impl Stream<Item = T> + Send`";

pub(crate) const KEY_WITHOUT_LATEST: &str = "`key` belongs to an event of which only the latest waits\n\
    help: remove it, or write `#[ws(event, on_full = \"latest\", key = \"..\")]`";

pub(crate) const EMPTY_KEY: &str = "`key` names an argument\n\
    help: leave it out to keep the latest event of this name, whatever its arguments are";

pub(crate) const NESTED_SCOPED: &str = "a scoped service must be the whole return type, or the `Ok` type of a `Result`\n\
    help: return a `Result` if there may be no service, and other values from another method";

pub(crate) const SCOPED_ARGUMENT: &str = "a handler cannot take a service\n\
    help: return a `Scoped` or an `AnonymousChannel`; the caller can serve its own on that channel with `Call::serve`";

pub(crate) const NESTED_UPLOAD: &str = "an upload must be the whole type of an argument\n\
    help: write `Upload<T>` with no other type around it; an upload may have no items";

pub(crate) const STREAM_ARGUMENT: &str = "a stream that the caller sends is an `Upload`\n\
    help: write `Upload<T>`; the proxy accepts any stream of `T`";

pub(crate) const TWO_UPLOADS: &str = "a method can take only one upload\n\
    help: make its items an `enum`, or write two methods";

pub(crate) const EVENT_WITH_UPLOAD: &str = "an event cannot take an upload\n\
    help: remove `#[ws(event)]`; only a request can be followed by items";

pub(crate) const UPLOAD_WITHOUT_ASYNC: &str = "a handler that takes an upload must be an `async fn`\n\
    help: add `async`; the items arrive after the call and are awaited";

pub(crate) const UPLOAD_AND_STREAM: &str = "a method cannot take an upload and return a stream\n\
    help: write two methods";

pub(crate) const UPLOAD_IN_ANOTHER_TASK: &str = "an upload is read in the task of its connection\n\
    help: remove `spawn` or `blocking`; the handler can pass the items on to a task of your own";

pub(crate) const REFERENCE_ITEM: &str = "an item cannot be a reference\n\
    help: each item is sent as JSON; use an owned type";

pub(crate) const EVENT_IDEMPOTENT: &str = "an event cannot be marked as idempotent\n\
    help: remove `idempotent`, or remove `event`; without a response its sender cannot notice that it was lost";

pub(crate) const UPLOAD_IDEMPOTENT: &str = "a method that takes an upload cannot be marked as idempotent\n\
    help: remove `idempotent`; the items that were sent are not kept, so the call cannot be sent again";

pub(crate) const ASSOCIATED_TYPE: &str = "a service cannot have associated types\n\
    help: a proxy has no way to name them; use the types themselves";

pub(crate) const ASSOCIATED_CONST: &str = "a service cannot have associated consts\n\
    help: a proxy has no way to name them; use the types themselves";

pub(crate) const MACRO_MEMBER: &str = "a macro cannot add handlers\n\
    help: its methods are not visible to the attribute above; write them out";

pub(crate) const GENERIC_SERVICE: &str = "a service cannot be generic\n\
    help: write one service for each type";

pub(crate) const GENERIC_TYPE: &str = "handlers without a trait need a type without generic arguments\n\
    help: write a trait with `#[ws_service]`, and implement it for this type";

pub(crate) const UNNAMED_TYPE: &str = "handlers without a trait need a type with a name\n\
    help: write a trait with `#[ws_service]`, and implement it for this type";

pub(crate) const FIELD_ATTRIBUTE: &str = "`#[ws(..)]` cannot be used on a field\n\
    help: put it on the variant, or on the type";

pub(crate) const REFERENCE_FIELD: &str = "a field that is sent cannot be a reference\n\
    help: the caller decodes it from the rejection; use an owned type, or mark the variant or the struct as `#[ws(internal)]`";

pub(crate) const ERROR_UNION: &str = "a union cannot be an error\n\
    help: write an enum";

pub(crate) fn renamed(name: &str) -> String {
    format!(
        "`wswrapper` is called `{name}` in this package\n\
         help: write `#[ws_service(crate = {name})]`, `#[ws_handlers(crate = {name})]` or, below \
         `#[derive(WsError)]`, `#[ws(crate = {name})]`"
    )
}

pub(crate) fn attribute_twice(name: &Ident) -> String {
    format!("`#[{name}]` is given twice\nhelp: remove one, and write all arguments in the other")
}

pub(crate) fn unknown_argument(name: &Ident, expected: &[&str]) -> String {
    match expected {
        [only] => format!("unknown argument `{name}`, expected `{only}`"),
        _ => format!("unknown argument `{name}`, expected one of: {}", list(expected)),
    }
}

pub(crate) fn argument_without_name(expected: &[&str]) -> String {
    let names = list(expected);
    let [first, ..] = expected else { return names };
    format!("an argument begins with its name, one of: {names}\nhelp: write for example `{first} = \"..\"`")
}

pub(crate) fn argument_without_equals(name: &Ident) -> String {
    format!("the value of `{name}` follows after `=`\nhelp: write `{name} = \"..\"`")
}

pub(crate) fn argument_not_a_string(name: &str) -> String {
    format!("`{name}` takes a string\nhelp: write `{name} = \"..\"`")
}

pub(crate) fn argument_twice(name: &Ident) -> String {
    format!("`{name}` is given twice")
}

pub(crate) fn guard_twice(path: &ExprPath) -> String {
    format!("guard `{}` is given twice\nhelp: remove one", code(path))
}

pub(crate) fn argument_without_value(name: &Ident) -> String {
    format!("`{name}` needs a value\nhelp: write `{name} = ..`")
}

pub(crate) fn argument_with_value(name: &Ident) -> String {
    format!("`{name}` takes no value\nhelp: write `#[ws({name})]`")
}

pub(crate) fn unknown_rename_rule(rule: &str, expected: &[&str]) -> String {
    format!("unknown rule `{rule}`, expected one of: {}", list(expected))
}

pub(crate) fn unknown_policy(policy: &str, expected: &[&str]) -> String {
    format!("unknown policy `{policy}`, expected one of: {}", list(expected))
}

pub(crate) fn parameter_as_a_key(key: &str) -> String {
    format!(
        "`{key}` is a parameter of the channel, which the event does not send\n\
         help: leave out `key`; the events of another channel are never replaced"
    )
}

pub(crate) fn unknown_key(key: &str, arguments: &[String]) -> String {
    let names: Vec<_> = arguments.iter().map(String::as_str).collect();
    let expected = match names[..] {
        [] => String::new(),
        [only] => format!(", expected `{only}`"),
        _ => format!(", expected one of: {}", list(&names)),
    };
    format!(
        "this event sends no argument `{key}`{expected}\n\
         help: leave out `key` to keep the latest event of this name, whatever its arguments are"
    )
}

pub(crate) fn stream_not_send(item: &Type) -> String {
    format!("a stream must be `Send`\nhelp: write `impl Stream<Item = {}> + Send`", code(item))
}

pub(crate) fn attribute_in_trait_impl(trait_path: &Path) -> String {
    let name = trait_path.to_token_stream().to_string().replace(' ', "");
    format!("`#[ws(..)]` belongs to the trait\nhelp: put it on the method in `trait {name}`")
}

pub(crate) fn no_receiver(method: &Ident) -> String {
    format!(
        "a handler must take `&self` or `self: Arc<Self>`\nhelp: write `async fn {method}(&self, ..)`, \
         or write `#[ws(skip)]` above it in a plain `impl` block if the remote endpoint cannot call it"
    )
}

pub(crate) fn already_handled(event: &str) -> String {
    format!(
        "event `{event}` is already handled in this `impl`\n\
         help: rename one with `#[ws(name = \"..\")]`"
    )
}

pub(crate) fn already_declared(event: &str) -> String {
    format!(
        "event `{event}` is already declared in this trait\n\
         help: rename one with `#[ws(name = \"..\")]`"
    )
}

pub(crate) fn reserved(event: &str) -> String {
    format!(
        "`{event}` is a reserved event on the main channel\n\
         help: give the handlers a channel, or rename the event"
    )
}

pub(crate) fn conflicts_with_new(proxy: &Ident) -> String {
    format!(
        "method name `new` conflicts with the generated `{proxy}::new`\n\
         help: rename the method and keep the wire name with `#[ws(name = \"new\")]`"
    )
}

pub(crate) fn supertrait(required: &Ident, service: &Ident) -> String {
    format!(
        "a service cannot require `{required}`\n\
         help: it is used as `dyn {service}`; remove the supertrait"
    )
}

pub(crate) fn reserved_code(code: &str) -> String {
    format!(
        "code `{code}` begins with `ws:`, which marks the rejections that the library makes\n\
         help: choose a code without the prefix `ws:`"
    )
}

pub(crate) fn code_twice(code: &str) -> String {
    format!(
        "code `{code}` already belongs to another variant\n\
         help: change one with `#[ws(code = \"..\")]`"
    )
}

pub(crate) fn unpaired_brace(segment: &str) -> String {
    format!(
        "a brace in `{segment}` has no partner\n\
         help: write a parameter as `{{name}}`, between slashes; names of channels have no other braces"
    )
}

pub(crate) fn misplaced_parameter(segment: &str) -> String {
    format!(
        "a parameter must be a whole segment of the channel, and not a part of `{segment}`\n\
         help: put it between slashes, as in `doc/{{id}}`"
    )
}

pub(crate) fn parameter_not_a_name(name: &str) -> String {
    format!(
        "`{name}` cannot be the name of a parameter\n\
         help: write the name of the argument that it fills, as in `doc/{{id}}`"
    )
}

pub(crate) fn parameter_twice(name: &str) -> String {
    format!("the channel has two parameters `{name}`\nhelp: rename one of them, and the argument that it fills")
}

pub(crate) fn unused_parameter(name: &str) -> String {
    format!(
        "no method takes the parameter `{name}` of the channel\n\
         help: add an argument `{name}` to a method; its type is that of the parameter"
    )
}

pub(crate) fn parameter_of_two_types(name: &str, first: Option<&Type>) -> String {
    let first = first.map(code).unwrap_or_default();
    format!(
        "the parameter `{name}` of the channel is written as `{first}` in another method\n\
         help: write the same type in each method; the proxy takes one value for all"
    )
}

pub(crate) fn parameter_without_value(name: &str) -> String {
    format!(
        "`{name}` is a parameter of the channel, and its type cannot be written in a name\n\
         help: take an owned type that has `Display` and `FromStr`, or `&str`, or rename the argument"
    )
}

/// The error for handlers on a channel that differs from the contract's.
pub(crate) fn channel_mismatch(channel: &str) -> String {
    format!(
        "the contract is on channel `{channel}`\n\
         help: remove `channel` here, or mount it elsewhere with `.service_at(\"x\", ..)`"
    )
}

/// The tokens as text, with spaces as a user would type them.
pub(crate) fn code(node: &impl ToTokens) -> String {
    let spaced = node.to_token_stream().to_string();
    let tight = [
        (" :: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
    ];
    tight.iter().fold(spaced, |text, (loose, tight)| text.replace(loose, tight))
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
