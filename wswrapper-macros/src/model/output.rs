//! What a method returns.

use proc_macro2::Span;
use syn::{
    GenericArgument, PathArguments, PathSegment, ReturnType, Signature, Type, TypeImplTrait, TypeParamBound, TypePath,
    TypeTraitObject,
};

use crate::tokens;
use crate::types::{first_argument, is_named, item, last_segment, through_groups, type_arguments};

/// The return type, and where an error about either half of it belongs.
pub(crate) struct Output<'a> {
    pub(crate) ty: Option<&'a Type>,
    pub(crate) whole: Span,
    pub(crate) ok: Span,
    pub(crate) err: Span,
    pub(crate) stream: Option<StreamOutput<'a>>,
    /// `dyn C` of a `Scoped<dyn C>` that is the answer, or the `Ok` of it.
    pub(crate) scoped: Option<&'a TypeTraitObject>,
}

/// A stream that is the answer, or the `Ok` of it.
pub(crate) struct StreamOutput<'a> {
    /// `impl Stream<..>`
    pub(crate) written: &'a TypeImplTrait,
    pub(crate) item: &'a Type,
    pub(crate) item_ok: Span,
    pub(crate) item_err: Span,
    /// What it is the first argument of, such as a `Result` under whatever name.
    result: Option<&'a TypePath>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(sig: &'a Signature) -> Self {
        let ReturnType::Type(_, ty) = &sig.output else {
            let method = sig.ident.span();
            return Self { ty: None, whole: method, ok: method, err: method, stream: None, scoped: None };
        };
        let (ok, err) = halves(ty);
        Self { ty: Some(ty), whole: tokens::first_span(ty), ok, err, stream: StreamOutput::new(ty), scoped: scoped(ty) }
    }
}

impl<'a> StreamOutput<'a> {
    fn new(ty: &'a Type) -> Option<Self> {
        let (written, result) = place(ty)?;
        let item = item(stream_bound(written)?)?;
        let (item_ok, item_err) = halves(item);
        Some(Self { written, item, item_ok, item_err, result })
    }

    /// The return type with another type in the stream's place, if that is not the whole of it.
    pub(crate) fn result_of(&self, stand_in: Type) -> Option<Type> {
        let mut result = self.result?.clone();
        if let Some(segment) = result.path.segments.last_mut()
            && let PathArguments::AngleBracketed(arguments) = &mut segment.arguments
            && let Some(GenericArgument::Type(first)) = arguments.args.first_mut()
        {
            *first = stand_in;
        }
        Some(Type::Path(result))
    }

    pub(crate) fn is_send(&self) -> bool {
        bound(self.written, "Send").is_some()
    }
}

/// Whether there is a stream where one may be, with or without the type of its items.
pub(crate) fn is_stream(ty: &Type) -> bool {
    place(ty).is_some_and(|(written, _)| stream_bound(written).is_some())
}

/// What stands where a stream may be, and the path around it.
fn place(ty: &Type) -> Option<(&TypeImplTrait, Option<&TypePath>)> {
    match through_groups(ty) {
        Type::ImplTrait(written) => Some((written, None)),
        Type::Path(path) => match first_argument(ty) {
            Some(Type::ImplTrait(written)) => Some((written, Some(path))),
            _ => None,
        },
        _ => None,
    }
}

fn stream_bound(written: &TypeImplTrait) -> Option<&PathSegment> {
    bound(written, "Stream")
}

fn scoped(ty: &Type) -> Option<&TypeTraitObject> {
    let is_scoped = |ty: &&Type| is_named(ty, "Scoped");
    let scoped = Some(ty).filter(is_scoped).or_else(|| first_argument(ty).filter(is_scoped))?;
    match type_arguments(last_segment(scoped)?)[..] {
        [contract] => match through_groups(contract) {
            Type::TraitObject(contract) => Some(contract),
            _ => None,
        },
        _ => None,
    }
}

/// The bound's last segment, by its name.
fn bound<'a>(written: &'a TypeImplTrait, name: &str) -> Option<&'a PathSegment> {
    written.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|segment| segment.ident == name),
        _ => None,
    })
}

/// Where `T` and `E` of a type that is spelled `Result` stand; for any other type, where that stands.
fn halves(ty: &Type) -> (Span, Span) {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Result");
    let types = segment.map(type_arguments).unwrap_or_default();
    let span_of = |at| tokens::first_span(types.get(at).copied().unwrap_or(ty));
    (span_of(0), span_of(1))
}
