//! The engine on shuttle: what it runs to the end, what it refutes, and what becomes of a schedule that fails.
#![cfg(all(feature = "shuttle", not(feature = "loom")))]

mod common;

use common::{complaints, refuses, run, run_under, text, viewchan};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use viewchan_model::engine::recording::{Recording, SHUTTLE};
use viewchan_model::engine::sampling::{Sampling, Scheduler};
use viewchan_model::fault::{CODE_FAULTS, CodeFault, How, Planted, UNSEEN_BY_SHUTTLE};
use viewchan_model::job::{Task, load};
use viewchan_model::report::{Run, Verdict};
use viewchan_model::scenario::Strategy;
use viewchan_model::spec::{Rules, explore};

/// Scenarios of which dfs comes to the end, under each of their strategies.
const TINY: &[&str] = &[
    "attach-again",
    "clones-made-while-dropped",
    "d05-channel-that-contains-itself",
    "d13-refused-send-leaks-nothing",
    "d14-released-exactly-once",
    "end-against-end",
    "end-against-send",
    "end-refuses-a-panic",
    "end-refuses-attach",
    "end-refuses-nested-attach",
    "end-twice",
    "last-clone-in-two-threads",
    "last-to-leave-ends",
    "nested-ends-discarded-in-place",
    "panic-while-attached",
    "recv-timeout-alone",
    "return-to-an-idle-owner",
    "send-timeout-alone",
    "shared-clone-against-release",
    "two-threads-of-one-interpreter",
];

const DFS: Sampling = Sampling { scheduler: Scheduler::Dfs, iterations: 20_000, seed: 0 };
const CHOSEN: [Scheduler; 3] = [Scheduler::Random, Scheduler::Pct { depth: 3 }, Scheduler::Urw];

fn shipped(sampling: Sampling) -> Task {
    Task::Shuttle { planted: Planted::Nothing, sampling, keep: None }
}

fn planted(planted: Planted) -> Task {
    Task::Shuttle { planted, sampling: Sampling::OF_FAULTS, keep: None }
}

#[track_caller]
fn assert_passes(run: &Run) {
    assert_eq!(run.verdict, Verdict::Pass, "{run:#?}");
    assert!(run.violations.is_empty() && !run.truncated && run.schedule.is_none(), "{run:#?}");
    // Of a crowd only each step can be held against the specification: its outcomes are not known.
    assert_ne!(run.agrees_with_spec, run.scenario.starts_with("crowd-"), "{run:#?}");
}

/// A large scenario passed: no state is remembered, and nothing compared with outcomes that nobody knows.
#[track_caller]
fn assert_followed(run: &Run) {
    assert_eq!(run.verdict, Verdict::Pass, "{run:#?}");
    assert!(!run.agrees_with_spec && run.states == 0 && run.outcomes.is_empty(), "{run:#?}");
}

/// The code under test is built on shuttle, else nothing below means anything.
#[test]
fn the_backend_is_shuttle() {
    assert_eq!(viewchan::sync::BACKEND, "shuttle");
}

/// Schedules name a version: it is the one that is built.
#[test]
fn the_version_is_that_of_the_lock_file() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock = std::fs::read_to_string(lock).expect("the lock file is in the root of the repository");
    assert!(lock.contains(&format!("name = \"shuttle\"\nversion = \"{SHUTTLE}\"\n")));
}

/// A second exhaustive opinion: every interleaving has outcomes and states of the specification, and together they have all of
/// them. Loom's are the same, by its own comparison.
#[test]
fn dfs_agrees_with_the_specification() {
    for name in TINY {
        let scenario = load(name).expect("shipped");
        for &strategy in &scenario.strategies {
            let run = run_under(strategy, name, &shipped(DFS));
            assert_passes(&run);
            let specified = explore(&Rules::new(&scenario, strategy), None).expect("no limit was set");
            assert_eq!((run.engine.as_str(), run.mode.as_deref()), ("shuttle", Some("dfs")));
            assert_eq!(run.tier, "exhaustive");
            assert!(run.outcomes.iter().eq(&specified.outcomes), "{name}, {}", strategy.name());
            assert_eq!(run.states, specified.states.len(), "{name}, {}", strategy.name());
        }
    }
}

/// dfs that is not allowed as many executions as there are has failed: it does not stop as if that were all.
#[test]
fn dfs_does_not_stop_quietly() {
    let all = run("end-against-end", &shipped(DFS)).executions;
    let some = Sampling { iterations: usize::try_from(all).expect("few") - 1, ..DFS };
    let says = format!("dfs did not come to its end in {} executions", some.iterations);
    let complaints = complaints(&run("end-against-end", &shipped(some)));
    assert!(complaints.iter().any(|why| why.starts_with(&says)), "{complaints:?}");
    assert_passes(&run("end-against-end", &shipped(Sampling { iterations: some.iterations + 1, ..DFS })));
}

