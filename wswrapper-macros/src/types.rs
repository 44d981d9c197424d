//! Helpers that read types by their spelling. A macro sees names only and cannot resolve them.

use syn::ext::IdentExt as _;
use syn::{GenericArgument, Pat, PatType, PathArguments, PathSegment, Type};

/// Types with type arguments that are certainly no aliases of `Result`.
const NOT_RESULTS: [&str; 8] = ["Option", "Vec", "Box", "Pin", "Rc", "Arc", "HashMap", "BTreeMap"];

/// The last segment, if the type is a path without a qualified self type.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungroup(ty) {
        Type::Path(ty) if ty.qself.is_none() => ty.path.segments.last(),
        _ => None,
    }
}

/// The type arguments of a segment. Empty if it also has arguments of another kind.
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

/// The type inside invisible groups, which `$ty:ty` of `macro_rules!` leaves around a type.
pub(crate) fn ungroup(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

/// Returns true for `Arc<Self>`.
pub(crate) fn is_arc_of_self(ty: &Type) -> bool {
    let arguments = last_segment(ty).filter(|segment| segment.ident == "Arc").map(type_arguments);
    matches!(arguments.as_deref(), Some([item]) if is_named(item, "Self"))
}

pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Returns true if the argument is called `name`, perhaps as a raw identifier.
pub(crate) fn binds(input: &PatType, name: &str) -> bool {
    matches!(&*input.pat, Pat::Ident(pat) if pat.ident.unraw() == name)
}

/// Returns true if the name does not rule out an alias of `Result`.
pub(crate) fn may_be_result(segment: &PathSegment) -> bool {
    !NOT_RESULTS.iter().any(|name| segment.ident == name)
}

/// The first type argument, which is the `Ok` type if this is a `Result` or an alias of it.
pub(crate) fn first_type_argument(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| may_be_result(segment))?;
    type_arguments(segment).first().map(|first| ungroup(first))
}

/// Both type arguments, which are the `Ok` and `Err` types if this is a `Result` or an alias of it.
pub(crate) fn result_arguments(ty: &Type) -> Option<(&Type, &Type)> {
    let segment = last_segment(ty).filter(|segment| may_be_result(segment))?;
    match type_arguments(segment)[..] {
        [ok, error] => Some((ok, error)),
        _ => None,
    }
}

/// The `Ok` and `Err` types of a type called `Result`.
pub(crate) fn named_result_arguments(ty: &Type) -> Option<(&Type, &Type)> {
    result_arguments(ty).filter(|_| is_named(ty, "Result"))
}

/// The `T` of `Stream<Item = T>`.
pub(crate) fn stream_item(stream: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &stream.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assigned) if assigned.ident == "Item" => Some(&assigned.ty),
        _ => None,
    })
}

/// Returns true if the spelling shows a type of std that serde decodes: a primitive, a `String`, or a `Vec`, an `Option`
/// or a tuple of such types.
pub(crate) fn is_std(ty: &Type) -> bool {
    const SCALARS: [&str; 17] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
        "usize", "String",
    ];
    match ungroup(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().all(is_std),
        Type::Path(path) if path.qself.is_none() => match path.path.get_ident() {
            Some(name) => SCALARS.iter().any(|scalar| name == scalar),
            None => last_segment(ty).is_some_and(|segment| {
                (segment.ident == "Vec" || segment.ident == "Option")
                    && path.path.segments.len() == 1
                    && matches!(type_arguments(segment)[..], [item] if is_std(item))
            }),
        },
        _ => false,
    }
}
