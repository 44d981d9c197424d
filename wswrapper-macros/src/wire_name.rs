use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Ident, LitStr};

/// The name of an event or of an error as it travels, and where the user wrote it.
pub(crate) struct WireName {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// How names become names on the wire, with the words and the results of serde.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenameRule {
    None,
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const RULES: [(&str, RenameRule); 8] = [
    ("lowercase", RenameRule::Lower),
    ("UPPERCASE", RenameRule::Upper),
    ("PascalCase", RenameRule::Pascal),
    ("camelCase", RenameRule::Camel),
    ("snake_case", RenameRule::Snake),
    ("SCREAMING_SNAKE_CASE", RenameRule::ScreamingSnake),
    ("kebab-case", RenameRule::Kebab),
    ("SCREAMING-KEBAB-CASE", RenameRule::ScreamingKebab),
];

/// What the protocol keeps to itself on the main channel (P-20).
const RESERVED: [&str; 6] = ["open", "connect", "message", "error", "close", "disconnect"];

impl WireName {
    pub(crate) fn of_method(method: &Ident, given: Option<&LitStr>, rule: RenameRule) -> Self {
        Self::new(method, given, |name| rule.apply_to_method(name))
    }

    pub(crate) fn of_variant(variant: &Ident, given: Option<&LitStr>, rule: RenameRule) -> Self {
        Self::new(variant, given, |name| rule.apply_to_variant(name))
    }

    pub(crate) fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.text.as_str())
    }

    fn new(ident: &Ident, given: Option<&LitStr>, rename: impl Fn(&str) -> String) -> Self {
        match given {
            Some(literal) => Self { text: literal.value(), span: literal.span() },
            None => Self { text: rename(&ident.unraw().to_string()), span: ident.span() },
        }
    }
}

impl RenameRule {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (_, rule) = RULES.iter().find(|(known, _)| *known == name)?;
        Some(*rule)
    }

    pub(crate) fn names() -> [&'static str; RULES.len()] {
        RULES.map(|(name, _)| name)
    }

    fn apply_to_method(self, method: &str) -> String {
        match self {
            Self::None | Self::Lower | Self::Snake => method.to_owned(),
            Self::Upper | Self::ScreamingSnake => method.to_ascii_uppercase(),
            Self::Pascal => method.split('_').map(capitalized).collect(),
            Self::Camel => uncapitalized(&Self::Pascal.apply_to_method(method)),
            Self::Kebab => method.replace('_', "-"),
            Self::ScreamingKebab => method.to_ascii_uppercase().replace('_', "-"),
        }
    }

    fn apply_to_variant(self, variant: &str) -> String {
        match self {
            Self::None | Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => uncapitalized(variant),
            Self::Snake | Self::ScreamingSnake | Self::Kebab | Self::ScreamingKebab => {
                self.apply_to_method(&snake_case(variant))
            }
        }
    }
}

fn capitalized(word: &str) -> String {
    map_first(word, |first| first.to_ascii_uppercase())
}

fn uncapitalized(word: &str) -> String {
    map_first(word, |first| first.to_ascii_lowercase())
}

fn map_first(word: &str, change: impl Fn(char) -> char) -> String {
    let mut chars = word.chars();
    chars.next().map(change).into_iter().chain(chars).collect()
}

fn snake_case(pascal: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in pascal.char_indices() {
        if at > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::RenameRule;

    #[test]
    fn methods_and_variants_are_renamed_as_serde_renames_fields_and_variants() {
        let renamed = RenameRule::names().map(|name| {
            let rule = RenameRule::named(name).unwrap();
            (rule.apply_to_method("read_file"), rule.apply_to_variant("ReadFile"))
        });
        let expected = [
            ("read_file", "readfile"),
            ("READ_FILE", "READFILE"),
            ("ReadFile", "ReadFile"),
            ("readFile", "readFile"),
            ("read_file", "read_file"),
            ("READ_FILE", "READ_FILE"),
            ("read-file", "read-file"),
            ("READ-FILE", "READ-FILE"),
        ];
        assert_eq!(renamed, expected.map(|(method, variant)| (method.to_owned(), variant.to_owned())));
    }
}
