//! Which names and texts are accepted.

/// Maximum length of the name of a person or a room, in characters.
pub(crate) const MAX_NAME: usize = 24;

/// Returns the name without surrounding white space, or `None` if it is none.
pub(crate) fn name(text: &str) -> Option<&str> {
    let name = text.trim();
    let is_name = name.chars().count() <= MAX_NAME && is_visible(name) && !name.chars().any(is_forbidden_in_name);
    is_name.then_some(name)
}

/// Returns true if `text` has a visible character.
pub(crate) fn is_visible(text: &str) -> bool {
    text.chars().any(|character| !character.is_whitespace() && !is_invisible(character))
}

/// Returns true for invisible characters, because they make different names look the same. Many emoji contain U+FE0F.
fn is_forbidden_in_name(character: char) -> bool {
    is_invisible(character) && character != '\u{fe0f}'
}

/// Returns true for control characters, characters that change the direction of text, and blank ones.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}
