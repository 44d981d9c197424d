//! Types as they are written: names are compared, nothing is resolved.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// What holds a value and is no `Result` under another name.
const NOT_RESULTS: [&str; 8] = ["Option", "Vec", "Box", "Pin", "Rc", "Arc", "HashMap", "BTreeMap"];

/// The last segment of a type that is a plain path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungroup(ty) {
        Type::Path(ty) if ty.qself.is_none() => ty.path.segments.last(),
        _ => None,
    }
}

/// The type arguments of a segment, or none where it has others as well.
pub(crate) fn type_arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect::<Option<_>>().unwrap_or_default()
}

/// What an invisible group holds: such is a `$ty:ty` of a macro by example.
pub(crate) fn ungroup(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Whether a type of that name may be a `Result`, by the name alone.
pub(crate) fn may_be_result(segment: &PathSegment) -> bool {
    !NOT_RESULTS.iter().any(|name| segment.ident == name)
}

/// What would be the `Ok` of the type, if it is a `Result`.
pub(crate) fn first_type_argument(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| may_be_result(segment))?;
    type_arguments(segment).first().map(|first| ungroup(first))
}

/// What would be `Ok` and `Err` of the type, if it is a `Result` of both.
pub(crate) fn result_arguments(ty: &Type) -> Option<(&Type, &Type)> {
    let segment = last_segment(ty).filter(|segment| may_be_result(segment))?;
    match type_arguments(segment)[..] {
        [ok, error] => Some((ok, error)),
        _ => None,
    }
}

/// The same, where that is its name too.
pub(crate) fn named_result_arguments(ty: &Type) -> Option<(&Type, &Type)> {
    result_arguments(ty).filter(|_| is_named(ty, "Result"))
}

/// `T` of `Stream<Item = T>`.
pub(crate) fn stream_item(stream: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &stream.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assigned) if assigned.ident == "Item" => Some(&assigned.ty),
        _ => None,
    })
}
