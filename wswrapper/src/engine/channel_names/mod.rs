//! Names of channels with parameters: `doc/{id}` is a pattern, `doc/7` a name that matches it.
//!
//! [`ChannelPattern`] is a pattern or, without parameters, a name. [`PatternMap`] finds the pattern of a name, and
//! [`ChannelRules`] all patterns for which something was said about that name: guards, layers and hooks. The values of
//! parameters are encoded in names, so that each value has one name; a guard for `doc/7` cannot be passed by another
//! spelling.

mod check;
mod pattern;
mod pattern_map;
mod rules;
mod value;

pub(crate) use check::{OnPattern, ParameterCheck, ParameterGuard, accepts};
pub(crate) use pattern::ChannelPattern;
pub(crate) use pattern_map::PatternMap;
pub(crate) use rules::ChannelRules;
pub(crate) use value::{decode_value, displays_as, encode_value};
