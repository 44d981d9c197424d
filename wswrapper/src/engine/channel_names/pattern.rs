//! The names of channels with parameters.

use crate::error::MountError;
use crate::proto::ChannelName;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The name of a channel, or a pattern of names: `doc/{id}`.
///
/// A parameter stands for a whole segment between slashes. In a concrete name its value has `/`, `%`, `{` and `}`
/// percent-encoded, and nothing else, so a value has one name.
#[derive(Clone, Debug)]
pub(crate) struct ChannelPattern {
    text: Arc<str>,
    segments: Arc<[Segment]>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Fixed(Box<str>),
    Parameter(Box<str>),
}

impl ChannelPattern {
    /// Reads a pattern. Fails if the name is empty, or a brace does not belong to a parameter.
    pub(crate) fn parse(text: &str) -> Result<Self, MountError> {
        ChannelName::check(text)?;
        let invalid = || MountError::ChannelPattern(text.to_owned());
        let segments = text.split('/').map(|segment| Segment::parse(segment).ok_or_else(invalid));
        let segments = segments.collect::<Result<Arc<[_]>, _>>()?;
        let mut names = HashSet::new();
        let mut parameters = segments.iter().filter_map(Segment::parameter);
        if parameters.all(|name| names.insert(name)) {
            Ok(Self { text: text.into(), segments })
        } else {
            Err(invalid())
        }
    }

    /// Returns the pattern as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the names of the parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::parameter)
    }

    /// Returns true if the pattern has parameters.
    pub(crate) fn has_parameters(&self) -> bool {
        self.parameters().next().is_some()
    }

    /// Returns the encoded value of a parameter in the name of a channel that matches.
    pub(crate) fn value<'n>(&self, parameter: &str, channel: &'n str) -> Option<&'n str> {
        let position = self.segments.iter().position(|segment| segment.parameter() == Some(parameter))?;
        channel.split('/').nth(position)
    }

    /// Returns the encoded values of all parameters in the name of a channel that matches.
    pub(crate) fn values<'n>(&self, channel: &'n str) -> impl Iterator<Item = &'n str> {
        let segments = self.segments.iter().zip(channel.split('/'));
        segments.filter(|(segment, _)| segment.parameter().is_some()).map(|(_, value)| value)
    }

    /// Returns true if all names of `other` match this pattern too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let mut pairs = self.segments.iter().zip(&*other.segments);
        self.segments.len() == other.segments.len()
            && pairs.all(|(own, other)| own == other || own.parameter().is_some() && !other.is_empty())
    }

    /// Returns true if exactly the same names match both patterns. Their parameters may have other names.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }

    /// Returns the pattern of the names that match both patterns, if there are any.
    pub(crate) fn meet(&self, other: &Self) -> Option<Self> {
        if self.segments.len() != other.segments.len() {
            return None;
        }
        let pairs = self.segments.iter().zip(&*other.segments);
        let segments = pairs.map(|(own, other)| match (own, other) {
            (Segment::Parameter(_), other) if !other.is_empty() => Some(other.clone()),
            (own, Segment::Parameter(_)) if !own.is_empty() => Some(own.clone()),
            (own, other) => (own == other).then(|| own.clone()),
        });
        let segments = segments.collect::<Option<Arc<[_]>>>()?;
        let text = segments.iter().map(ToString::to_string).collect::<Vec<_>>().join("/").into();
        Some(Self { text, segments })
    }

    /// Returns the pattern as `matchit` writes it. The names of parameters do not matter there.
    pub(super) fn route(&self) -> String {
        let segments = self.segments.iter().enumerate().map(|(at, segment)| match segment {
            Segment::Fixed(text) => text.to_string(),
            Segment::Parameter(_) => format!("{{p{at}}}"),
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) if is_identifier(name) => Some(Self::Parameter(name.into())),
            None if !text.contains(['{', '}']) => Some(Self::Fixed(text.into())),
            _ => None,
        }
    }

    fn parameter(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Parameter(name) => Some(name),
        }
    }

    /// A value is never empty.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Fixed(text) if text.is_empty())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(text) => f.write_str(text),
            Self::Parameter(name) => write!(f, "{{{name}}}"),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && name != "_"
}

#[cfg(test)]
mod tests {
    use super::ChannelPattern;
    use crate::error::MountError;

    fn pattern(text: &str) -> ChannelPattern {
        ChannelPattern::parse(text).expect("a valid pattern")
    }

    #[test]
    fn a_parameter_is_a_whole_segment_with_a_name() {
        for text in ["doc/{id}", "{a}/{b}/{a1}", "{_x}", "a//{b}", "/", "plain"] {
            assert_eq!(pattern(text).text(), text);
        }
        for text in ["{}", "a{id}", "{id}a", "{id", "id}", "{a b}", "{1}", "{_}", "{a}/{a}", "{{id}}", "{*rest}", "a/{"]
        {
            let error = ChannelPattern::parse(text).expect_err(text);
            assert_eq!(error, MountError::ChannelPattern(text.to_owned()));
        }
        assert!(matches!(ChannelPattern::parse(""), Err(MountError::Name(_))));
    }

    #[test]
    fn values_are_found_by_their_segments() {
        let pattern = pattern("doc/{id}/of/{owner}");
        assert_eq!(pattern.value("owner", "doc/7/of/ada"), Some("ada"));
        assert_eq!(pattern.value("other", "doc/7/of/ada"), None);
        assert_eq!(pattern.values("doc/7/of/ada").collect::<Vec<_>>(), ["7", "ada"]);
    }

    #[test]
    fn the_names_of_two_patterns_meet() {
        let meet = |a, b| pattern(a).meet(&pattern(b)).map(|meet| meet.text().to_owned());
        assert_eq!(meet("doc/{id}", "{kind}/7").as_deref(), Some("doc/7"));
        assert_eq!(meet("doc/{id}", "doc/{name}").as_deref(), Some("doc/{name}"));
        assert_eq!(meet("doc/{id}", "doc"), None);
        assert_eq!(meet("doc/{id}", "img/{id}"), None);
        assert_eq!(meet("doc/{id}", "doc/"), None);
    }
}
