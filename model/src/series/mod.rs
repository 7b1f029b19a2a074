//! Series of scenarios on one engine: generated ones, and shipped ones among them.
//!
//! A series is decided by its seed. `batch` runs a part of it in a child process, `campaign` all of it, `shrink` makes the
//! scenario smaller that failed. [`soak`] goes on until its time is over.

pub mod batch;
mod campaign;
mod coverage;
mod shrink;
pub mod soak;
mod trial;

pub use campaign::{Campaign, Failed, Summary};
pub use coverage::Coverage;
pub use shrink::{Found, shrink};
pub use trial::Trial;

use crate::generate::{Case, Size};
use crate::scenario::{Scenario, Strategy, shipped};

/// Which scenarios there are, by number.
#[derive(Clone, Debug)]
pub struct Series {
    seed: u64,
    sizes: Vec<Size>,
    strategies: Vec<Strategy>,
    /// The shipped scenarios that take their turn, each with a strategy.
    shipped: Vec<(Scenario, Strategy)>,
}

/// A scenario of a series.
#[derive(Clone, Debug)]
pub struct Picked {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy to run it under.
    pub strategy: Strategy,
    /// What it was generated from; `None` for a shipped one.
    pub case: Option<Case>,
}

impl Series {
    /// Generated scenarios of these sizes for these strategies in turn; there is at least one of each.
    pub fn new(seed: u64, sizes: &[Size], strategies: &[Strategy]) -> Self {
        assert!(!sizes.is_empty() && !strategies.is_empty(), "there is nothing to generate");
        Self { seed, sizes: sizes.to_vec(), strategies: strategies.to_vec(), shipped: Vec::new() }
    }

    /// The same with the shipped scenarios among them.
    #[must_use]
    pub fn with_shipped(mut self) -> Self {
        for scenario in shipped() {
            let strategies = self.strategies.iter().filter(|strategy| scenario.strategies.contains(strategy));
            self.shipped.extend(strategies.map(|&strategy| (scenario.clone(), strategy)));
        }
        self
    }

    /// The scenario with this number.
    pub fn pick(&self, number: u64) -> Picked {
        let kinds = self.sizes.len() + usize::from(!self.shipped.is_empty());
        let kind = nth(number, kinds);
        let turn = number / kinds as u64;
        let Some(&size) = self.sizes.get(kind) else {
            let (scenario, strategy) = self.shipped[nth(turn, self.shipped.len())].clone();
            return Picked { scenario, strategy, case: None };
        };
        let strategy = self.strategies[nth(turn, self.strategies.len())];
        let case = Case { seed: self.seed, number, size, strategy };
        Picked { scenario: case.scenario(), strategy, case: Some(case) }
    }

    /// What a child process is told to have the same series.
    fn arguments(&self) -> Vec<String> {
        let join = |names: Vec<&str>| names.join(",");
        let mut arguments = vec![
            format!("--seed={}", self.seed),
            format!("--size={}", join(self.sizes.iter().map(|size| size.name()).collect())),
            format!("--strategy={}", join(self.strategies.iter().map(|strategy| strategy.name()).collect())),
        ];
        if !self.shipped.is_empty() {
            arguments.push("--shipped".to_owned());
        }
        arguments
    }
}

/// Where a number is among so many things that take turns.
fn nth(number: u64, count: usize) -> usize {
    usize::try_from(number % count as u64).expect("less than a length")
}
