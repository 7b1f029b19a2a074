//! `viewchan generate`: it passes, it can fail, and what fails is a small scenario in a file that replays.

mod common;

use common::{VIEWCHAN, refuses, text, viewchan};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use viewchan_model::check::Engine;
use viewchan_model::job::{self, Job, Task};
use viewchan_model::report::Verdict;
use viewchan_model::scenario::{Scenario, Strategy};

/// What the command printed, and its exit status.
fn generate(arguments: &str, keep: &Path) -> (Option<i32>, String) {
    // One process at a time: so the first scenario that fails is the same each time.
    let mut command = viewchan(&["generate", "--jobs", "1", "--keep"]);
    // A failing strategy may panic: its backtrace would take longer than the run.
    let output = command.arg(keep).args(arguments.split(' ')).env("RUST_BACKTRACE", "0").output();
    let output = output.expect("the command starts");
    (output.status.code(), text(&output.stdout).to_owned())
}

/// A scenario that a planted fault was found with, and how to replay it.
struct Caught {
    /// Where its file is.
    _directory: TempDir,
    scenario: Scenario,
    /// The arguments of `viewchan`.
    replay: Vec<String>,
    said: String,
}

/// Runs a series with a planted fault: it must be found, made small and written.
#[track_caller]
fn catch(arguments: &str) -> Caught {
    catch_within(10, arguments)
}

/// The same, with at most so many steps left.
#[track_caller]
fn catch_within(most: usize, arguments: &str) -> Caught {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (status, said) = generate(arguments, directory.path());
    assert_eq!(status, Some(1), "{said}");
    let replay = said.lines().find_map(|line| line.strip_prefix("replay: viewchan ")).expect("how to replay it");
    let replay: Vec<String> = replay.split(' ').map(str::to_owned).collect();
    let file = replay.iter().find(|word| word.ends_with(".toml")).expect("a file");
    assert!(Path::new(file).starts_with(directory.path()), "{file}");
    let scenario = job::load(file).unwrap_or_else(|error| panic!("{error}"));
    let steps: usize = scenario.threads.iter().map(|thread| thread.preorder().len()).sum();
    assert!(steps <= most, "this can be smaller: {scenario:#?}");
    Caught { _directory: directory, scenario, replay, said }
}

/// Replays what was caught in the real code: it must break this guarantee again, or, with none, leave the specification.
#[track_caller]
fn replays(caught: &Caught, guarantee: Option<&str>) {
    let says = guarantee.map_or(", but wants: ".to_owned(), |guarantee| format!("  {guarantee}: "));
    assert!(caught.said.contains(&says), "{}", caught.said);
    let [job, origin, strategy, task @ ..] = caught.replay.as_slice() else { panic!("{}", caught.said) };
    assert_eq!(job, "job");
    let task = Task::parse(&task.iter().map(String::as_str).collect::<Vec<_>>()).expect("a task");
    let strategy = Strategy::from_name(strategy).expect("a strategy");
    let job = Job { origin, scenario: &caught.scenario, strategy, task };
    let run = job::run(Path::new(VIEWCHAN), &job, Duration::from_secs(10)).expect("the command starts");
    assert_eq!(run.verdict, Verdict::Fail);
    assert_eq!(run.violations[0].guarantee.as_deref(), guarantee, "{run:#?}");
}

/// Every engine of this build passes a short series, and says what it consisted of.
#[test]
fn a_series_passes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for engine in Engine::AVAILABLE.iter().map(|engine| engine.name()) {
        let (status, said) = generate(&format!("--engine {engine} --size tiny --cases 60 --seed 1"), directory.path());
        assert_eq!(status, Some(0), "{said}");
        assert!(said.starts_with("seed 1\n") && said.ends_with("PASS: 60 scenarios\n"), "{said}");
        assert!(said.contains("\nscenarios by strategy: deferred 10, epoch 10, handover 10, proxy 10"), "{said}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 0, "nothing failed");
}

/// A faulty specification is found, and drawn on the file that was written.
#[test]
fn faults_of_the_specification_are_found() {
    for (fault, strategy) in [("no-lock-at-release", "view"), ("discard-leaks", "handover"), ("panic-leaks", "shared")]
    {
        let caught =
            catch(&format!("--engine spec --size small --cases 2000 --seed 1 --strategy {strategy} --flaw {fault}"));
        assert_eq!(&caught.replay[..3], ["explain", fault, "--scenario"]);
        let output = viewchan(&[]).args(&caught.replay).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(0), "it breaks its guarantee: {}", text(&output.stderr));
    }
}

/// Flaws in the code are found under loom.
#[cfg(feature = "loom")]
#[test]
fn flaws_are_found_under_loom() {
    let flaws = [
        ("double-release", "view", Some("G3")),
        ("lock-at-receive", "handover", Some("G1")),
        ("own-lock-kept", "view", Some("G6")),
    ];
    for (flaw, strategy, guarantee) in flaws {
        let series = "--engine loom --size small --cases 2000 --seed 1";
        replays(&catch(&format!("{series} --strategy {strategy} --flaw {flaw}")), guarantee);
    }
}

/// Flaws in the code are found under shuttle.
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
#[test]
fn flaws_are_found_under_shuttle() {
    let flaws = [
        ("double-release", "view", Some("G3")),
        ("lock-at-receive", "handover", Some("G1")),
        ("forgotten-release", "view", None),
    ];
    for (flaw, strategy, guarantee) in flaws {
        let series = "--engine shuttle --size middle --cases 2000 --seed 1";
        replays(&catch(&format!("{series} --strategy {strategy} --flaw {flaw}")), guarantee);
    }
}

/// Flaws in the code are found on real threads. What shows in a race does not show each time that it could be made smaller.
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[test]
fn flaws_are_found_on_real_threads() {
    let flaws = [
        ("forgotten-release", "view", Some("G3")),
        ("lock-at-clone", "view", Some("G1")),
        ("lock-at-receive", "handover", Some("G1")),
    ];
    for (flaw, strategy, guarantee) in flaws {
        let series = "--engine threads --size large --cases 2000 --seed 1";
        replays(&catch_within(30, &format!("{series} --strategy {strategy} --flaw {flaw}")), guarantee);
    }
}

/// A deadlock is a hang on real threads: it is noticed, and told from a slow run by its limit alone.
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[test]
fn a_hang_is_found_on_real_threads() {
    let series = "--engine threads --size small --cases 2000 --seed 1 --rounds 30 --limit 1";
    replays(&catch(&format!("{series} --strategy view --flaw own-lock-kept")), Some("G6"));
}

/// What cannot be run is refused.
#[test]
fn wrong_series_are_refused() {
    refuses("generate", &["--engine <ENGINE>"]);
    refuses("generate --engine warp", &["invalid value 'warp' for '--engine <ENGINE>'"]);
    refuses("generate --engine spec --cases 0", &["invalid value '0' for '--cases <N>'"]);
    refuses("generate --engine spec --size huge", &["invalid value 'huge' for '--size <SIZE>'"]);
    refuses("generate --engine spec --size large", &["large scenarios are too big for the engine spec"]);
    refuses("generate --engine spec --flaw nonsense", &["the specification has no fault \"nonsense\""]);
    refuses(
        "generate --engine spec --strategy view --flaw no-lock-at-clone",
        &["no-lock-at-clone is no flaw of these strategies, but of shared"],
    );
    let missing = if cfg!(feature = "loom") { "threads" } else { "loom" };
    refuses(&format!("generate --engine {missing}"), &[&format!("this build has no engine {missing}: build with")]);
}
