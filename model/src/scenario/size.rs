//! What is small enough to be explored.

use super::{Patience, Scenario, ThreadDecl};

/// The most threads, and steps with a deadline, of what can be explored: loom has room for no more, its main thread included.
pub const MOST_LOOM_THREADS: usize = 5;
/// The most steps of a thread of what can be explored: as many as a thread in a file can have.
pub const MOST_STEPS: usize = 24;

impl Scenario {
    /// Steps with a deadline, in all threads: in a model each needs a thread that lets it pass.
    pub fn timeouts(&self) -> usize {
        self.threads.iter().map(ThreadDecl::timeouts).sum()
    }

    /// Whether it is beyond what can be explored, by loom or on the specification: more threads and steps with a deadline
    /// than loom has room for, or a long thread. Shuttle runs it, and follows each execution without remembering states.
    pub fn is_large(&self) -> bool {
        // One more for the block that `in` stands for.
        let is_long = |thread: &ThreadDecl| thread.preorder().len() > MOST_STEPS + 1;
        self.threads.len() + self.timeouts() > MOST_LOOM_THREADS || self.threads.iter().any(is_long)
    }
}

impl ThreadDecl {
    /// Steps with a deadline.
    pub fn timeouts(&self) -> usize {
        let steps = self.preorder().into_iter();
        steps.filter(|located| located.step.patience() == Some(Patience::Deadline)).count()
    }
}
