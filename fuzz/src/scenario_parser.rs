//! Bytes as a scenario file, and back.

use super::{Code, planted};
use std::sync::Arc;
use viewchan_model::scenario::{Located, MOST_BYTES, ParseError, Scenario, Step, parse, write};
use viewchan_model::spec::{Rules, explore};

/// How many states of an accepted scenario are looked at.
const STATES: usize = 50;

/// Parses the bytes. Whatever they are, the parser does not panic; what it refuses it says where, on one line; and
/// what it accepts can be run, and written so that it is read as the same.
pub fn scenario_parser(bytes: &[u8], code: Code) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parse = match code {
        Code::Shipped => parse,
        Code::Planted => planted::parse,
    };
    let file = file_of(text);
    let parsed = parse(&file, text);
    match &parsed {
        Ok(scenario) => {
            accepted(text, scenario);
            written(&file, scenario);
        }
        Err(error) => refused(&file, text, error),
    }
    // One line more in front changes nothing but the lines. (A byte order mark is one in front only.)
    if text.len() < MOST_BYTES && !text.starts_with('\u{feff}') {
        moved(&parsed, &parse(&file, &format!("\n{text}")));
    }
}

/// A path that fits the name in the text, if there is one: another is refused at once.
fn file_of(text: &str) -> String {
    let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    format!("scenarios/{}.toml", name.unwrap_or("unnamed"))
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// The specification makes something of it, under each strategy.
fn accepted(text: &str, scenario: &Scenario) {
    let steps = scenario.threads.iter().flat_map(|thread| thread.preorder());
    for step in steps {
        assert!((1..=lines(text)).contains(&step.line), "{:?} is on line {}", step.text, step.line);
    }
    assert!(!scenario.strategies.is_empty() && !scenario.threads.is_empty());
    let scenario = Arc::new(scenario.clone());
    for &strategy in &scenario.strategies {
        // Whether it keeps the guarantees is not the parser's business, nor how big it is.
        drop(explore(&Rules::new(&scenario, strategy), Some(STATES)));
    }
}

/// What is written is read as it was, but for where and how each step stands.
fn written(file: &str, scenario: &Scenario) {
    let text = write(scenario);
    if text.len() > MOST_BYTES {
        return; // It is written with more blanks than it had.
    }
    let read = parse(file, &text).unwrap_or_else(|error| panic!("written, and refused: {error}\n{text}"));
    assert_eq!(meaning(&read), meaning(scenario), "written as:\n{text}");
}

fn meaning(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.threads.iter_mut().for_each(|thread| forget_places(&mut thread.steps));
    scenario
}

fn forget_places(steps: &mut [Located]) {
    for located in steps {
        (located.line, located.text) = (0, String::new());
        if let Step::Attach { body, .. } | Step::Detach { body } = &mut located.step {
            forget_places(body);
        }
    }
}

/// The message names the place, and is one line.
fn refused(file: &str, text: &str, error: &ParseError) {
    assert_eq!(error.file, file);
    assert!((1..=lines(text)).contains(&error.line), "names line {} of {}", error.line, lines(text));
    assert!(!error.message.is_empty() && !error.message.contains(char::is_control), "{:?}", error.message);
    assert_eq!(error.to_string(), format!("{file}:{}: {}", error.line, error.message));
}

/// The same, one line further down.
fn moved(parsed: &Result<Scenario, ParseError>, below: &Result<Scenario, ParseError>) {
    match (parsed, below) {
        (Ok(scenario), Ok(below)) => {
            let steps = |scenario: &Scenario, by: usize| -> Vec<(String, usize)> {
                let steps = scenario.threads.iter().flat_map(|thread| thread.preorder());
                steps.map(|step| (step.text.clone(), step.line + by)).collect()
            };
            assert_eq!(steps(scenario, 1), steps(below, 0));
        }
        (Err(error), Err(below)) => {
            assert_eq!(error.message, below.message);
            // What is missing in the whole file is on its first line.
            assert!(
                error.line + 1 == below.line || (error.line, below.line) == (1, 1),
                "names {error}, and one line further down {below}"
            );
        }
        (one, other) => panic!("an empty line in front makes the difference: {one:?}, {other:?}"),
    }
}
