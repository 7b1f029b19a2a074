//! Scenarios that nobody wrote: proptest draws them, and makes them smaller when they fail.
//!
//! - `sketch`: what proptest draws, numbers only;
//! - `compile`, `program`: from any sketch to a scenario, which the parser accepts.
//!
//! No generated scenario can wait for ever by its own fault: `compile` says why. So whichever does shows a mistake of the
//! code, or of the specification, and none has to be left out.

mod compile;
mod program;
mod sketch;

#[cfg(test)]
pub(crate) mod tests;

use crate::scenario::{Scenario, Strategy, Tier};
use proptest::strategy::{BoxedStrategy, Strategy as _, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How big a scenario may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Size {
    /// For loom without a bound: 2 threads with up to 4 moves each.
    Tiny,
    /// For loom with a bound: 2 or 3 threads with up to 6 moves each.
    Small,
    /// For shuttle: up to 4 threads with up to 12 moves each.
    Middle,
    /// For real threads: as much as a scenario's file may hold.
    Large,
}

impl Size {
    /// All sizes.
    pub const ALL: [Self; 4] = [Self::Tiny, Self::Small, Self::Middle, Self::Large];

    /// Whether its scenarios are small enough to be explored, on the specification and under loom.
    pub fn is_explorable(self) -> bool {
        self <= Self::Small
    }

    /// How thoroughly loom explores it.
    fn tier(self) -> Tier {
        match self {
            Self::Tiny => Tier::Exhaustive,
            _ => Tier::Bounded { preemptions: 2 },
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Middle => "middle",
            Self::Large => "large",
        }
    }
}

/// Scenarios of a size for a strategy, as proptest draws them.
pub fn scenarios(size: Size, strategy: Strategy) -> BoxedStrategy<Scenario> {
    sketch::sketches(size, strategy).prop_map(move |sketch| compile::compile(&sketch, strategy)).boxed()
}

/// One generated scenario: these four decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The seed of the whole series.
    pub seed: u64,
    /// Its number in the series.
    pub number: u64,
    /// How big it may be.
    pub size: Size,
    /// The strategy that it is for.
    pub strategy: Strategy,
}

impl Case {
    /// The scenario, and what is smaller.
    pub fn tree(&self) -> Tree {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&self.number.to_le_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let tree = scenarios(self.size, self.strategy).new_tree(&mut runner).expect("nothing is filtered");
        Tree { case: *self, tree }
    }

    /// The scenario.
    pub fn scenario(&self) -> Scenario {
        self.tree().current()
    }
}

/// A generated scenario on its way to a smaller one. Every scenario on the way is a valid one.
pub struct Tree {
    case: Case,
    tree: Box<dyn ValueTree<Value = Scenario>>,
}

impl ValueTree for Tree {
    type Value = Scenario;

    fn current(&self) -> Scenario {
        let Case { seed, number, size, strategy } = self.case;
        Scenario {
            name: format!("case-{number}-of-{seed:x}"),
            about: format!("Generated: {}, {}, case {number} of seed {seed}.", size.name(), strategy.name()),
            tier: size.tier(),
            ..self.tree.current()
        }
    }

    fn simplify(&mut self) -> bool {
        self.tree.simplify()
    }

    fn complicate(&mut self) -> bool {
        self.tree.complicate()
    }
}
