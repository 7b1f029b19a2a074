//! How shuttle chooses among interleavings. In every build, so that each can say what it has not got.

use std::fmt;

/// What decides which thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheduler {
    /// Chance, at each step.
    Random,
    /// Priorities by chance, changed at `depth - 1` steps: it finds any fault that needs no more ordering constraints than
    /// `depth` with a probability that can be stated (Burckhardt et al., ASPLOS 2010).
    Pct {
        /// Ordering constraints.
        depth: usize,
    },
    /// Chance, weighted by what each thread still has to do, so that interleavings are about equally likely.
    Urw,
    /// Nothing: every interleaving, one after the other. There is no reduction, so it is for tiny scenarios.
    Dfs,
}

impl Scheduler {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Pct { .. } => "pct",
            Self::Urw => "urw",
            Self::Dfs => "dfs",
        }
    }
}

/// Its name, and the depth of `pct`: `pct:3`.
impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pct { depth } => write!(f, "pct:{depth}"),
            other => f.write_str(other.name()),
        }
    }
}

impl std::str::FromStr for Scheduler {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let depth = text.strip_prefix("pct:").and_then(|depth| depth.parse().ok()).filter(|&depth| depth > 0);
        match (text, depth) {
            (_, Some(depth)) => Ok(Self::Pct { depth }),
            ("random", _) => Ok(Self::Random),
            ("urw", _) => Ok(Self::Urw),
            ("dfs", _) => Ok(Self::Dfs),
            _ => Err(format!("there is no scheduler {text:?}")),
        }
    }
}

/// How many interleavings, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// What chooses.
    pub scheduler: Scheduler,
    /// How many executions. For `dfs` the most that there may be: with more, the run fails.
    pub iterations: usize,
    /// Where chance begins. Of no meaning for `dfs`.
    pub seed: u64,
}

impl Sampling {
    /// What refutes the faults. Their seed is fixed, so that a fault is found or not, and not now and then.
    pub const OF_FAULTS: Self = Self { scheduler: Scheduler::Urw, iterations: 2_000, seed: 1 };
}

#[cfg(test)]
mod tests {
    use super::Scheduler;

    #[test]
    fn schedulers_survive_the_command_line() {
        for scheduler in [Scheduler::Random, Scheduler::Pct { depth: 3 }, Scheduler::Urw, Scheduler::Dfs] {
            assert_eq!(scheduler.to_string().parse(), Ok(scheduler));
        }
        for wrong in ["", "pct", "pct:", "pct:0", "pct:-1", "Random", "dfs:2"] {
            assert!(wrong.parse::<Scheduler>().is_err(), "{wrong}");
        }
    }
}
