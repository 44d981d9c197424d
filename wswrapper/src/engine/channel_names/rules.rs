//! Rules for channels, by names and patterns.

use super::pattern::ChannelPattern;
use super::pattern_map::PatternMap;
use crate::proto::ChannelName;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Rules that are given for names and patterns. A name finds all that hold for it, joined beforehand.
pub(crate) struct ChannelRules<T> {
    names: HashMap<ChannelName, T, FixedState>,
    /// `None` if no rule is for a pattern.
    patterns: Option<Box<PatternMap<T>>>,
}

impl<T> ChannelRules<T> {
    /// Joins the rules of each set of names that the same rules hold for.
    pub(crate) fn new<R>(rules: &[(ChannelPattern, R)], join: impl Fn(&mut dyn Iterator<Item = &R>) -> T) -> Self {
        let mut sets = Vec::<ChannelPattern>::new();
        let add = |sets: &mut Vec<ChannelPattern>, set: ChannelPattern| {
            if !sets.iter().any(|known| known.is_like(&set)) {
                sets.push(set);
            }
        };
        for (pattern, _) in rules {
            // The names that match this rule and earlier ones. With them each intersection of rules has an entry, and the
            // most specific entry of a name is that of all rules that hold for it.
            for at in 0..sets.len() {
                if let Some(meet) = sets[at].meet(pattern) {
                    add(&mut sets, meet);
                }
            }
            add(&mut sets, pattern.clone());
        }
        let (mut names, mut patterns) = (HashMap::default(), None::<Box<PatternMap<T>>>);
        for set in sets {
            let joined = join(&mut rules.iter().filter(|(rule, _)| rule.covers(&set)).map(|(_, rule)| rule));
            if set.has_parameters() {
                let added = patterns.get_or_insert_default().entry(&set, || joined);
                debug_assert!(added.is_ok(), "no two sets have the same names");
            } else if let Ok(name) = ChannelName::new(set.text()) {
                names.insert(name, joined);
            }
        }
        Self { names, patterns }
    }

    /// Returns the rules for a name.
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        match (self.names.get(name), &self.patterns) {
            (None, Some(patterns)) => patterns.find(name).map(|(_, rules)| rules),
            (rules, _) => rules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ChannelRules;
    use crate::engine::channel_names::ChannelPattern;

    #[test]
    fn a_name_finds_all_rules_that_hold_for_it_in_their_order() {
        let texts = ["{a}/{b}", "doc/7", "doc/{id}", "{a}/7", "{a}/8/{c}", "x", "doc/{name}", "{a}/{b}/9"];
        let rules = texts.map(|text| (ChannelPattern::parse(text).expect("a valid pattern"), text));
        let joined = ChannelRules::new(&rules, |rules| rules.copied().collect::<Vec<_>>());
        for (name, expected) in [
            ("doc/7", Some(vec!["{a}/{b}", "doc/7", "doc/{id}", "{a}/7", "doc/{name}"])),
            ("doc/8", Some(vec!["{a}/{b}", "doc/{id}", "doc/{name}"])),
            ("img/7", Some(vec!["{a}/{b}", "{a}/7"])),
            ("img/8", Some(vec!["{a}/{b}"])),
            ("x", Some(vec!["x"])),
            ("a/8/9", Some(vec!["{a}/8/{c}", "{a}/{b}/9"])),
            ("a/8/1", Some(vec!["{a}/8/{c}"])),
            ("y", None),
            ("doc/", None),
        ] {
            assert_eq!(joined.find(name), expected.as_ref(), "{name}");
        }
    }
    #[test]
    fn a_search_finds_the_same_rules_as_a_comparison_with_each() {
        let mut random = fastrand::Rng::with_seed(17);
        let segments = ["a", "ab", "b", "", "{p}", "{q}", "{r}"];
        for _ in 0..500 {
            let rules: Vec<_> = (0..random.usize(1..7))
                .filter_map(|rule| {
                    let length = random.usize(1..4);
                    let text = (0..length).map(|_| segments[random.usize(..7)]).collect::<Vec<_>>().join("/");
                    Some((ChannelPattern::parse(&text).ok()?, rule))
                })
                .collect();
            let joined = ChannelRules::new(&rules, |rules| rules.copied().collect::<Vec<_>>());
            for _ in 0..200 {
                let length = random.usize(1..4);
                let name =
                    (0..length).map(|_| ["a", "ab", "b", "c", ""][random.usize(..5)]).collect::<Vec<_>>().join("/");
                let Ok(exact) = ChannelPattern::parse(&name) else { continue };
                let expected: Vec<_> =
                    rules.iter().filter(|(rule, _)| rule.covers(&exact)).map(|(_, rule)| *rule).collect();
                let found = joined.find(&name).cloned().unwrap_or_default();
                assert_eq!(
                    found,
                    expected,
                    "{name:?} {:?}",
                    rules.iter().map(|(rule, _)| rule.text()).collect::<Vec<_>>()
                );
            }
        }
    }
}
