//! A check in parts, for machines that have nothing to do with each other: which part does what.

use super::{Engine, Plan, Planned, faults};
use crate::job::Task;
use crate::report::{Part, Whole};
use crate::spec::Guarantee;
use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

/// One part of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `of`.
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("expected K/N, with K from 1 to N".to_owned()),
        }
    }
}

/// What a part has to do, and which part it is; all of it if there are no parts.
pub(super) struct Share {
    pub(super) runs: Vec<Planned>,
    pub(super) faults: Vec<faults::Attempt>,
    pub(super) part: Option<Part>,
}

/// The share of a plan's shard. Every part gets about as much work, as far as the golden counts tell.
pub(super) fn share(plan: &Plan) -> Share {
    let (runs, faults) = (plan.tasks(), faults::attempts(plan));
    let Some(Shard { number, of }) = plan.shard else {
        return Share { runs, faults, part: None };
    };
    let work: Vec<u64> =
        runs.iter().map(|planned| plan.work(planned)).chain(faults.iter().map(|_| WORK_OF_A_FAULT)).collect();
    let owners = deal(&work, of);
    let (of_runs, of_faults) = owners.split_at(runs.len());
    let whole = plan.whole(runs.len(), faults.len());
    let (runs_at, runs) = own(runs, of_runs, number);
    let (faults_at, faults) = own(faults, of_faults, number);
    // A report has its faults guarantee by guarantee.
    let places = faults_at.iter().zip(&faults);
    let of_guarantee = |id| places.clone().filter(move |(_, fault)| fault.guarantee() == id).map(|(&at, _)| at);
    let faults_at = Guarantee::ALL.iter().flat_map(|guarantee| of_guarantee(guarantee.id())).collect();
    let part = Part { shard: number, of, whole, runs: runs_at, faults: faults_at };
    Share { runs, faults, part: Some(part) }
}

/// The items that belong to a part, each with its place among all.
fn own<T>(items: Vec<T>, owners: &[usize], number: usize) -> (Vec<usize>, Vec<T>) {
    let own = items.into_iter().enumerate().filter(|&(at, _)| owners[at] == number);
    own.unzip()
}

/// The part that does each piece of work: the largest piece goes first, each to the part that has least so far.
fn deal(work: &[u64], of: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_by_key(|&at| Reverse(work[at]));
    let mut loads = vec![0; of];
    let mut owners = vec![0; work.len()];
    for at in order {
        let least = (0..of).min_by_key(|&part| loads[part]).expect("there is a part");
        loads[least] += work[at];
        owners[at] = least + 1;
    }
    owners
}

/// What a child process costs, and a fault: about as much as so many executions.
const WORK_OF_A_RUN: u64 = 200;
const WORK_OF_A_FAULT: u64 = 500;
/// Transitions of the specification that take as long as an execution under loom.
const TRANSITIONS: u64 = 50;

impl Plan {
    /// How much work a run is, in executions. Only the balance depends on it.
    fn work(&self, planned: &Planned) -> u64 {
        let scenario = &self.scenarios[planned.scenario].1;
        let counts = self.golden.of_run(&scenario.name, planned.strategy);
        let counted = counts.map_or(0, |counts| match &planned.task {
            None => counts.transitions / TRANSITIONS,
            Some(Task::Loom { mode }) => counts.executions.get(*mode).copied().unwrap_or(0),
            Some(Task::Shuttle { sampling, .. }) => sampling.iterations as u64,
            Some(_) => 0,
        });
        WORK_OF_A_RUN + counted
    }

    fn whole(&self, runs: usize, faults: usize) -> Whole {
        Whole {
            digest: self.digest(),
            engines: self.engines.iter().map(|engine| Engine::name(*engine).to_owned()).collect(),
            strategies: self.strategies.iter().map(|strategy| strategy.name().to_owned()).collect(),
            rounds: self.rounds,
            samplings: self.samplings.iter().map(|sampling| format!("{sampling:?}")).collect(),
            runs,
            faults,
        }
    }

    /// The same on every machine for the same scenarios and golden counts, with the same compiler.
    fn digest(&self) -> String {
        let mut hasher = DefaultHasher::new();
        let scenarios: Vec<_> = self.scenarios.iter().map(|(_, scenario)| scenario).collect();
        (format!("{scenarios:?}"), self.golden.to_json()).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::{Shard, deal};

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, of: 4 }));
        for wrong in ["", "2", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/2", "1 /2"] {
            assert_eq!(wrong.parse::<Shard>(), Err("expected K/N, with K from 1 to N".to_owned()), "{wrong}");
        }
    }

    /// Each piece of work has one part, and a large one does not come on top of others.
    #[test]
    fn work_is_dealt_out_evenly() {
        let work = [1, 1, 1, 90, 1, 40, 50, 1];
        let owners = deal(&work, 2);
        let load =
            |part| work.iter().zip(&owners).filter(|(_, owner)| **owner == part).map(|(work, _)| work).sum::<u64>();
        let loads: Vec<u64> = (0..=3).map(load).collect();
        assert_eq!(loads, [0, 93, 92, 0]);
    }

    /// With more parts than work, some have nothing to do; nothing is lost.
    #[test]
    fn parts_may_be_empty() {
        assert_eq!(deal(&[3, 3], 4), [1, 2]);
    }
}
