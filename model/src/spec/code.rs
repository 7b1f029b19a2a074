//! Threads as flat lists of instructions, so that a position in the program is one number.

use super::thread::{Operation, Patience, small};
use crate::scenario::{Located, Scenario, Step, ThreadDecl};

/// A step, or the beginning or the end of a block. Operands are variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// Begin a block: attached to this interpreter, or to nobody.
    Begin(Option<u8>),
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
}

/// The programs of all threads, and how many views there can be.
pub(super) struct Code {
    pub(super) threads: Vec<Vec<Instruction>>,
    pub(super) views: usize,
}

/// Flattens the threads of a scenario. Every receive gets the number of its view, in the order of the text.
pub(super) fn flatten(scenario: &Scenario) -> Code {
    let mut views = scenario.buffers.len();
    let threads = scenario.threads.iter().map(|thread| flatten_thread(thread, &mut views)).collect();
    Code { threads, views }
}

fn flatten_thread(thread: &ThreadDecl, views: &mut usize) -> Vec<Instruction> {
    let mut code = Vec::new();
    flatten_steps(&thread.steps, views, &mut code);
    let variables = 0..thread.variables.len();
    code.extend(variables.map(|what| Instruction::Drop { what: small(what), unwinding: false }));
    code
}

fn flatten_steps(steps: &[Located], views: &mut usize, code: &mut Vec<Instruction>) {
    for located in steps {
        flatten_step(&located.step, views, code);
    }
}

fn flatten_step(step: &Step, views: &mut usize, code: &mut Vec<Instruction>) {
    let instruction = match *step {
        Step::Attach { interpreter, ref body, ref unwind } => {
            code.push(Instruction::Begin(Some(small(interpreter))));
            flatten_steps(body, views, code);
            let dropped = unwind.iter().flatten();
            code.extend(dropped.map(|&what| Instruction::Drop { what: small(what), unwinding: true }));
            Instruction::End { panicked: unwind.is_some() }
        }
        Step::Detach { ref body } => {
            code.push(Instruction::Begin(None));
            flatten_steps(body, views, code);
            Instruction::End { panicked: false }
        }
        Step::Safepoint => Instruction::Safepoint,
        Step::Send { end, what, patience } => {
            Instruction::Send { end: small(end), what: small(what), patience: patience.into() }
        }
        Step::Receive { end, into, patience } => {
            let view = small(*views);
            *views += 1;
            Instruction::Receive { end: small(end), into: small(into), view, patience: patience.into() }
        }
        Step::Copy { what, into } => Instruction::Copy { what: small(what), into: small(into) },
        Step::Clone { view, into } => {
            Instruction::Clone { view: small(view), into: small(into), operation: Operation::Clone }
        }
        Step::Slice { view, into } => {
            Instruction::Clone { view: small(view), into: small(into), operation: Operation::Slice }
        }
        Step::Read { what } => Instruction::Read(small(what)),
        Step::Release { view } => Instruction::Release(small(view)),
        Step::Drop { what } => Instruction::Drop { what: small(what), unwinding: false },
        Step::Thaw { handle } => Instruction::Thaw(small(handle)),
        Step::Close { end } => Instruction::Close(small(end)),
    };
    code.push(instruction);
}
