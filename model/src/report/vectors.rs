//! Test vectors: scenarios and their allowed outcomes as plain data, so that an implementation in any language can be
//! checked without this code.
//!
//! Who runs a scenario many times and only ever sees allowed outcomes has not shown that it is right; who sees another one
//! has found a mistake. The steps are those of the scenario format, whose table says what each verb does:
//! [`scenario::parse`](mod@crate::scenario::parse).

use crate::scenario::{self, Located, Scenario, Step, Strategy, ThreadDecl, Tier};
use crate::spec::{Exploration, Rules, Violation, explore};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// All vectors. Schema 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vectors {
    /// 2. In schema 1 all vectors were of one strategy.
    pub schema: u32,
    /// The version of this package.
    pub version: String,
    /// One for each scenario and strategy.
    pub scenarios: Vec<Vector>,
}

/// One scenario under one strategy: what to run, and what may come out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    /// The scenario's name.
    pub name: String,
    /// One sentence: which race, and what must hold.
    pub about: String,
    /// The strategy whose outcomes and locks these are.
    pub strategy: String,
    /// The defect of CPython that this is the regression scenario of, `D1` to `D14`; `null` if it is none.
    pub defect: Option<String>,
    /// How thoroughly loom explores the reference implementation: `exhaustive` or `bounded`. The outcomes are complete
    /// in either case.
    pub tier: String,
    /// The names of the interpreters, each with a lock of its own.
    pub interpreters: Vec<String>,
    /// The buffers, immutable before the threads start.
    pub buffers: Vec<Buffer>,
    /// The channels, made before the threads start.
    pub channels: Vec<Channel>,
    /// The broadcast slots, made before the threads start, empty. Not there if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// The threads. They start together, and each drops what it still holds behind its last step, attached to nobody.
    pub threads: Vec<Thread>,
    /// Every outcome that some interleaving has, and no other: for each thread the results of its steps, in order.
    ///
    /// Only steps that can end differently have one. `send`: `sent`, `full`, `closed`, `timed-out`, `not-owner`,
    /// `unreachable`, `interrupted`. `recv`: `x0` (the bytes of the buffer `x` after 0 thaws), `c.tx`, `c.rx`, `empty`,
    /// `closed`, `timed-out`, `interrupted`, `owner-ended`. `publish`: `published`, `not-owner`. `peek`: `x0`, `nothing`.
    /// `read`: `x0`. `thaw`: `thawed`, `refused`. `end`: `ended`,
    /// `ended-before`. `attach` to an interpreter that has ended: `gone`; its block is skipped. An `attach` block that
    /// ends in `panic`: `panicked`, after the results of its body. A skipped step has none.
    pub outcomes: Vec<BTreeMap<String, Vec<String>>>,
    /// During which operations a thread acquires the lock of an interpreter that it is not attached to, and why. What is
    /// not listed here acquires none.
    pub locks: Vec<Lock>,
}

/// A buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// The interpreter that owns it.
    pub owner: String,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Messages that it can hold; `null` is unbounded.
    pub capacity: Option<usize>,
    /// What becomes of its messages when their owner ends: `deliver`, `error` or `remove`.
    pub undelivered: String,
}

/// A broadcast slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its name.
    pub name: String,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// The interpreter that the thread is attached to for all of its steps: `attach` and `end` around them.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<String>,
    /// What it holds at the start: `x` (a handle), `x.view`, `c.tx`, `c.rx`, `s.pub` or `s.sub`. The variables have these names.
    pub holds: Vec<String>,
    /// What it does, a verb and its operands each, with `end` behind the steps of `attach` and `detach`.
    pub steps: Vec<String>,
}

/// An operation that acquires a foreign lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The operation: `receive`, `last-release`, `discard`, `drop-handle`.
    pub operation: String,
    /// Why: `view creation`, `view release`, `attach`.
    pub causes: Vec<String>,
}

/// The specification breaks a guarantee on a scenario: there is no list of allowed outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the specification itself breaks a guarantee on {scenario} under {strategy}: {violation}")]
pub struct Broken {
    /// The scenario.
    pub scenario: String,
    /// The strategy.
    pub strategy: String,
    /// What breaks.
    pub violation: Violation,
}

impl Vectors {
    /// The vectors of these scenarios, each under those of the strategies that it is for.
    ///
    /// # Errors
    ///
    /// When a scenario breaks the specification.
    pub fn of(scenarios: &[Scenario], strategies: &[Strategy]) -> Result<Self, Broken> {
        let mut vectors = Vec::new();
        for scenario in scenarios {
            for &strategy in scenario.strategies.iter().filter(|strategy| strategies.contains(strategy)) {
                vectors.push(Vector::of(scenario, strategy)?);
            }
        }
        Ok(Self { schema: 2, version: env!("CARGO_PKG_VERSION").to_owned(), scenarios: vectors })
    }

