use syn::{Path, Type, TypeParamBound};

use crate::attr::EventPolicy;
use crate::model::{Method, MethodKind, StreamOutput};
use crate::text::code;
use crate::types;

/// The last paragraph of a proxy method's docs. It names the result, because the signature hides it behind associated
/// types.
pub(super) fn return_doc(method: &Method<'_>) -> String {
    if method.kind == MethodKind::Event {
        let resolved = " Resolves to `Result<(), SendError>`; on an `Audience`, `Result<Delivery, SendError>`.";
        let on_full = method.event_on_full.as_ref().map_or("", |on_full| match on_full.policy {
            EventPolicy::Wait => " If the queue of a peer is full, the event waits for capacity.",
            EventPolicy::Drop => " If the queue of a peer is full, the event is dropped.",
            EventPolicy::Latest => " If the queue of a peer is full, the event waits, and a newer one replaces it.",
            EventPolicy::Close => " If the queue of a peer is full, its connection is closed with status 1013.",
        });
        return format!("{resolved}{on_full}");
    }
    let ty = method.output.ty;
    let result = ty.and_then(types::named_result_arguments);
    let resolved = match (&method.output.stream, method.output.scoped, ty) {
        (Some(stream), ..) => streaming_name(stream),
        (None, Some(contract), _) => proxy_name(contract),
        (None, None, Some(ty)) => value_name(ty, result.map(|(ok, _)| ok)),
        (None, None, None) => "`()`".to_owned(),
    };
    let error = result.map(|(_, error)| format!("<{}>", remote_name(error))).unwrap_or_default();
    format!(" Resolves to {resolved}, or a `CallError{error}`.")
}

fn value_name(ty: &Type, ok: Option<&Type>) -> String {
    match ok {
        None if is_alias(ty) => format!("the `Ok` of `{}`", code(ty)),
        ok => format!("`{}`", code(ok.unwrap_or(ty))),
    }
}

fn streaming_name(stream: &StreamOutput<'_>) -> String {
    let item = stream.item;
    match types::named_result_arguments(item) {
        Some((ok, error)) => format!("`Streaming<{}, {}>`", code(ok), code(error)),
        None if is_alias(item) => format!("a `Streaming` of `{}`", code(item)),
        None => format!("`Streaming<{}>`", code(item)),
    }
}

fn proxy_name(contract: &Type) -> String {
    let name = contract_path(contract);
    name.map_or_else(|| "a proxy".to_owned(), |path| format!("`{}Proxy<AnonymousChannel>`", code(path)))
}

fn contract_path(contract: &Type) -> Option<&Path> {
    match contract {
        Type::Path(path) => Some(&path.path),
        Type::TraitObject(object) => object.bounds.iter().find_map(|bound| match bound {
            TypeParamBound::Trait(bound) => Some(&bound.path),
            _ => None,
        }),
        _ => None,
    }
}

/// Returns true if the type's name ends with `Result`.
fn is_alias(ty: &Type) -> bool {
    types::last_segment(ty).is_some_and(|segment| segment.ident.to_string().ends_with("Result"))
}

/// The name of the type that the caller gets for an error of type `error`.
fn remote_name(error: &Type) -> String {
    let written = code(error);
    match error {
        Type::Reference(_) => "String".to_owned(),
        _ if written.ends_with("io::Error") || written.ends_with("anyhow::Error") || written.starts_with("Box<") => {
            "Rejection".to_owned()
        }
        _ => written,
    }
}