/// The other schedulers do as many executions as they were asked for, claim no more, and do the same ones again.
#[test]
fn chance_has_a_number_and_a_seed() {
    let mut states = BTreeSet::new();
    for scheduler in CHOSEN {
        for seed in [1, 2] {
            let task = shipped(Sampling { scheduler, iterations: 20, seed });
            let first = run("crossing-releases", &task);
            assert_passes(&first);
            assert_eq!((first.tier.as_str(), first.mode.as_deref()), ("bounded", Some(scheduler.name())));
            assert_eq!(first.executions, 20);
            let again = run("crossing-releases", &task);
            assert_eq!((first.states, &first.outcomes), (again.states, &again.outcomes));
            states.insert(first.states);
        }
    }
    assert!(states.len() > 1, "{states:?}");
}

/// Where exploration under loom needs them all, some executions of each scheduler have to do: they are lawful.
#[test]
fn middling_scenarios_pass() {
    // The last one has a single thread.
    let middling = ["last-clone-in-four-threads", "two-senders-wait-for-space", "end-against-receive", "end-twice"];
    for name in middling {
        for scheduler in CHOSEN {
            assert_passes(&run(name, &shipped(Sampling { scheduler, iterations: 50, seed: 7 })));
        }
    }
}

fn logic_faults() -> impl Iterator<Item = CodeFault> {
    CODE_FAULTS.iter().copied().filter(|fault| fault.is_seen_by_shuttle())
}

/// Every fault of logic is refuted, with a seed that does not change.
#[test]
fn every_logic_fault_is_refuted() {
    assert!(logic_faults().count() >= 30);
    for fault in logic_faults() {
        let complaints = complaints(&run_under(fault.strategy, fault.scenario, &planted(Planted::Fault(fault))));
        assert!(complaints.iter().any(|why| why.contains(fault.says)), "{}: {complaints:?}", fault.name);
    }
}

/// It is the flaw that is refuted: the strategies that carry them pass without one.
#[test]
fn the_control_passes_wherever_a_flaw_is_refuted() {
    let flaws = CODE_FAULTS.iter().filter(|fault| fault.how == How::Strategy);
    let places: BTreeSet<(&str, &str)> = flaws.map(|fault| (fault.scenario, fault.strategy.name())).collect();
    for (scenario, strategy) in places {
        let strategy = Strategy::from_name(strategy).expect("it is its name");
        assert_passes(&run_under(strategy, scenario, &planted(Planted::Control)));
    }
}

/// What shuttle is said not to see, it does not see. When that changes, the list is wrong.
#[test]
fn what_is_unseen_is_unseen() {
    for (name, reason) in UNSEEN_BY_SHUTTLE {
        let fault = CodeFault::from_name(name).expect("a fault");
        let run = run_under(fault.strategy, fault.scenario, &planted(Planted::Fault(fault)));
        assert_eq!(run.verdict, Verdict::Pass, "{name}: {reason}: {run:#?}");
    }
}

/// A weaker ordering would show nothing here, and is not planted as if it could.
#[test]
fn weakened_orderings_are_refused() {
    for name in ["drop-does-not-publish", "publish-shows-nothing"] {
        let fault = Planted::from_name(name).expect("a fault");
        let complaints = complaints(&run("last-clone-in-two-threads", &planted(fault)));
        assert!(complaints.iter().all(|why| why.contains("all orderings are SeqCst to shuttle")), "{complaints:?}");
    }
}

/// The seed in the environment would take the place of the one that was given.
#[test]
fn variables_that_change_the_seed_are_refused() {
    for arguments in [&["check", "one-message"][..], &["job", "one-message", "view", "shuttle", "-", "urw", "5", "1"]] {
        let output = viewchan(arguments).env("SHUTTLE_RANDOM_SEED", "1").output().expect("the command starts");
        common::assert_refused(&output, &["SHUTTLE_RANDOM_SEED is set"]);
    }
}

/// Far more than can be explored: each execution is followed, and its end looked at.
#[test]
fn crowds_pass() {
    for &strategy in &Strategy::OF_CHANNELS {
        let run = run_under(
            strategy,
            "crowd-5-20",
            &shipped(Sampling { scheduler: Scheduler::Random, iterations: 3, seed: 1 }),
        );
        assert_followed(&run);
        assert_eq!(run.executions, 3);
    }
    let whole = Sampling { scheduler: Scheduler::Urw, iterations: 1, seed: 1 };
    assert_followed(&run("crowd-16-1000", &shipped(whole)));
}

/// In a crowd as well, a fault is refuted.
#[test]
fn crowds_can_fail() {
    let sampling = Sampling { scheduler: Scheduler::Random, iterations: 5, seed: 1 };
    for (name, says) in [("forgotten-release", "G3"), ("double-release", "G3"), ("send-forgets-waiters", "deadlock")] {
        let planted = Planted::from_name(name).expect("a fault");
        let task = Task::Shuttle { planted, sampling, keep: None };
        let complaints = complaints(&run("crowd-6-60", &task));
        assert!(complaints.iter().any(|why| why.contains(says)), "{name}: {complaints:?}");
    }
}

