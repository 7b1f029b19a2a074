//! The scenarios that ship with the crate.

use super::{Scenario, parse};

/// The names and texts of the scenarios in `scenarios/`.
macro_rules! embed {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),+]
    };
}

/// Every file of `scenarios/`, sorted by name.
const FILES: &[(&str, &str)] = embed![
    "attach-again",
    "both-ends-dropped",
    "chain-falls-while-sending",
    "clones-made-while-dropped",
    "close-against-send",
    "close-from-receive-side",
    "close-from-send-side",
    "closed-while-receiving",
    "crossing-releases",
    "crossing-releases-beside-a-third",
    "detach-lets-neighbour-in",
    "handle-dropped-away-from-owner",
    "last-clone-in-four-threads",
    "last-clone-in-three-threads",
    "last-clone-in-two-threads",
    "last-senders-wake-receiver",
    "mutual-receive",
    "mutual-receive-and-release",
    "nested-attach",
    "nested-ends-discarded-in-place",
    "one-message",
    "own-receive-end-refused",
    "owner-against-release",
    "owner-drops-beside-two-views",
    "owner-drops-in-flight",
    "owner-drops-while-read",
    "panic-drops-handle",
    "panic-drops-view",
    "panic-while-attached",
    "receive-before-send",
    "receive-end-into-a-crossing",
    "receive-end-lost-in-flight",
    "receive-end-moves-while-sending",
    "receive-end-through-channel",
    "receive-ends-crossing",
    "receive-ends-in-a-ring",
    "received-view-cloned",
    "recv-timeout-against-send",
    "recv-timeout-alone",
    "recv-timeout-then-receive",
    "relay",
    "release-attached-to-nobody",
    "release-attached-to-owner",
    "release-attached-to-receiver",
    "release-from-everywhere",
    "ring-of-three",
    "safepoint-lets-waiter-in",
    "send-away-from-owner",
    "send-end-lost-in-own-channel",
    "send-end-through-channel",
    "send-end-through-own-channel",
    "send-timeout-against-receive",
    "send-timeout-alone",
    "send-to-own-interpreter",
    "send-waits-for-space",
    "send-waits-then-closed",
    "send-waits-then-sender-closes",
    "slice-outlives-view",
    "space-for-two-waiting-senders",
    "thaw-after-release",
    "thaw-against-two-views",
    "thaw-against-view",
    "thaw-in-flight",
    "three-threads-of-one-interpreter",
    "try-send-full",
    "try-send-full-and-closed",
    "two-messages-in-order",
    "two-receivers-of-one-buffer",
    "two-senders-one-receiver",
    "two-senders-wait-at-once",
    "two-senders-wait-for-space",
    "two-threads-of-one-interpreter",
    "two-waiting-senders-lose-their-receiver",
    "two-waiting-senders-then-closed",
];

/// Parses every shipped scenario, sorted by name.
///
/// # Panics
///
/// If one is malformed, which a test of this crate excludes.
pub fn shipped() -> Vec<Scenario> {
    let parsed = FILES.iter().map(|(name, text)| parse(&format!("{name}.toml"), text));
    let scenarios: Result<_, _> = parsed.collect();
    scenarios.unwrap_or_else(|error| panic!("a shipped scenario is malformed: {error}"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{FILES, shipped};

    #[test]
    fn every_shipped_scenario_parses() {
        let parsed: Vec<String> = shipped().into_iter().map(|scenario| scenario.name).collect();
        let embedded: Vec<&str> = FILES.iter().map(|&(name, _)| name).collect();
        assert_eq!(parsed, embedded);
    }

    #[test]
    fn the_directory_holds_exactly_what_is_embedded() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let entries = std::fs::read_dir(&directory).expect("the directory of scenarios is readable");
        let mut present: Vec<String> = entries
            .map(|entry| entry.expect("an entry is readable").path())
            .filter(|path| path.extension() == Some(OsStr::new("toml")))
            .map(|path| path.file_stem().expect("a file has a stem").display().to_string())
            .collect();
        present.sort();
        let embedded: Vec<&str> = FILES.iter().map(|&(name, _)| name).collect();
        assert_eq!(present, embedded, "the files in {} differ from the list in this module", directory.display());
    }
}
