//! Values by the pattern of a channel.

use super::pattern::ChannelPattern;
use std::fmt;

/// A map from patterns to values. A name finds the most specific pattern that it matches.
pub(crate) struct PatternMap<T> {
    /// The positions in `entries`.
    tree: matchit::Router<usize>,
    entries: Vec<(ChannelPattern, T)>,
}

impl<T> PatternMap<T> {
    /// Returns the value of a pattern, which is added if it is not there. Fails with a pattern of other parameters that the
    /// same names match.
    pub(crate) fn entry(
        &mut self,
        pattern: &ChannelPattern,
        default: impl FnOnce() -> T,
    ) -> Result<&mut T, ChannelPattern> {
        let added = self.entries.iter().position(|(added, _)| added.text() == pattern.text());
        let at = match added {
            Some(at) => at,
            None => {
                let at = self.entries.len();
                if self.tree.insert(pattern.route(), at).is_err() {
                    let like = self.entries.iter().find(|(added, _)| added.is_like(pattern));
                    return Err(like.map_or_else(|| pattern.clone(), |(added, _)| added.clone()));
                }
                self.entries.push((pattern.clone(), default()));
                at
            }
        };
        Ok(&mut self.entries[at].1)
    }

    /// Returns the most specific pattern that a name matches, with its value.
    pub(crate) fn find(&self, name: &str) -> Option<(&ChannelPattern, &T)> {
        let at = *self.tree.at(name).ok()?.value;
        self.entries.get(at).map(|(pattern, value)| (pattern, value))
    }

    /// Returns the value of exactly this pattern.
    pub(crate) fn get(&self, pattern: &str) -> Option<&T> {
        self.entries.iter().find(|(added, _)| added.text() == pattern).map(|(_, value)| value)
    }

    /// Returns the patterns.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &ChannelPattern> {
        self.entries.iter().map(|(pattern, _)| pattern)
    }
}

impl<T> Default for PatternMap<T> {
    fn default() -> Self {
        Self { tree: matchit::Router::new(), entries: Vec::new() }
    }
}

impl<T> fmt::Debug for PatternMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.patterns()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::PatternMap;
    use crate::engine::channel_names::ChannelPattern;

    fn map(patterns: &[&str]) -> PatternMap<()> {
        let mut map = PatternMap::default();
        for text in patterns {
            let pattern = ChannelPattern::parse(text).expect("a valid pattern");
            map.entry(&pattern, || ()).expect("no conflict");
        }
        map
    }

    #[test]
    fn a_name_finds_the_most_specific_pattern() {
        let map = map(&["{a}/{b}", "doc/{id}", "{a}/x", "doc/{id}/{part}", "{one}", "//{z}", "doc/{id}/"]);
        for (name, found) in [
            ("doc/7", Some("doc/{id}")),
            ("doc/x", Some("doc/{id}")),
            ("img/x", Some("{a}/x")),
            ("img/y", Some("{a}/{b}")),
            ("doc", Some("{one}")),
            ("doc/7/8", Some("doc/{id}/{part}")),
            ("doc/7/", Some("doc/{id}/")),
            ("//z", Some("//{z}")),
            ("doc/", None),
            ("/x", None),
            ("", None),
            ("doc/7/8/9", None),
        ] {
            assert_eq!(map.find(name).map(|(pattern, ())| pattern.text()), found, "{name:?}");
        }
    }

    #[test]
    fn patterns_that_the_same_names_match_are_a_conflict() {
        let mut map = map(&["doc/{id}", "{x}/{y}", "doc/{id}/a"]);
        for (text, conflict) in
            [("doc/{name}", Some("doc/{id}")), ("{a}/{b}", Some("{x}/{y}")), ("doc/{id}", None), ("doc/{name}/b", None)]
        {
            let pattern = ChannelPattern::parse(text).expect("a valid pattern");
            let error = map.entry(&pattern, || ()).err();
            assert_eq!(error.as_ref().map(ChannelPattern::text), conflict, "{text}");
        }
    }
}
