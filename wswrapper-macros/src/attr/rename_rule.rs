use super::meta_items::MetaItems;
use crate::errors::Errors;
use crate::text;

/// A conversion of names into names on the wire. The rules have serde's names and give serde's results.
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

impl RenameRule {
    pub(super) fn read(items: &MetaItems, errors: &mut Errors) -> Self {
        let Some(literal) = items.literal("rename_all", errors) else {
            return Self::None;
        };
        let name = literal.value();
        Self::named(&name).unwrap_or_else(|| {
            errors.push(&literal, text::unknown_rename_rule(&name, &Self::names()));
            Self::None
        })
    }

    fn named(name: &str) -> Option<Self> {
        let (_, rule) = RULES.iter().find(|(known, _)| *known == name)?;
        Some(*rule)
    }

    fn names() -> [&'static str; RULES.len()] {
        RULES.map(|(name, _)| name)
    }

    pub(crate) fn apply_to_method(self, method: &str) -> String {
        match self {
            Self::None | Self::Lower | Self::Snake => method.to_owned(),
            Self::Upper | Self::ScreamingSnake => method.to_ascii_uppercase(),
            Self::Pascal => method.split('_').map(capitalized).collect(),
            Self::Camel => uncapitalized(&Self::Pascal.apply_to_method(method)),
            Self::Kebab => method.replace('_', "-"),
            Self::ScreamingKebab => method.to_ascii_uppercase().replace('_', "-"),
        }
    }

    pub(crate) fn apply_to_variant(self, variant: &str) -> String {
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
    fn rename_rules_match_those_of_serde() {
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
