//! Threads as flat lists of instructions, so that a position in the program is one number.

use super::operation::Operation;
use super::thread::{Patience, small};
use std::collections::BTreeMap;

use crate::scenario::{Holding, Located, Scenario, Step, Strategy, ThreadDecl, Undelivered, Variable};

/// A step, or the beginning or the end of a block. Operands are variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// Begin a block: attached to this interpreter, or to nobody.
    Begin {
        target: Option<u8>,
        /// The instruction after the end of the block.
        past: u16,
    },
    /// End the innermost block.
    End {
        panicked: bool,
    },
    Safepoint,
    Send {
        end: u8,
        what: u8,
        patience: Patience,
    },
    Receive {
        end: u8,
        into: u8,
        view: u8,
        patience: Patience,
    },
    Copy {
        what: u8,
        into: u8,
    },
    /// Clone or slice, as the operation says.
    Clone {
        view: u8,
        into: u8,
        /// The number of the new view, where a clone is one.
        fresh: u8,
        operation: Operation,
    },
    Read(u8),
    Release(u8),
    Drop {
        what: u8,
        unwinding: bool,
    },
    Thaw(u8),
    Close(u8),
    /// End this interpreter.
    EndInterpreter(u8),
    Publish {
        publisher: u8,
        what: u8,
    },
    Peek {
        subscriber: u8,
        into: u8,
    },
    /// Change the policy of a send end.
    Undelivered {
        end: u8,
        policy: Undelivered,
    },
}

/// The programs of all threads, and how many views there can be.
pub(super) struct Code {
    pub(super) threads: Vec<Vec<Instruction>>,
    pub(super) views: usize,
}

/// Flattens the threads of a scenario. Every receive gets the number of its view, in the order of the text, and where
/// clones are views of their own so does every clone. Steps of a thread that put their views into the same variable have one
/// number together: the view before is gone when the next one comes.
pub(super) fn flatten(scenario: &Scenario, strategy: Strategy) -> Code {
    let clones_are_views = strategy == Strategy::Shared;
    let held = scenario.threads.iter().flat_map(|thread| &thread.holds);
    let held = held.filter(|holding| matches!(holding, Holding::View(_))).count();
    let views = if clones_are_views { held } else { scenario.buffers.len() };
    let mut numbers = Numbers { views, clones_are_views, of_variables: BTreeMap::new() };
    let threads = scenario.threads.iter().map(|thread| flatten_thread(thread, &mut numbers)).collect();
    Code { threads, views: numbers.views }
}

/// The numbers of views.
struct Numbers {
    /// How many are given away.
    views: usize,
    clones_are_views: bool,
    /// Those of the present thread, by the variable that they are for.
    of_variables: BTreeMap<Variable, u8>,
}

impl Numbers {
    fn of_receive(&mut self, into: Variable) -> u8 {
        *self.of_variables.entry(into).or_insert_with(|| {
            self.views += 1;
            small(self.views - 1)
        })
    }

    fn of_clone(&mut self, into: Variable) -> u8 {
        if self.clones_are_views { self.of_receive(into) } else { 0 }
    }
}

fn flatten_thread(thread: &ThreadDecl, numbers: &mut Numbers) -> Vec<Instruction> {
    let mut code = Vec::new();
    numbers.of_variables.clear();
    flatten_steps(&thread.steps, numbers, &mut code);
    let variables = 0..thread.variables.len();
    code.extend(variables.map(|what| Instruction::Drop { what: small(what), unwinding: false }));
    code
}

fn flatten_steps(steps: &[Located], numbers: &mut Numbers, code: &mut Vec<Instruction>) {
    for located in steps {
        flatten_step(&located.step, numbers, code);
    }
}

fn flatten_step(step: &Step, numbers: &mut Numbers, code: &mut Vec<Instruction>) {
    let instruction = match *step {
        Step::Attach { interpreter, ref body, ref unwind } => {
            return flatten_block(Some(small(interpreter)), body, unwind.as_deref(), numbers, code);
        }
        Step::Detach { ref body } => return flatten_block(None, body, None, numbers, code),
        Step::Safepoint => Instruction::Safepoint,
        Step::Send { end, what, patience } => {
            Instruction::Send { end: small(end), what: small(what), patience: patience.into() }
        }
        Step::Receive { end, into, patience } => {
            let view = numbers.of_receive(into);
            Instruction::Receive { end: small(end), into: small(into), view, patience: patience.into() }
        }
        Step::Copy { what, into } => Instruction::Copy { what: small(what), into: small(into) },
        Step::Clone { view, into } => clone(view, into, Operation::Clone, numbers),
        Step::Slice { view, into } => clone(view, into, Operation::Slice, numbers),
        Step::Read { what } => Instruction::Read(small(what)),
        Step::Release { view } => Instruction::Release(small(view)),
        Step::Drop { what } => Instruction::Drop { what: small(what), unwinding: false },
        Step::Thaw { handle } => Instruction::Thaw(small(handle)),
        Step::Close { end } => Instruction::Close(small(end)),
        Step::End { interpreter } => Instruction::EndInterpreter(small(interpreter)),
        Step::Publish { publisher, what } => Instruction::Publish { publisher: small(publisher), what: small(what) },
        Step::Peek { subscriber, into } => Instruction::Peek { subscriber: small(subscriber), into: small(into) },
        Step::Undelivered { end, policy } => Instruction::Undelivered { end: small(end), policy },
    };
    code.push(instruction);
}

fn clone(view: usize, into: usize, operation: Operation, numbers: &mut Numbers) -> Instruction {
    Instruction::Clone { view: small(view), into: small(into), fresh: numbers.of_clone(into), operation }
}

fn flatten_block(
    target: Option<u8>,
    body: &[Located],
    unwind: Option<&[Variable]>,
    numbers: &mut Numbers,
    code: &mut Vec<Instruction>,
) {
    let begin = code.len();
    code.push(Instruction::Begin { target, past: 0 });
    flatten_steps(body, numbers, code);
    let dropped = unwind.iter().copied().flatten();
    code.extend(dropped.map(|&what| Instruction::Drop { what: small(what), unwinding: true }));
    code.push(Instruction::End { panicked: unwind.is_some() });
    // A position is narrow enough: `Rules::build` refuses longer programs.
    let past = u16::try_from(code.len()).unwrap_or(u16::MAX);
    code[begin] = Instruction::Begin { target, past };
}
