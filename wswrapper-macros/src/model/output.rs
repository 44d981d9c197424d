use proc_macro2::Span;
use syn::{
    GenericArgument, PathArguments, PathSegment, ReturnType, Signature, Type, TypeImplTrait, TypeParamBound, TypePath,
};

use crate::tokens;
use crate::types::{first_type_argument, is_named, last_segment, stream_item, type_arguments, ungroup};

/// A method's return type, with the spans at which errors about it are reported.
pub(crate) struct Output<'a> {
    pub(crate) ty: Option<&'a Type>,
    pub(crate) span: Span,
    pub(crate) ok_span: Span,
    pub(crate) err_span: Span,
    pub(crate) stream: Option<StreamOutput<'a>>,
    /// The contract `C`, usually `dyn Trait`, if the return type or its `Ok` type is spelled `Scoped<C>`.
    pub(crate) scoped: Option<&'a Type>,
}

/// A stream that is the return type, or its `Ok` type.
pub(crate) struct StreamOutput<'a> {
    /// `impl Stream<..>`
    pub(crate) impl_trait: &'a TypeImplTrait,
    pub(crate) item: &'a Type,
    pub(crate) item_ok_span: Span,
    pub(crate) item_err_span: Span,
    /// The type around the stream: a `Result`, possibly under another name.
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

    /// Returns the enclosing type with `stand_in` in the stream's place. `None` if no type encloses the stream.
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

/// Returns true if the type, or its `Ok` type, is `impl Stream`, even if the item type is missing.
pub(crate) fn is_stream(ty: &Type) -> bool {
    impl_at_stream_position(ty).is_some_and(|(impl_trait, _)| stream_bound(impl_trait).is_some())
}

/// The `impl Trait` that is the type itself or its `Ok` type, and the path around it.
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

fn scoped(ty: &Type) -> Option<&Type> {
    let is_scoped = |ty: &&Type| is_named(ty, "Scoped");
    let scoped = Some(ty).filter(is_scoped).or_else(|| first_type_argument(ty).filter(is_scoped))?;
    match type_arguments(last_segment(scoped)?)[..] {
        [contract] => Some(ungroup(contract)),
        _ => None,
    }
}

/// The last segment of the bound with this name.
fn bound<'a>(impl_trait: &'a TypeImplTrait, name: &str) -> Option<&'a PathSegment> {
    impl_trait.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|segment| segment.ident == name),
        _ => None,
    })
}

/// The spans of `T` and `E` if the type is spelled `Result<T, E>`. Otherwise both are the type's span.
fn result_spans(ty: &Type) -> (Span, Span) {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Result");
    let types = segment.map(type_arguments).unwrap_or_default();
    let span_of = |at| tokens::first_span(types.get(at).copied().unwrap_or(ty));
    (span_of(0), span_of(1))
}
