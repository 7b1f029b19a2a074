//! All of a series, in several processes at a time.

use super::batch::{Batch, Heard};
use super::{Coverage, Series, Trial};
use crate::report::{Run, Verdict};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Scenarios of one child.
const BATCH: u64 = 100;

/// What to run.
pub struct Campaign {
    /// Which scenarios.
    pub series: Series,
    /// How many of them.
    pub cases: u64,
    /// What is done with each.
    pub trials: Vec<Trial>,
    /// How long one scenario may take; as long as its trial allows if not given.
    pub limit: Option<Duration>,
    /// Child processes at a time.
    pub jobs: usize,
    /// This program.
    pub executable: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Runs: of each scenario one for each trial.
    pub runs: u64,
    /// Executions of the real code, or transitions of the specification.
    pub executions: u64,
    /// Steps that threads came to, where they are counted.
    pub operations: u64,
    /// Runs whose scenario was too big for the specification to say which outcomes are allowed.
    pub unexplored: u64,
    /// What the scenarios consist of.
    pub coverage: Coverage,
    /// What failed. The series was not gone on with.
    pub failed: Vec<Failed>,
    /// Wall-clock time.
    pub seconds: f64,
}

/// A run that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The number of the scenario.
    pub number: u64,
    /// What was done with it.
    pub trial: Trial,
    /// What came of it.
    pub run: Run,
}

impl Campaign {
    /// Runs all of it, or up to the first failures. `progress` hears of the numbers now and then.
    ///
    /// # Errors
    ///
    /// When a child process cannot be started, or refuses what it is told.
    pub fn run(&self, progress: &(dyn Fn(&Summary) + Sync)) -> io::Result<Summary> {
        let start = Instant::now();
        let summary = Mutex::new(Summary::default());
        let starts = (0..self.cases).step_by(BATCH as usize);
        let parts = starts.map(|first| first..self.cases.min(first + BATCH));
        let parts: Vec<(&Trial, Range<u64>)> =
            parts.flat_map(|part| self.trials.iter().map(move |trial| (trial, part.clone()))).collect();
        let pool = ThreadPoolBuilder::new().num_threads(self.jobs).build().map_err(io::Error::other)?;
        let run = |(trial, part)| self.part(trial, part, &summary, progress);
        pool.install(|| parts.into_par_iter().with_max_len(1).try_for_each(run))?;
        let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
        summary.failed.sort_by_key(|failed| failed.number);
        summary.seconds = start.elapsed().as_secs_f64();
        Ok(summary)
    }

    fn part(
        &self,
        trial: &Trial,
        part: Range<u64>,
        summary: &Mutex<Summary>,
        progress: &(dyn Fn(&Summary) + Sync),
    ) -> io::Result<()> {
        let lock = || summary.lock().unwrap_or_else(PoisonError::into_inner);
        if !lock().failed.is_empty() {
            return Ok(());
        }
        let limit = self.limit.unwrap_or_else(|| trial.limit());
        let batch = Batch { executable: &self.executable, series: &self.series, trial, limit };
        // Each scenario once, not once for each trial.
        let mut covered = Vec::new();
        batch.run(part, &mut |heard| {
            if let Heard::Ran(number, run) = heard {
                lock().add(trial, number, *run);
                covered.extend((*trial == self.trials[0]).then(|| self.series.pick(number)));
            }
            lock().failed.is_empty()
        })?;
        covered.iter().for_each(|picked| lock().coverage.add(picked));
        progress(&lock());
        Ok(())
    }
}

impl Summary {
    /// Counts a run.
    pub(super) fn add(&mut self, trial: &Trial, number: u64, run: Run) {
        self.runs += 1;
        self.executions += run.executions;
        self.operations += run.operations;
        if run.verdict == Verdict::Fail {
            self.failed.push(Failed { number, trial: trial.clone(), run });
        } else {
            self.unexplored += u64::from(!run.agrees_with_spec);
        }
    }
}
