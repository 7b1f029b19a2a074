use super::{Diagram, Line, Mark, Style, draw};
use crate::report::Violation;
use crate::scenario::{Scenario, Strategy, parse, shipped};
use crate::spec::{Action, Counterexample, Fault, Rules, explore};
use textwrap::core::display_width;

/// A thread of B releases a view of a buffer of A.
const BUSY: &str = r#"
    name = "busy"
    about = "A view is released while its owner is busy."
    tier = "exhaustive"
    interpreters = ["A", "B"]

    [[buffer]]
    name = "x"
    owner = "A"

    [[thread]]
    name = "owner"
    in = "A"
    steps = ["safepoint"]

    [[thread]]
    name = "reader"
    in = "B"
    holds = ["x.view"]
    steps = ["release x.view"]
"#;

/// Sender and receiver share an interpreter.
const NEIGHBOURS: &str = r#"
    name = "neighbours"
    about = "Who waits must let the other in."
    tier = "exhaustive"
    interpreters = ["A"]

    [[buffer]]
    name = "x"
    owner = "A"

    [[channel]]
    name = "c"

    [[thread]]
    name = "sender"
    in = "A"
    holds = ["x", "c.tx"]
    steps = ["send c.tx x"]

    [[thread]]
    name = "receiver"
    in = "A"
    holds = ["c.rx"]
    steps = ["recv c.rx v"]
"#;

fn scenario(text: &str) -> Scenario {
    let name = text.lines().find_map(|line| line.trim().strip_prefix("name = ")).expect("it has a name");
    parse(&format!("{}.toml", name.trim_matches('"')), text).expect("it is a scenario")
}

fn broken(fault: Fault, scenario: &Scenario) -> Option<(Rules, Counterexample)> {
    let rules = Rules::with_fault(scenario, fault.strategies()[0], fault);
    let found = explore(&rules, None).expect("no limit was set").violation?;
    Some((rules, found))
}

fn diagram(fault: Fault, scenario: &Scenario) -> Diagram {
    let (rules, found) = broken(fault, scenario).expect("the fault is refuted");
    Diagram::of_counterexample(&rules, &found)
}

fn lines_of<'a>(rules: &'a Rules, path: &'a [Action]) -> impl Iterator<Item = String> + 'a {
    path.iter().scan(rules.initial(), |state, &action| {
        let thread = &rules.scenario().threads[action.thread].name;
        let line = format!("{thread} {}", rules.narrate(state, action));
        *state = rules.step(state, action).ok()?;
        Some(line)
    })
}

#[test]
fn the_last_row_is_the_step_that_breaks() {
    let drawn = draw(&diagram(Fault::OwnLockKept, &scenario(BUSY)), 100, Style::Unicode);
    let expected = "
     owner           reader
  1  │               ╓─B attaches to B
  2  │               ╟─B drops a view of x
✗ 3  │               ╟─B acquires A for view release

║ B holds the lock of B; │ holds no lock; ✗ breaks the guarantee
";
    assert_eq!(drawn, expected.trim_start_matches('\n'));
}

#[test]
fn a_deadlock_ends_in_a_row_of_waits() {
    let drawn = draw(&diagram(Fault::WaitWithOwnLock, &scenario(NEIGHBOURS)), 60, Style::Ascii);
    let expected = "
     sender                     receiver
  1  :                          #-A attaches to A
  2  :                          #-A cannot receive from
     :                          #   c: empty
X    |-- waits until it         #-A waits until it
     :   attaches to A          #   receives from c

# A holds the lock of A; : holds no lock and cannot go on;
X breaks the guarantee
";
    assert_eq!(drawn, expected.trim_start_matches('\n'));
}

#[test]
fn a_round_is_marked() {
    let crossing = shipped().into_iter().find(|scenario| scenario.name == "receive-ends-crossing");
    let diagram = diagram(Fault::WalkGoesRound, &crossing.expect("it is shipped"));
    let marks: Vec<Mark> = diagram.rows.iter().rev().map(|row| row.mark).take(4).collect();
    assert_eq!(marks, [Mark::Broken, Mark::Repeats, Mark::Repeats, Mark::None]);
}