    /// As the text of a file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data") + "\n"
    }
}

impl Vector {
    /// The vector of a scenario under a strategy: explores all of it.
    ///
    /// # Errors
    ///
    /// When it breaks the specification.
    pub fn of(scenario: &Scenario, strategy: Strategy) -> Result<Self, Broken> {
        let exploration = explore(&Rules::new(scenario, strategy), None).expect("no limit was set");
        if let Some(found) = exploration.violation {
            let (scenario, strategy) = (scenario.name.clone(), strategy.name().to_owned());
            return Err(Broken { scenario, strategy, violation: found.violation });
        }
        let interpreter = |index: scenario::Interpreter| scenario.interpreters[index].clone();
        let buffers = scenario.buffers.iter();
        let channels = scenario.channels.iter();
        Ok(Self {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            strategy: strategy.name().to_owned(),
            defect: scenario.defect.clone(),
            tier: match scenario.tier(strategy) {
                Tier::Exhaustive => "exhaustive".to_owned(),
                Tier::Bounded { .. } => "bounded".to_owned(),
            },
            interpreters: scenario.interpreters.clone(),
            buffers: buffers
                .map(|buffer| Buffer { name: buffer.name.clone(), owner: interpreter(buffer.owner) })
                .collect(),
            channels: channels
                .map(|channel| Channel {
                    name: channel.name.clone(),
                    capacity: channel.capacity,
                    undelivered: channel.undelivered.name().to_owned(),
                })
                .collect(),
            slots: scenario.slots.iter().map(|slot| Slot { name: slot.name.clone() }).collect(),
            threads: scenario.threads.iter().map(|decl| thread(scenario, decl)).collect(),
            outcomes: exploration.outcomes.iter().map(|outcome| results(outcome)).collect(),
            locks: locks(&exploration),
        })
    }
}

/// A thread that is one single block of `attach` is written with `in`.
fn thread(scenario: &Scenario, decl: &ThreadDecl) -> Thread {
    let (attached, steps) = match decl.steps.as_slice() {
        [Located { step: Step::Attach { interpreter, body, unwind }, .. }] if !body.is_empty() => {
            let mut steps = Vec::new();
            write_body(decl, body, unwind.as_deref(), &mut steps);
            (Some(scenario.interpreters[*interpreter].clone()), steps)
        }
        body => {
            let mut steps = Vec::new();
            write_body(decl, body, None, &mut steps);
            (None, steps)
        }
    };
    Thread { name: decl.name.clone(), attached, holds: decl.variables[..decl.holds.len()].to_vec(), steps }
}

/// The steps of a block as in a scenario file, and the `panic` that it ends in.
fn write_body(decl: &ThreadDecl, body: &[Located], unwind: Option<&[scenario::Variable]>, lines: &mut Vec<String>) {
    for located in body {
        lines.push(located.text.clone());
        match &located.step {
            Step::Attach { body, unwind, .. } => {
                write_body(decl, body, unwind.as_deref(), lines);
                lines.push("end".to_owned());
            }
            Step::Detach { body } => {
                write_body(decl, body, None, lines);
                lines.push("end".to_owned());
            }
            _ => {}
        }
    }
    if let Some(dropped) = unwind {
        let names = dropped.iter().map(|&variable| decl.variables[variable].as_str());
        lines.push(["panic"].into_iter().chain(names).collect::<Vec<_>>().join(" "));
    }
}

/// The parts of an outcome as [`Rules::outcome`] writes it: `sender: sent | receiver: x0 x0`.
fn results(outcome: &str) -> BTreeMap<String, Vec<String>> {
    let threads = outcome.split(" | ").filter_map(|thread| thread.split_once(": "));
    let words = |results: &str| results.split(' ').filter(|&word| word != "-").map(str::to_owned).collect();
    threads.map(|(name, results)| (name.to_owned(), words(results))).collect()
}

