//! `viewchan soak`: it passes, and it can fail.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{refuses, text, viewchan};

/// What the command printed, and its exit status.
fn soak(arguments: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut command = viewchan(&["soak", "--keep"]);
    let output = command.arg(directory.path()).args(arguments.split(' ')).output().expect("the command starts");
    (output.status.code(), text(&output.stdout).to_owned())
}

/// A short one passes, and says that it was too short to judge memory by.
#[test]
fn a_short_soak_passes() {
    let (status, said) = soak("--minutes 0.05 --seed 1 --rounds 5 --jobs 1");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("seed 1\n") && said.ends_with("PASS\n"), "{said}");
    assert!((said.contains(" 0 failed; ") || said.contains(" 0 failed, ")) && said.contains("memory "), "{said}");
}

/// Strategies with a flaw are found long before the time is over.
#[test]
fn flaws_are_found() {
    let flaws = [
        ("forgotten-release", "view", "G3: "),
        ("lock-at-clone", "view", "G1: "),
        ("lock-at-receive", "handover", "G1: "),
        ("lock-at-last-release", "deferred", "G1: "),
    ];
    for (flaw, strategy, says) in flaws {
        let (status, said) = soak(&format!("--minutes 20 --seed 1 --rounds 20 --strategy {strategy} --flaw {flaw}"));
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("FAIL: ") && said.contains(says) && said.contains("\nreplay: viewchan "), "{said}");
        assert!(said.ends_with("FAIL\n"), "{said}");
    }
}

/// What cannot be run is refused.
#[test]
fn wrong_soaks_are_refused() {
    refuses("soak", &["--minutes <N>"]);
    refuses("soak --minutes 0", &["invalid value '0' for '--minutes <N>'", "expected a number above 0"]);
    refuses("soak --minutes NaN", &["invalid value 'NaN' for '--minutes <N>'"]);
    refuses("soak --minutes 1 --flaw nonsense", &["no fault \"nonsense\" lives in the code"]);
    refuses("soak --minutes 1 --flaw view-drop", &["no fault \"view-drop\" lives in the code"]);
    refuses("soak --minutes 1 --flaw drop-does-not-publish", &["drop-does-not-publish is put into a site"]);
}