/// A lifeline shows who holds which lock, and comes to an end.
#[test]
fn a_trace_of_the_code_is_replayed() {
    let rules = Rules::new(&scenario(BUSY), Strategy::View);
    let mut state = rules.initial();
    let mut path = Vec::new();
    while let Some(&action) = rules.enabled(&state).iter().max_by_key(|action| action.thread) {
        path.push(action);
        state = rules.step(&state, action).expect("it is enabled");
    }
    let trace: Vec<String> = lines_of(&rules, &path).collect();
    let violation = Violation { guarantee: None, why: "Causality violation".to_owned(), trace };
    let diagram = Diagram::of_trace(&rules, &violation).expect("it is a trace of this scenario");
    let reader: Vec<Line> = diagram.rows.iter().map(|row| row.cells[1].line).take(9).collect();
    let (a, b) = (Line::Holds(0), Line::Holds(1));
    assert_eq!(reader, [b, b, Line::Free, a, a, a, a, Line::Free, b]);
    let last = diagram.rows.last().expect("there are rows");
    assert_eq!((last.number, last.mark), (None, Mark::Broken));
    assert!(last.cells.iter().all(|cell| cell.line == Line::Ended && cell.text.is_none()));
}

#[test]
fn a_deadlock_of_the_code_shows_what_the_specification_does() {
    let rules = Rules::new(&scenario(BUSY), Strategy::View);
    let trace = vec!["reader attaches to B".to_owned(), "reader drops a view of x".to_owned()];
    let violation = Violation { guarantee: None, why: "deadlock; threads = []".to_owned(), trace };
    let diagram = Diagram::of_trace(&rules, &violation).expect("it is a trace of this scenario");
    let last = diagram.rows.last().expect("there are rows");
    let texts: Vec<&str> = last.cells.iter().filter_map(|cell| cell.text.as_deref()).collect();
    assert_eq!(
        texts,
        ["is stuck; in the specification it attaches to A", "is stuck; in the specification it leaves B"]
    );
    assert_eq!(last.cells[0].line, Line::Waits);
}

#[test]
fn a_refused_step_of_the_code_is_the_last_row() {
    let rules = Rules::new(&scenario(BUSY), Strategy::View);
    let why = "reader acquires A for view release: reader acquires A for view release while it holds the lock of B";
    let trace = vec!["reader attaches to B".to_owned(), "reader drops a view of x".to_owned()];
    let violation = Violation { guarantee: None, why: why.to_owned(), trace };
    let diagram = Diagram::of_trace(&rules, &violation).expect("it is a trace of this scenario");
    let last = diagram.rows.last().expect("there are rows");
    assert_eq!(last.cells[1].text.as_deref(), Some("acquires A for view release"));
}

#[test]
fn a_trace_of_something_else_is_refused() {
    let rules = Rules::new(&scenario(BUSY), Strategy::View);
    for line in ["reader leaves B", "nobody attaches to A", "reader", ""] {
        let violation = Violation { guarantee: None, why: String::new(), trace: vec![line.to_owned()] };
        let error = Diagram::of_trace(&rules, &violation).expect_err(line);
        assert_eq!(error.to_string(), format!("the specification of busy has no step {line:?} here"));
    }
}

/// Every fault can be drawn: in every width that a terminal has, as wide as that, and with every step in its row.
#[test]
fn every_fault_can_be_drawn() {
    let shipped = shipped();
    for &fault in Fault::ALL {
        let (rules, found) = shipped.iter().find_map(|scenario| broken(fault, scenario)).expect("it is refuted");
        let diagram = Diagram::of_counterexample(&rules, &found);
        let numbered = diagram.rows.iter().filter(|row| row.number.is_some()).count();
        assert_eq!(numbered, found.path.len(), "{fault}");
        assert_eq!(diagram.rows.last().map(|row| row.mark), Some(Mark::Broken), "{fault}");
        for (width, style) in [(80, Style::Unicode), (120, Style::Unicode), (100, Style::Ascii)] {
            let drawn = draw(&diagram, width, style);
            let widest = drawn.lines().map(display_width).max().unwrap_or(0);
            assert!(widest <= width, "{fault}:\n{drawn}");
            assert_eq!(drawn.is_ascii(), style == Style::Ascii, "{fault}");
        }
        // Nonsense does no harm.
        draw(&diagram, 0, Style::Unicode);
    }
}