fn locks(exploration: &Exploration) -> Vec<Lock> {
    let mut locks: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (operation, cause) in &exploration.lock_table {
        locks.entry(operation.name()).or_default().push(cause.to_string());
    }
    locks.into_iter().map(|(operation, causes)| Lock { operation: operation.to_owned(), causes }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Thread, Vector, Vectors, results};
    use crate::scenario::{Located, Scenario, Step, Strategy, Tier, parse, shipped};
    use crate::spec::{Rules, explore};
    use toml::Value;

    const VIEW: Strategy = Strategy::View;

    fn with_views() -> impl Iterator<Item = Scenario> {
        shipped().into_iter().filter(|scenario| scenario.strategies.contains(&VIEW))
    }

    /// A vector is all that a backend gets: what there is to run can be made of it again.
    #[test]
    fn a_vector_says_everything_about_its_scenario() {
        for mut scenario in with_views() {
            let vector = Vector::of(&scenario, VIEW).expect("the specification holds");
            assert_eq!((vector.strategy.as_str(), &vector.defect), (VIEW.name(), &scenario.defect));
            let file = file_of(&vector, scenario.tier(VIEW));
            (scenario.tier, scenario.bounded_for, scenario.strategies) = (scenario.tier(VIEW), [].into(), vec![VIEW]);
            (scenario.defect, scenario.fault) = (None, None);
            let mut again = parse(&format!("{}.toml", scenario.name), &file).expect("a vector is a scenario");
            forget_lines(&mut scenario);
            forget_lines(&mut again);
            assert_eq!(again, scenario);
        }
    }

    #[test]
    fn a_vector_has_all_outcomes() {
        for scenario in with_views() {
            let vector = Vector::of(&scenario, VIEW).expect("the specification holds");
            let threads = scenario.threads.iter().map(|thread| thread.name.as_str());
            let in_words = |outcome: &std::collections::BTreeMap<String, Vec<String>>| {
                let words = |name| if outcome[name].is_empty() { "-".to_owned() } else { outcome[name].join(" ") };
                threads.clone().map(|name| format!("{name}: {}", words(name))).collect::<Vec<_>>().join(" | ")
            };
            let outcomes = explore(&Rules::new(&scenario, VIEW), None).expect("no limit was set").outcomes;
            assert!(vector.outcomes.iter().map(in_words).eq(outcomes), "{}", scenario.name);
        }
    }

    #[test]
    fn an_outcome_is_taken_apart() {
        let outcome = results("sender: sent | receiver: x0 x0 | listener: -");
        let words = |name: &str| outcome[name].join(",");
        assert_eq!((words("sender"), words("receiver"), words("listener")), ("sent".into(), "x0,x0".into(), "".into()));
    }

    #[test]
    fn the_text_can_be_read_again() {
        let vectors = Vectors::of(&shipped()[..3], &[VIEW]).expect("the specification holds");
        assert_eq!(vectors.scenarios.len(), 3);
        let read: Vectors = serde_json::from_str(&vectors.to_json()).expect("it is JSON");
        assert_eq!(read, vectors);
    }

    fn file_of(vector: &Vector, tier: Tier) -> String {
        let mut file = format!("name = {}\nabout = {}\n", quoted(&vector.name), quoted(&vector.about));
        file += &format!("tier = {}\ninterpreters = {}\n", quoted(&vector.tier), list(&vector.interpreters));
        file += &format!("strategies = [{}]\n", quoted(&vector.strategy));
        if let Tier::Bounded { preemptions } = tier {
            file += &format!("preemptions = {preemptions}\n");
        }
        for buffer in &vector.buffers {
            file += &format!("[[buffer]]\nname = {}\nowner = {}\n", quoted(&buffer.name), quoted(&buffer.owner));
        }
        for channel in &vector.channels {
            file += &format!("[[channel]]\nname = {}\n", quoted(&channel.name));
            file += &format!("undelivered = {}\n", quoted(&channel.undelivered));
            file += &channel.capacity.map(|capacity| format!("capacity = {capacity}\n")).unwrap_or_default();
        }
        for Thread { name, attached, holds, steps } in &vector.threads {
            file += &format!("[[thread]]\nname = {}\n", quoted(name));
            file += &attached.as_ref().map(|name| format!("in = {}\n", quoted(name))).unwrap_or_default();
            file += &format!("holds = {}\nsteps = {}\n", list(holds), list(steps));
        }
        file
    }

    fn quoted(text: &str) -> String {
        Value::from(text).to_string()
    }

    fn list(texts: &[String]) -> String {
        Value::from(texts.to_vec()).to_string()
    }

    fn forget_lines(scenario: &mut Scenario) {
        scenario.threads.iter_mut().for_each(|thread| forget_lines_of(&mut thread.steps));
    }

    fn forget_lines_of(steps: &mut [Located]) {
        for located in steps {
            located.line = 0;
            if let Step::Attach { body, .. } | Step::Detach { body } = &mut located.step {
                forget_lines_of(body);
            }
        }
    }
}
