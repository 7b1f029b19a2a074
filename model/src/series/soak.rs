//! Scenarios on real threads until the time is over: nothing may go wrong, and no memory may be lost.

use super::batch::{Batch, Heard, Memory};
use super::{Series, Summary, Trial};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Numbers of scenarios that are set apart for each child.
const SHARE: u64 = 1 << 40;

/// What to run, and for how long.
pub struct Soak {
    /// Which scenarios.
    pub series: Series,
    /// What is done with each.
    pub trial: Trial,
    /// How long to go on.
    pub time: Duration,
    /// How often to tell of progress.
    pub interval: Duration,
    /// Child processes at a time.
    pub jobs: usize,
    /// This program.
    pub executable: PathBuf,
}

/// What has come of it so far.
#[derive(Clone, Debug, Default)]
pub struct Soaked {
    /// The runs.
    pub summary: Summary,
    /// The memory of each child, as measured last, and whether it grows.
    pub children: Vec<(Memory, Growth)>,
}

impl Soaked {
    /// Whether everything held, and memory does not grow. Nothing shows nothing.
    pub fn passes(&self) -> bool {
        self.summary.runs > 0 && !self.is_over()
    }

    /// By how much the memory of a child has grown, in words, if it may not.
    pub fn grown(&self) -> Option<&str> {
        self.children.iter().find_map(|(_, growth)| growth.excess.as_deref())
    }

    /// Whether all children have run long enough for their memory to be judged.
    pub fn is_judged(&self) -> bool {
        self.children.iter().all(|(_, growth)| growth.measurements > WARM_UP)
    }

    /// The memory of all children.
    pub fn memory(&self) -> Memory {
        let memory = || self.children.iter().map(|(memory, _)| memory);
        Memory {
            allocated: memory().map(|memory| memory.allocated).sum(),
            resident: memory().map(|memory| memory.resident).sum(),
        }
    }

    fn is_over(&self) -> bool {
        !self.summary.failed.is_empty() || self.grown().is_some()
    }
}

impl Soak {
    /// Runs until the time is over, something fails, or memory grows. `progress` hears of it after every interval.
    ///
    /// # Errors
    ///
    /// When a child process cannot be started, or refuses what it is told.
    pub fn run(&self, progress: &dyn Fn(&Soaked)) -> io::Result<Soaked> {
        let start = Instant::now();
        let children = vec![Default::default(); self.jobs];
        let soaked = Mutex::new(Soaked { children, ..Soaked::default() });
        let so_far = || {
            let mut so_far = lock(&soaked).clone();
            so_far.summary.seconds = start.elapsed().as_secs_f64();
            so_far
        };
        let ended: io::Result<()> = std::thread::scope(|scope| {
            let child = |job| {
                let soaked = &soaked;
                scope.spawn(move || self.child(job, start, soaked))
            };
            let children: Vec<_> = (0..self.jobs).map(child).collect();
            let mut told = Instant::now();
            while !children.iter().all(|child| child.is_finished()) {
                std::thread::sleep(Duration::from_millis(20));
                if told.elapsed() >= self.interval {
                    told = Instant::now();
                    progress(&so_far());
                }
            }
            children.into_iter().try_for_each(|child| child.join().expect("it does not panic"))
        });
        ended.map(|()| so_far())
    }

    fn child(&self, job: usize, start: Instant, soaked: &Mutex<Soaked>) -> io::Result<()> {
        let Self { executable, series, trial, .. } = self;
        let batch = Batch { executable, series, trial, limit: trial.limit() };
        let first = job as u64 * SHARE;
        batch.run(first..first + SHARE, &mut |heard| {
            let mut soaked = lock(soaked);
            match heard {
                Heard::Ran(number, run) => soaked.summary.add(trial, number, *run),
                Heard::Measured(memory) => {
                    let (last, growth) = &mut soaked.children[job];
                    growth.measure(memory.allocated);
                    *last = memory;
                }
            }
            !soaked.is_over() && start.elapsed() < self.time
        })
    }
}

fn lock(soaked: &Mutex<Soaked>) -> MutexGuard<'_, Soaked> {
    soaked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Measurements before memory is judged: by then everything that is allocated once is there.
const WARM_UP: usize = 20;
/// How many bytes a process may have more than in its warm-up. A leak of one byte in each round passes it in minutes.
const ALLOWANCE: usize = 1 << 20;

/// Whether the memory of a process grows without bound.
///
/// What counts is what it has allocated and not freed between two scenarios, when all threads have ended. That is always
/// the same, but for caches, however long the process runs and however slow the machine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    measurements: usize,
    /// The most that it had in its warm-up.
    highest: usize,
    /// By how much it has grown beyond that, in words, if it may not.
    excess: Option<String>,
}

impl Growth {
    /// Takes a measurement, in bytes.
    pub fn measure(&mut self, allocated: usize) {
        self.measurements += 1;
        if self.measurements <= WARM_UP {
            self.highest = self.highest.max(allocated);
        } else if allocated > self.highest + ALLOWANCE {
            let (grown, highest) = (allocated - self.highest, self.highest);
            self.excess = Some(format!("memory grows: {grown} bytes more than the {highest} of the warm-up"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ALLOWANCE, Growth, WARM_UP};

    fn grown(measurements: impl Iterator<Item = usize>) -> Option<String> {
        let mut growth = Growth::default();
        measurements.for_each(|allocated| growth.measure(allocated));
        growth.excess
    }

    /// What goes up and down, or has its caches filled in the beginning, does not grow.
    #[test]
    fn memory_that_stays_is_accepted() {
        assert_eq!(grown((0..10_000).map(|number| 50_000 + number % 7 * 1000)), None);
        assert_eq!(grown((0..10_000).map(|number| number.min(WARM_UP - 1) * 100_000_000)), None);
        assert_eq!(grown((0..WARM_UP).map(|number| number * 100_000_000)), None, "it is not judged yet");
    }

    /// However slowly it grows, it is refused in the end, and once refused stays so.
    #[test]
    fn memory_that_grows_is_refused() {
        let says = grown((0..WARM_UP + 2 + ALLOWANCE / 100).map(|number| 50_000 + number * 100)).expect("it grows");
        assert!(says.starts_with("memory grows: 1048"), "{says}");
        let once = (0..WARM_UP).map(|_| 7).chain([7 + ALLOWANCE, 8 + ALLOWANCE, 7]);
        assert_eq!(grown(once), Some("memory grows: 1048577 bytes more than the 7 of the warm-up".to_owned()));
    }
}
