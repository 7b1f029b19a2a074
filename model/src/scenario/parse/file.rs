//! The tables and keys of a file, before any name in it is resolved.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::error::{Checked, Problem};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Spanned<String>,
    pub(super) about: Spanned<String>,
    pub(super) tier: Spanned<TierName>,
    pub(super) preemptions: Option<Spanned<i64>>,
    pub(super) strategies: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(rename = "bounded-for")]
    pub(super) bounded_for: Option<Spanned<BTreeMap<Spanned<String>, Spanned<i64>>>>,
    pub(super) batch: Option<Spanned<i64>>,
    pub(super) defect: Option<Spanned<String>>,
    pub(super) fault: Option<Spanned<String>>,
    pub(super) interpreters: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) buffer: Vec<BufferTable>,
    #[serde(default)]
    pub(super) channel: Vec<ChannelTable>,
    #[serde(default)]
    pub(super) slot: Vec<SlotTable>,
    #[serde(default)]
    pub(super) thread: Vec<ThreadTable>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TierName {
    Exhaustive,
    Bounded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BufferTable {
    pub(super) name: Spanned<String>,
    pub(super) owner: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelTable {
    pub(super) name: Spanned<String>,
    pub(super) capacity: Option<Spanned<i64>>,
    pub(super) undelivered: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotTable {
    pub(super) name: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThreadTable {
    pub(super) name: Spanned<String>,
    #[serde(rename = "in")]
    pub(super) attached: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) holds: Vec<Spanned<String>>,
    pub(super) steps: Vec<Spanned<String>>,
}

impl File {
    pub(super) fn read(text: &str) -> Checked<Self> {
        toml::from_str(text).map_err(|error| Problem::from_toml(text, &error))
    }
}
