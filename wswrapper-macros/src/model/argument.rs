use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Ident, Pat, PatType, Type};

use crate::attr::Channel;
use crate::types::{is_named, last_segment, type_arguments, ungroup};

pub(crate) struct Argument<'a> {
    pub(crate) input: &'a PatType,
    pub(crate) name: Ident,
    pub(crate) ty: &'a Type,
    pub(crate) kind: ArgumentKind<'a>,
    /// True if it is filled from the name of the channel, and not sent.
    pub(crate) is_parameter: bool,
}

/// The form of an argument: it decides what the handler decodes and what the proxy accepts.
#[derive(Clone, Copy)]
pub(crate) enum ArgumentKind<'a> {
    /// Any other type, decoded as it is.
    Owned,
    /// `String`, for which a proxy also accepts `&str`.
    Text,
    /// `&str`.
    Str,
    /// `&[u8]`.
    Bytes,
    /// `Upload<T>`, whose items follow the call.
    Upload(Upload<'a>),
    /// A `Context` that is not the first argument.
    Context,
}

/// `Upload<T>`, or `Upload<T, E>` if items can be errors.
#[derive(Clone, Copy)]
pub(crate) struct Upload<'a> {
    pub(crate) item: &'a Type,
    pub(crate) error: Option<&'a Type>,
}

impl<'a> Argument<'a> {
    pub(super) fn new(input: &'a PatType, kind: ArgumentKind<'a>, at: usize, channel: Option<&Channel>) -> Self {
        let name = match &*input.pat {
            Pat::Ident(pat) => pat.ident.clone(),
            // The checks report this pattern.
            other => quote::format_ident!("argument_{at}", span = other.span()),
        };
        let is_parameter =
            channel.is_some_and(|channel| channel.parameters.iter().any(|of_channel| name.unraw() == of_channel));
        Self { input, name, ty: &input.ty, kind, is_parameter }
    }

    /// Returns true if it has this name, perhaps as a raw identifier.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.unraw() == name
    }

    pub(crate) fn upload(&self) -> Option<Upload<'a>> {
        match self.kind {
            ArgumentKind::Upload(upload) => Some(upload),
            _ => None,
        }
    }
}

impl<'a> ArgumentKind<'a> {
    pub(crate) fn of(ty: &'a Type) -> Self {
        match ungroup(ty) {
            Type::Reference(reference) if reference.mutability.is_none() => match ungroup(&reference.elem) {
                Type::Slice(slice) if is_named(&slice.elem, "u8") => Self::Bytes,
                elem if is_named(elem, "str") => Self::Str,
                _ => Self::Owned,
            },
            ty if is_plain_string(ty) => Self::Text,
            ty => Upload::of(ty).map_or(Self::Owned, Self::Upload),
        }
    }

    /// Returns true for a value that is no text.
    pub(crate) fn is_owned(self) -> bool {
        matches!(self, Self::Owned)
    }
}

impl<'a> Upload<'a> {
    fn of(ty: &'a Type) -> Option<Self> {
        match type_arguments(last_segment(ty).filter(|segment| segment.ident == "Upload")?)[..] {
            [item] => Some(Self { item, error: None }),
            // rustc reports further arguments.
            [item, error, ..] => Some(Self { item, error: Some(error) }),
            [] => None,
        }
    }
}

fn is_plain_string(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "String" && segment.arguments.is_none())
}
