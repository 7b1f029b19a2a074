//! An execution as a partial order of its steps, and the cuts through it.

use crate::scenario::MOST_LOOM_THREADS;
use crate::spec::{Action, Footprint, Object};

/// How many of its steps each thread has done. What is remembered has no more threads: see [`Scenario::is_large`].
///
/// [`Scenario::is_large`]: crate::scenario::Scenario::is_large
type Cut = [u16; MOST_LOOM_THREADS];

/// The steps of an execution as a partial order: a step comes after all earlier steps that it depends on.
pub(super) struct Order<'a> {
    trace: &'a [Action],
    /// For each thread, where its steps are in the trace.
    threads: [Vec<usize>; MOST_LOOM_THREADS],
    /// For each step, how many steps of each thread must be done before it: no fewer than for its thread's step before it.
    before: Vec<Cut>,
}

impl<'a> Order<'a> {
    /// Where each execution begins.
    pub(super) const NOTHING: Cut = [0; MOST_LOOM_THREADS];

    pub(super) fn of(trace: &'a [Action], footprints: &[Footprint]) -> Self {
        let mut threads: [Vec<usize>; MOST_LOOM_THREADS] = Default::default();
        let mut before: Vec<Cut> = Vec::with_capacity(trace.len());
        let mut last = LastSteps::default();
        for (index, (&Action { thread, .. }, footprint)) in trace.iter().zip(footprints).enumerate() {
            let mut needed = threads[thread].last().map_or(Self::NOTHING, |&previous| before[previous]);
            let done = u16::try_from(threads[thread].len()).expect("a thread has few steps");
            last.pass(footprint, thread, done + 1, &mut needed);
            needed[thread] = done;
            before.push(needed);
            threads[thread].push(index);
        }
        Self { trace, threads, before }
    }

    /// The thread's next step after a cut, if what it depends on is done.
    fn advance(&self, cut: &Cut, thread: usize) -> Option<(Action, Cut)> {
        let &index = self.threads[thread].get(usize::from(cut[thread]))?;
        let is_ready = self.before[index].iter().zip(cut).all(|(needed, done)| needed <= done);
        is_ready.then(|| {
            let mut longer = *cut;
            longer[thread] += 1;
            (self.trace[index], longer)
        })
    }

    /// The cuts that are one step longer, and these steps. Each cut is grown from one other only: the one without the last step
    /// of the highest thread whose last step nothing in it depends on.
    pub(super) fn grown(&self, cut: &Cut) -> impl Iterator<Item = (Action, Cut)> {
        let longer = (0..MOST_LOOM_THREADS).filter_map(|thread| self.advance(cut, thread));
        longer.filter(|(action, longer)| {
            !(action.thread + 1..MOST_LOOM_THREADS).any(|higher| self.is_loose(longer, higher))
        })
    }

    /// Whether a thread has a last step in a cut, and no step in it depends on that one.
    fn is_loose(&self, cut: &Cut, thread: usize) -> bool {
        let needs_it = |other: usize| {
            let last = usize::from(cut[other]).checked_sub(1).map(|position| self.threads[other][position]);
            other != thread && last.is_some_and(|last| self.before[last][thread] == cut[thread])
        };
        cut[thread] > 0 && !(0..MOST_LOOM_THREADS).any(needs_it)
    }

    /// The equivalent order in which the lowest thread that can go on always does.
    pub(super) fn canonical(&self) -> Vec<Action> {
        let mut cut = Self::NOTHING;
        let mut order = Vec::with_capacity(self.trace.len());
        while let Some((action, longer)) = (0..MOST_LOOM_THREADS).find_map(|thread| self.advance(&cut, thread)) {
            order.push(action);
            cut = longer;
        }
        order
    }
}

/// How far each thread had come when it last touched an object.
#[derive(Default)]
struct LastSteps(Vec<Touched>);

struct Touched {
    object: Object,
    by_anyone: Cut,
    by_writers: Cut,
}

impl LastSteps {
    /// A thread takes a step with this footprint, and has done so many then. Puts all steps into `needed` that it conflicts with.
    fn pass(&mut self, footprint: &Footprint, thread: usize, done: u16, needed: &mut Cut) {
        let mut need = |steps: &Cut| needed.iter_mut().zip(steps).for_each(|(most, &step)| *most = step.max(*most));
        for object in footprint.reads() {
            let touched = self.of(object);
            need(&touched.by_writers);
            touched.by_anyone[thread] = done;
        }
        for object in footprint.writes() {
            let touched = self.of(object);
            need(&touched.by_anyone);
            (touched.by_anyone[thread], touched.by_writers[thread]) = (done, done);
        }
    }

    fn of(&mut self, object: Object) -> &mut Touched {
        let place = self.0.iter().position(|touched| touched.object == object).unwrap_or_else(|| {
            self.0.push(Touched { object, by_anyone: Order::NOTHING, by_writers: Order::NOTHING });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Order};
    use crate::scenario::MOST_LOOM_THREADS;
    use crate::spec::{Action, Kind};
    use std::collections::HashSet;

    /// All cuts, without regard to how often each is reached.
    fn reachable(order: &Order<'_>) -> HashSet<Cut> {
        let mut found = HashSet::from([Order::NOTHING]);
        let mut stack = vec![Order::NOTHING];
        while let Some(cut) = stack.pop() {
            for (_, longer) in (0..MOST_LOOM_THREADS).filter_map(|thread| order.advance(&cut, thread)) {
                if found.insert(longer) {
                    stack.push(longer);
                }
            }
        }
        found
    }

    /// Threads that read alone, and meet at two objects now and then: some cuts can be grown from several others.
    #[test]
    fn each_cut_is_grown_once() {
        let read = |thread| Action { thread, kind: Kind::Read { buffer: 0 } };
        let leave = |thread, interpreter| Action { thread, kind: Kind::Leave { interpreter } };
        let trace = [
            read(0),
            leave(1, 0),
            read(2),
            leave(0, 0),
            leave(2, 1),
            read(1),
            leave(1, 1),
            read(0),
            leave(2, 0),
            read(4),
        ];
        for length in 0..=trace.len() {
            let trace = &trace[..length];
            let footprints: Vec<_> = trace.iter().map(Action::footprint).collect();
            let order = Order::of(trace, &footprints);
            let (mut grown, mut stack) = (Vec::new(), vec![Order::NOTHING]);
            while let Some(cut) = stack.pop() {
                grown.push(cut);
                stack.extend(order.grown(&cut).map(|(_, longer)| longer));
            }
            let reachable = reachable(&order);
            assert_eq!(grown.len(), reachable.len(), "one is grown twice, or not at all");
            assert_eq!(grown.into_iter().collect::<HashSet<_>>(), reachable);
            assert_eq!(order.canonical().len(), length);
        }
    }

    /// A step needs all that it conflicts with, also what its thread has not met since.
    #[test]
    fn dependent_steps_keep_their_order() {
        let leave = |thread, interpreter| Action { thread, kind: Kind::Leave { interpreter } };
        let trace = [leave(1, 0), leave(0, 0), leave(1, 1), leave(0, 1), leave(1, 2)];
        let footprints: Vec<_> = trace.iter().map(Action::footprint).collect();
        let order = Order::of(&trace, &footprints);
        assert_eq!(order.before, [[0, 0], [0, 1], [0, 1], [1, 2], [0, 2]].map(|[a, b]| [a, b, 0, 0, 0]));
    }
}
