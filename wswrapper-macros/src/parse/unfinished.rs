use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};

/// A member that cannot be parsed, because somebody is typing it. rustc has reported it already.
///
/// It ends before the next member, so that the macro reads all others.
pub(crate) struct Unfinished {
    pub(crate) tokens: TokenStream,
}

impl Parse for Unfinished {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut tokens = TokenStream::new();
        let mut part = Part::Attribute;
        while !input.is_empty() {
            let next: TokenTree = input.fork().parse()?;
            if let Some(begun) = Part::begun_by(&next) {
                if begun < part || (begun == part && !part.has_many_tokens()) {
                    break;
                }
                part = begun;
            }
            tokens.extend([input.parse::<TokenTree>()?]);
            if ends_member(&next) {
                break;
            }
        }
        Ok(Self { tokens })
    }
}

/// The parts of a function in their order. A part that comes too early begins the next member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Attribute,
    Visibility,
    Const,
    Async,
    Unsafe,
    Extern,
    Fn,
    Rest,
}

impl Part {
    /// The part that `token` begins. `None` if it belongs to the part before it.
    fn begun_by(token: &TokenTree) -> Option<Self> {
        let part = match token {
            TokenTree::Group(_) | TokenTree::Literal(_) => return None,
            TokenTree::Punct(punct) if punct.as_char() == '#' => Self::Attribute,
            TokenTree::Punct(_) => Self::Rest,
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "pub" => Self::Visibility,
                "const" => Self::Const,
                "async" => Self::Async,
                "unsafe" => Self::Unsafe,
                "extern" => Self::Extern,
                "fn" => Self::Fn,
                _ => Self::Rest,
            },
        };
        Some(part)
    }

    fn has_many_tokens(self) -> bool {
        matches!(self, Self::Attribute | Self::Rest)
    }
}

fn ends_member(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}
