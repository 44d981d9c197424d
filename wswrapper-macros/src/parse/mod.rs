//! Traits and `impl` blocks. Bodies stay raw tokens, because a parser would repeat the errors that rustc reports for
//! unfinished code.

mod unfinished;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _, quote};
use syn::parse::discouraged::Speculative as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Abi, Attribute, Error, FnArg, Generics, Ident, Path, Signature, Token, Type, TypeParamBound, Visibility, token,
};

pub(crate) use self::unfinished::Unfinished;
use crate::{attr, text, tokens};

pub(crate) struct Trait {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) keyword: Token![trait],
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) colon_token: Option<Token![:]>,
    pub(crate) supertraits: Punctuated<TypeParamBound, Token![+]>,
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) members: Vec<Member>,
}

pub(crate) struct Impl {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) keyword: Token![impl],
    pub(crate) generics: Generics,
    pub(crate) trait_: Option<ImplementedTrait>,
    pub(crate) self_ty: Type,
    pub(crate) brace_token: token::Brace,
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) members: Vec<Member>,
}

pub(crate) struct ImplementedTrait {
    pub(crate) not: Option<Token![!]>,
    pub(crate) path: Path,
    pub(crate) for_token: Token![for],
}

pub(crate) enum Member {
    Function(Box<Function>),
    Const(RawMember),
    Type(RawMember),
    Macro(RawMember),
    Unfinished(Unfinished),
}

/// A member that is emitted unchanged.
pub(crate) struct RawMember {
    attrs: Vec<Attribute>,
    pub(crate) tokens: TokenStream,
}

pub(crate) struct Function {
    /// The attributes except `#[ws(..)]`.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) ws_attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The `#[ws(..)]` attributes of each input of the signature.
    pub(crate) input_ws_attrs: Vec<Vec<Attribute>>,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    None(Token![;]),
    Block(Group),
}

impl Parse for Trait {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let first = input.span();
        let vis = input.parse()?;
        let unsafety = input.parse()?;
        if !input.peek(Token![trait]) {
            return Err(Error::new(first, text::SERVICE_ON_NO_TRAIT));
        }
        let keyword = input.parse()?;
        let ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let colon_token: Option<Token![:]> = input.parse()?;
        let supertraits = if colon_token.is_some() { supertraits(input)? } else { Punctuated::new() };
        generics.where_clause = input.parse()?;
        let content;
        syn::braced!(content in input);
        Ok(Self {
            attrs,
            vis,
            unsafety,
            keyword,
            ident,
            generics,
            colon_token,
            supertraits,
            inner_attrs: content.call(Attribute::parse_inner)?,
            members: members(&content)?,
        })
    }
}

impl Parse for Impl {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let first = input.span();
        let unsafety = input.parse()?;
        if !input.peek(Token![impl]) {
            return Err(Error::new(first, text::HANDLERS_ON_NO_IMPL));
        }
        let keyword = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let not = input.parse()?;
        let (trait_, self_ty) = implemented_trait(input, not)?;
        generics.where_clause = input.parse()?;
        let content;
        let brace_token = syn::braced!(content in input);
        Ok(Self {
            attrs,
            unsafety,
            keyword,
            generics,
            trait_,
            self_ty,
            brace_token,
            inner_attrs: content.call(Attribute::parse_inner)?,
            members: members(&content)?,
        })
    }
}

impl Parse for Member {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        if is_function(&ahead) {
            input.parse().map(Box::new).map(Self::Function)
        } else if ahead.peek(Token![const]) {
            raw_member(input, Terminator::Semicolon).map(Self::Const)
        } else if ahead.peek(Token![type]) {
            raw_member(input, Terminator::Semicolon).map(Self::Type)
        } else {
            ahead.call(Path::parse_mod_style)?;
            ahead.parse::<Token![!]>()?;
            raw_member(input, Terminator::SemicolonOrBrace).map(Self::Macro)
        }
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let ws_attrs = attr::take_ws(&mut attrs);
        let vis = input.parse()?;
        let mut sig: Signature = input.parse()?;
        let input_ws_attrs = sig
            .inputs
            .iter_mut()
            .map(|input| match input {
                FnArg::Receiver(receiver) => attr::take_ws(&mut receiver.attrs),
                FnArg::Typed(argument) => attr::take_ws(&mut argument.attrs),
            })
            .collect();
        Ok(Self { attrs, ws_attrs, vis, sig, input_ws_attrs, body: input.parse()? })
    }
}

