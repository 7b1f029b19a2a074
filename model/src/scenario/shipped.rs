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
    "collected-at-attach",
    "collected-at-safepoint",
    "collected-at-send",
    "crossing-releases",
    "crossing-releases-beside-a-third",
    "d01-releases-beyond-any-limit",
    "d02-wait-beside-an-unrelated-channel",
    "d03-owner-entered-from-within-a-close",
    "d04-end-with-a-channel-in-a-channel",
    "d05-channel-that-contains-itself",
    "d06-closed-while-a-sender-waits",
    "d07-timeout-races-receive",
    "d08-removing-the-last-keeps-the-next",
    "d09-receive-races-the-owners-end",
    "d10-view-outlives-its-owner",
    "d11-messages-left-in-a-channel",
    "d12-wait-behind-a-deadline",
    "d13-refused-send-leaks-nothing",
    "d14-released-exactly-once",
    "detach-lets-neighbour-in",
    "discard-returns",
    "end-against-a-deadline",
    "end-against-close",
    "end-against-end",
    "end-against-receive",
    "end-against-release",
    "end-against-send",
    "end-from-within",
    "end-interrupts-a-receiver",
    "end-interrupts-a-sender",
    "end-interrupts-no-stranger",
    "end-refuses-a-panic",
    "end-refuses-attach",
    "end-refuses-nested-attach",
    "end-twice",
    "end-while-detached",
    "ends-used-after-the-end",
    "errand-against-attach",
    "errand-passes-at-departure",
    "errand-while-another-returns",
    "handle-dropped-away-from-owner",
    "handover-discarded-by-close",
    "handover-thaw-refused-in-flight",
    "handover-withdrawn-after-timeout",
    "last-clone-in-four-threads",
    "last-clone-in-three-threads",
    "last-clone-in-two-threads",
    "last-senders-wake-receiver",
    "last-to-leave-ends",
    "mutual-ends",
    "mutual-receive",
    "mutual-receive-and-release",
    "nested-attach",
    "nested-ends-discarded-in-place",
    "one-message",
    "outbox-of-two-owners",
    "own-receive-end-refused",
    "owner-against-release",
    "owner-drops-beside-two-views",
    "owner-drops-in-flight",
    "owner-drops-while-read",
    "owner-ends-while-published",
    "pair-meets-pair",
    "panic-drops-handle",
    "panic-drops-view",
    "panic-while-attached",
    "peek-against-publish",
    "proxy-for-nobody",
    "proxy-joins-in-one-thread",
    "proxy-joins-in-two-threads",
    "proxy-release-against-join",
    "proxy-replaced-while-released",
    "proxy-sought-while-released",
    "publish-away-from-owner",
    "published-by-two-owners",
    "publisher-gone-while-read",
    "reader-gone-last",
    "reading-dropped-by-panic",
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
    "released-in-pairs",
    "replaced-while-read",
    "return-against-end",
    "return-to-an-idle-owner",
    "return-while-owner-is-attached",
    "return-while-owner-is-detached",
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
    "shared-clone-against-release",
    "shared-clone-against-thaw",
    "slice-outlives-view",
    "space-for-two-waiting-senders",
    "subscriber-cloned-while-dropped",
    "thaw-after-release",
    "thaw-after-slot-is-gone",
    "thaw-against-two-views",
    "thaw-against-view",
    "thaw-in-flight",
    "thaw-refused-while-published",
    "three-threads-of-one-interpreter",
    "try-send-full",
    "try-send-full-and-closed",
    "two-messages-in-order",
    "two-readers-of-one-value",
    "two-readings-of-one-thread",
    "two-receivers-of-one-buffer",
    "two-returns-at-once",
    "two-senders-one-receiver",
    "two-senders-wait-at-once",
    "two-senders-wait-for-space",
    "two-threads-of-one-interpreter",
    "two-values-kept-by-one-reading",
    "two-waiting-senders-lose-their-receiver",
    "two-waiting-senders-then-closed",
    "undelivered-changes-between-messages",
    "undelivered-is-inherited",
    "undelivered-removed-then-closed",
    "undelivered-removed-while-attached",
    "undelivered-travels-with-its-end",
    "views-cloned-after-the-end",
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

    use super::FILES;
    use crate::scenario::parse;

    #[test]
    fn every_file_parses_and_is_in_order() {
        let parse = |&(name, text): &(&str, &str)| {
            parse(&format!("{name}.toml"), text).unwrap_or_else(|error| panic!("{error}"))
        };
        let names: Vec<String> = FILES.iter().map(parse).map(|scenario| scenario.name).collect();
        assert!(names.is_sorted());
        assert!(super::shipped().into_iter().map(|scenario| scenario.name).eq(names));
    }

    /// Each defect of CPython has one regression scenario, which begins with its number.
    #[test]
    fn every_defect_has_its_scenario() {
        let mut found: Vec<(String, String)> = FILES
            .iter()
            .map(|&(name, text)| parse(&format!("{name}.toml"), text).expect("it parses"))
            .filter_map(|scenario| Some((scenario.defect?, scenario.name)))
            .collect();
        found.sort_by_key(|(_, name)| name.clone());
        let defects: Vec<&str> = found.iter().map(|(defect, _)| defect.as_str()).collect();
        assert_eq!(defects, (1..=14).map(|number| format!("D{number}")).collect::<Vec<_>>());
        for (number, (_, name)) in (1..).zip(&found) {
            assert!(name.starts_with(&format!("d{number:02}-")), "{name}");
        }
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