/// Runs a fault that fails, and keeps its schedule in the directory.
fn failing(fault: &str, directory: &Path) -> (Run, PathBuf) {
    let fault = CodeFault::from_name(fault).expect("a fault");
    let sampling = Sampling { iterations: 500, ..Sampling::OF_FAULTS };
    let task = Task::Shuttle { planted: Planted::Fault(fault), sampling, keep: Some(directory.to_owned()) };
    let run = run_under(fault.strategy, fault.scenario, &task);
    let file = PathBuf::from(run.schedule.clone().unwrap_or_else(|| panic!("no schedule was kept: {run:#?}")));
    (run, file)
}

/// A schedule that fails is written to a file that says what it is of. The command that is printed replays it, and it fails in
/// the same way.
#[test]
fn a_failing_schedule_is_kept_and_replayed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (failed, file) = failing("double-release", directory.path());
    let name = format!("double-release-two-receivers-of-one-buffer-view-urw-seed-1-shuttle-{SHUTTLE}.toml");
    assert_eq!(file, directory.path().join(name));
    let recording = Recording::read(&file).expect("it was written");
    let [violation] = failed.violations.as_slice() else { panic!("{failed:#?}") };
    assert_eq!((&recording.guarantee, &recording.why), (&violation.guarantee, &violation.why));

    let file = file.to_str().expect("UTF-8");
    let command = format!("check two-receivers-of-one-buffer --strategy view --engine shuttle --replay {file}");
    let output = viewchan(&command.split(' ').collect::<Vec<_>>()).output().expect("the command starts");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("  {violation}\n")), "{said}");
    assert!(violation.trace.iter().all(|step| said.contains(step)), "{said}");
    assert!(said.contains(&format!("once more: viewchan {command}\n")), "{said}");
}

/// The kept schedules of faults: each still fails in the way it did. They are of this version of shuttle.
#[test]
fn kept_schedules_fail_as_they_did() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schedules");
    let entries = std::fs::read_dir(directory).expect("the directory of kept schedules");
    let files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let recording = Recording::read(&file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(file.file_name().and_then(|name| name.to_str()), Some(recording.file_name().as_str()));
        let strategy = Strategy::from_name(&recording.strategy).expect("a strategy");
        let run = run_under(strategy, &recording.scenario, &Task::Replay { file: file.clone() });
        let [violation] = run.violations.as_slice() else { panic!("{}: {run:#?}", file.display()) };
        assert_eq!(
            (&violation.guarantee, &violation.why),
            (&recording.guarantee, &recording.why),
            "{}",
            file.display()
        );
    }
}

/// A schedule is of one version, scenario and strategy, and fits one code; everything else is refused or said.
#[test]
fn a_schedule_is_not_replayed_on_anything_else() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (_, file) = failing("forgotten-release", directory.path());
    let recording = Recording::read(&file).expect("it was written");
    let name = file.to_str().expect("UTF-8");
    let replay = format!("--engine shuttle --replay {name}");
    let is_of = "this is a schedule of last-clone-in-two-threads under view, not of ";
    refuses(&format!("check one-message --strategy view {replay}"), &[is_of]);
    refuses(&format!("check last-clone-in-two-threads --strategy shared {replay}"), &[is_of]);
    let whole = "check last-clone-in-two-threads --strategy view --engine shuttle --replay";
    refuses(
        &format!("check last-clone-in-two-threads {replay}"),
        &["a schedule is of one scenario and strategy", whole],
    );

    let write = |change: &dyn Fn(&mut Recording)| {
        let mut changed = recording.clone();
        change(&mut changed);
        changed.write(&directory.path().join("changed")).expect("written")
    };
    let older = write(&|recording| recording.shuttle = "0.9.8".to_owned());
    let says = format!("a schedule of shuttle 0.9.8; this build has {SHUTTLE}");
    refuses(&format!("{whole} {}", older.display()), &[&says]);
    let damaged = write(&|recording| recording.schedule = "9101ff".to_owned());
    let run = run("last-clone-in-two-threads", &Task::Replay { file: damaged });
    let complaints = complaints(&run);
    assert!(complaints.iter().all(|why| why.starts_with("the schedule does not fit this code: ")), "{complaints:?}");
    refuses(&format!("{whole} {}", directory.path().display()), &["not a regular file; expected a schedule"]);
    std::fs::write(&file, "scenario = 7\n").expect("written");
    refuses(&format!("{whole} {name}"), &[name, "expected a schedule that `viewchan check` wrote"]);
}

/// Without the fault the same schedule does not fail: it was the fault. If the fault has changed where threads can be scheduled,
/// the schedule does not fit any more, and that is said.
#[test]
fn without_its_fault_a_schedule_does_not_fail() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let replay_without = |fault| {
        let (failed, file) = failing(fault, directory.path());
        let recording = Recording { planted: "none".to_owned(), ..Recording::read(&file).expect("it was written") };
        run(&failed.scenario, &Task::Replay { file: recording.write(directory.path()).expect("written") })
    };
    let passed = replay_without("double-release");
    assert_passes(&passed);
    assert_eq!((passed.executions, passed.mode.as_deref()), (1, Some("replay")));
    let complaints = complaints(&replay_without("forgotten-release"));
    let misfit = "the schedule does not fit this code: scheduled task is not runnable";
    assert!(complaints.iter().all(|why| why.starts_with(misfit)), "{complaints:?}");
}
