//! Bytes as a plan of what threads do with a channel. It is run on real threads.

use super::{Code, planted};
use arbitrary::Unstructured;
use viewchan_model::history::{
    MOST_RECEIVERS, MOST_SENDERS, MOST_STEPS, Plan, Receive, Receiving, Send, Sending, check,
};
use viewchan_model::scenario::{Patience, Strategy};

/// Runs the plan. Its history is linearizable, its threads come to their end, and everything is given back.
pub fn history(bytes: &[u8], code: Code) {
    let mut input = Unstructured::new(bytes);
    let strategy = Strategy::OF_CHANNELS[below(&mut input, Strategy::OF_CHANNELS.len())];
    let plan = plan(&mut input);
    let run = match code {
        Code::Shipped => check,
        Code::Planted => planted::check,
    };
    run(&plan, strategy).unwrap_or_else(|failure| panic!("{plan:?} under {}: {failure}", strategy.name()));
}

/// A number below `end`: the next byte, 0 behind the last.
fn below(input: &mut Unstructured<'_>, end: usize) -> usize {
    usize::from(input.arbitrary::<u8>().unwrap_or_default()) % end
}

fn plan(input: &mut Unstructured<'_>) -> Plan {
    let capacity = Some(below(input, 4)).filter(|&capacity| capacity > 0);
    let (senders, receivers) = (1 + below(input, MOST_SENDERS), 1 + below(input, MOST_RECEIVERS));
    let sending = |_| {
        let (interpreter, steps) = (below(input, 3), below(input, MOST_STEPS + 1));
        Sending { interpreter, steps: (0..steps).map(|_| send(input)).collect() }
    };
    let senders = (0..senders).map(sending).collect();
    let receiving = |_| {
        let (home, steps) = (below(input, 5), below(input, MOST_STEPS + 1));
        Receiving { home: home.checked_sub(1), steps: (0..steps).map(|_| receive(input)).collect() }
    };
    Plan { capacity, senders, receivers: (0..receivers).map(receiving).collect() }
}

const PATIENCE: [Patience; 3] = [Patience::Never, Patience::Deadline, Patience::Forever];

fn send(input: &mut Unstructured<'_>) -> Send {
    match below(input, 10) {
        0 => Send::Yield,
        1 => Send::Clone,
        2 => Send::Drop,
        3 => Send::Close,
        other => Send::Number(PATIENCE[other % 3]),
    }
}

fn receive(input: &mut Unstructured<'_>) -> Receive {
    match below(input, 9) {
        0 => Receive::Yield,
        1 => Receive::Count,
        2 => Receive::Shut,
        other => Receive::Number(PATIENCE[other % 3]),
    }
}