impl Parse for Body {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(token::Brace) {
            return input.parse().map(Self::None);
        }
        // Also finds the braces inside the invisible group that `$body:block` of `macro_rules!` leaves around them.
        let content;
        let brace = syn::braced!(content in input);
        let mut block = Group::new(Delimiter::Brace, content.parse()?);
        block.set_span(brace.span.join());
        Ok(Self::Block(block))
    }
}

impl ToTokens for Impl {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, unsafety, keyword, generics, trait_, self_ty, brace_token, inner_attrs, members } = self;
        let where_clause = &generics.where_clause;
        tokens.extend(quote! {
            #(#attrs)* #unsafety #keyword #generics #trait_ #self_ty #where_clause
        });
        brace_token.surround(tokens, |tokens| {
            tokens.append_all(inner_attrs);
            tokens.append_all(members);
        });
    }
}

impl ToTokens for ImplementedTrait {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { not, path, for_token } = self;
        tokens.extend(quote!(#not #path #for_token));
    }
}

impl ToTokens for Member {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Function(function) => function.to_tokens(tokens),
            Self::Const(raw) | Self::Type(raw) | Self::Macro(raw) => raw.to_tokens(tokens),
            // rustc finds the same error in it again, and shows it once.
            Self::Unfinished(unfinished) => tokens.extend(tokens::without_ws(unfinished.tokens.clone())),
        }
    }
}

impl ToTokens for RawMember {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.tokens.to_tokens(tokens);
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body, .. } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

impl ToTokens for Body {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::None(semicolon) => semicolon.to_tokens(tokens),
            Self::Block(block) => block.to_tokens(tokens),
        }
    }
}

fn supertraits(input: ParseStream<'_>) -> syn::Result<Punctuated<TypeParamBound, Token![+]>> {
    let mut supertraits = Punctuated::new();
    while !input.peek(Token![where]) && !input.peek(token::Brace) {
        supertraits.push_value(input.parse()?);
        if !input.peek(Token![+]) {
            break;
        }
        supertraits.push_punct(input.parse()?);
    }
    Ok(supertraits)
}

fn implemented_trait(input: ParseStream<'_>, not: Option<Token![!]>) -> syn::Result<(Option<ImplementedTrait>, Type)> {
    let ahead = input.fork();
    ahead.parse::<Type>()?;
    if !ahead.peek(Token![for]) {
        return Ok((None, input.parse()?));
    }
    let implemented = ImplementedTrait { not, path: input.parse()?, for_token: input.parse()? };
    Ok((Some(implemented), input.parse()?))
}

fn members(input: ParseStream<'_>) -> syn::Result<Vec<Member>> {
    let mut members = Vec::new();
    while !input.is_empty() {
        let ahead = input.fork();
        match ahead.parse() {
            Ok(member) => {
                input.advance_to(&ahead);
                members.push(member);
            }
            Err(_) => members.push(Member::Unfinished(input.parse()?)),
        }
    }
    Ok(members)
}

fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let qualifiers = || -> syn::Result<()> {
        ahead.parse::<Option<Token![const]>>()?;
        ahead.parse::<Option<Token![async]>>()?;
        ahead.parse::<Option<Token![unsafe]>>()?;
        ahead.parse::<Option<Abi>>()?;
        Ok(())
    };
    qualifiers().is_ok() && ahead.peek(Token![fn])
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminator {
    Semicolon,
    SemicolonOrBrace,
}

fn raw_member(input: ParseStream<'_>, terminator: Terminator) -> syn::Result<RawMember> {
    let attrs = input.call(Attribute::parse_outer)?;
    let mut tokens = TokenStream::new();
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let is_last = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => {
                group.delimiter() == Delimiter::Brace && terminator == Terminator::SemicolonOrBrace
            }
            _ => false,
        };
        tokens.append(token);
        if is_last {
            break;
        }
    }
    Ok(RawMember { attrs, tokens })
}
