//! What a method returns.

use proc_macro2::Span;
use syn::{
    GenericArgument, PathArguments, PathSegment, ReturnType, Signature, Type, TypeImplTrait, TypeParamBound, TypePath,
    TypeTraitObject,
};

use crate::tokens;
use crate::types::{first_type_argument, is_named, last_segment, stream_item, type_arguments, ungroup};

/// The return type, and where an error about either half of it belongs.
pub(crate) struct Output<'a> {
    pub(crate) ty: Option<&'a Type>,
    pub(crate) span: Span,
    pub(crate) ok_span: Span,
    pub(crate) err_span: Span,
    pub(crate) stream: Option<StreamOutput<'a>>,
    /// `dyn C` of a `Scoped<dyn C>` that is the answer, or the `Ok` of it.
    pub(crate) scoped: Option<&'a TypeTraitObject>,
}

/// A stream that is the answer, or the `Ok` of it.
pub(crate) struct StreamOutput<'a> {
    /// `impl Stream<..>`
    pub(crate) impl_trait: &'a TypeImplTrait,
    pub(crate) item: &'a Type,
    pub(crate) item_ok_span: Span,
    pub(crate) item_err_span: Span,
    /// What it is the first argument of, such as a `Result` under whatever name.
    enclosing: Option<&'a TypePath>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(sig: &'a Signature) -> Self {
        let ReturnType::Type(_, ty) = &sig.output else {
            let method = sig.ident.span();
            return Self { ty: None, span: method, ok_span: method, err_span: method, stream: None, scoped: None };
        };
        let (ok_span, err_span) = result_spans(ty);
        Self {
            ty: Some(ty),
            span: tokens::first_span(ty),
            ok_span,
            err_span,
            stream: StreamOutput::new(ty),
            scoped: scoped(ty),
        }
    }
}

impl<'a> StreamOutput<'a> {
    fn new(ty: &'a Type) -> Option<Self> {
        let (impl_trait, enclosing) = impl_at_stream_position(ty)?;
        let item = stream_item(stream_bound(impl_trait)?)?;
        let (item_ok_span, item_err_span) = result_spans(item);
        Some(Self { impl_trait, item, item_ok_span, item_err_span, enclosing })
    }

    /// The return type with another type in the stream's place, if that is not the whole of it.
    pub(crate) fn replace_stream(&self, stand_in: Type) -> Option<Type> {
        let mut result = self.enclosing?.clone();
        if let Some(segment) = result.path.segments.last_mut()
            && let PathArguments::AngleBracketed(arguments) = &mut segment.arguments
            && let Some(GenericArgument::Type(first)) = arguments.args.first_mut()
        {
            *first = stand_in;
        }
        Some(Type::Path(result))
    }

    pub(crate) fn is_send(&self) -> bool {
        bound(self.impl_trait, "Send").is_some()
    }
}

/// Whether there is a stream where one may be, with or without the type of its items.
pub(crate) fn is_stream(ty: &Type) -> bool {
    impl_at_stream_position(ty).is_some_and(|(impl_trait, _)| stream_bound(impl_trait).is_some())
}

/// What stands where a stream may be, and the path around it.
fn impl_at_stream_position(ty: &Type) -> Option<(&TypeImplTrait, Option<&TypePath>)> {
    match ungroup(ty) {
        Type::ImplTrait(impl_trait) => Some((impl_trait, None)),
        Type::Path(path) => match first_type_argument(ty) {
            Some(Type::ImplTrait(impl_trait)) => Some((impl_trait, Some(path))),
            _ => None,
        },
        _ => None,
    }
}

fn stream_bound(impl_trait: &TypeImplTrait) -> Option<&PathSegment> {
    bound(impl_trait, "Stream")
}

fn scoped(ty: &Type) -> Option<&TypeTraitObject> {
    let is_scoped = |ty: &&Type| is_named(ty, "Scoped");
    let scoped = Some(ty).filter(is_scoped).or_else(|| first_type_argument(ty).filter(is_scoped))?;
    match type_arguments(last_segment(scoped)?)[..] {
        [contract] => match ungroup(contract) {
            Type::TraitObject(contract) => Some(contract),
            _ => None,
        },
        _ => None,
    }
}

/// The bound's last segment, by its name.
fn bound<'a>(impl_trait: &'a TypeImplTrait, name: &str) -> Option<&'a PathSegment> {
    impl_trait.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|segment| segment.ident == name),
        _ => None,
    })
}

/// Where `T` and `E` of a type that is spelled `Result` stand; for any other type, where that stands.
fn result_spans(ty: &Type) -> (Span, Span) {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Result");
    let types = segment.map(type_arguments).unwrap_or_default();
    let span_of = |at| tokens::first_span(types.get(at).copied().unwrap_or(ty));
    (span_of(0), span_of(1))
}
