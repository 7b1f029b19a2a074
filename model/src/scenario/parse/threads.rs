//! The threads: what they hold, and how many there are.

use toml::Spanned;

use super::declare::{self, Declared};
use super::error::{Checked, Problem};
use super::file::{BufferTable, File, ThreadTable};
use super::scope::{Content, Kinds, Scope};
use super::{steps, words};
use crate::scenario::{Holding, Interpreter, MOST_STEPS, ThreadDecl};

/// The most threads of a scenario.
const MOST_THREADS: usize = 16;

pub(super) fn compile(text: &str, declared: &Declared, file: &File) -> Checked<Vec<ThreadDecl>> {
    check_sizes(&file.thread)?;
    check_names(&file.thread)?;
    let mut held = Vec::new();
    let mut threads = Vec::new();
    for table in &file.thread {
        let holds = check_holds(declared, table, &held)?;
        held.extend(&holds);
        threads.push(compile_thread(text, declared, table, holds)?);
    }
    check_buffers_are_held(&file.buffer, &held)?;
    Ok(threads)
}

fn check_sizes(threads: &[ThreadTable]) -> Checked<()> {
    if threads.is_empty() {
        return Err(Problem::new(0, "no threads; expected at least one `[[thread]]`"));
    }
    declare::at_most(MOST_THREADS, "threads", threads.iter().map(|table| &table.name))?;
    for table in threads {
        if table.steps.is_empty() {
            let message = format!("thread `{}` has no steps; expected at least one", table.name.get_ref());
            return Err(Problem::new(table.name.span().start, message));
        }
        declare::at_most(MOST_STEPS, "steps", table.steps.iter())?;
    }
    Ok(())
}

fn check_names(threads: &[ThreadTable]) -> Checked<()> {
    for (index, ThreadTable { name, .. }) in threads.iter().enumerate() {
        let taken = threads[..index].iter().any(|other| other.name.get_ref() == name.get_ref());
        declare::check_new(name, taken, words::check_name("a thread", name.get_ref()))?;
    }
    Ok(())
}

/// What a thread holds from the start. `held` is what the threads before it hold.
fn check_holds(declared: &Declared, table: &ThreadTable, held: &[Holding]) -> Checked<Vec<Holding>> {
    let mut holds = Vec::new();
    for text in &table.holds {
        let holding = declared.holding(text)?;
        let problem = |message| Problem::new(text.span().start, format!("`{}` {message}", text.get_ref()));
        if holds.contains(&holding) {
            return Err(problem("is held twice by one thread; expected it once, and a step that makes another"));
        }
        let alone = match holding {
            Holding::ReceiveEnd(_) => Some("is held by two threads; expected one receiver"),
            Holding::Publisher(_) => Some("is held by two threads; expected one publisher"),
            _ => None,
        };
        if let Some(message) = alone.filter(|_| held.contains(&holding)) {
            return Err(problem(message));
        }
        holds.push(holding);
    }
    Ok(holds)
}

fn check_buffers_are_held(buffers: &[BufferTable], held: &[Holding]) -> Checked<()> {
    for (index, BufferTable { name, .. }) in buffers.iter().enumerate() {
        if !held.contains(&Holding::Handle(index)) && !held.contains(&Holding::View(index)) {
            let message = format!("nobody holds `{0}`; expected a thread with `{0}` or `{0}.view`", name.get_ref());
            return Err(Problem::new(name.span().start, message));
        }
    }
    Ok(())
}

fn compile_thread(text: &str, declared: &Declared, table: &ThreadTable, holds: Vec<Holding>) -> Checked<ThreadDecl> {
    let home = table.attached.as_ref().map(|name| find_home(declared, name)).transpose()?;
    let mut scope = Scope::default();
    for (holding, name) in holds.iter().zip(&table.holds) {
        scope.hold(name.get_ref(), content(declared, *holding));
    }
    let steps = steps::compile(text, declared, &mut scope, home, &table.steps)?;
    Ok(ThreadDecl { name: table.name.get_ref().clone(), variables: scope.into_names(), holds, steps })
}

/// The interpreter of `in`, and where it stands in the text.
fn find_home(declared: &Declared, name: &Spanned<String>) -> Checked<(Interpreter, usize)> {
    let names = declared.interpreters.iter().map(String::as_str);
    let interpreter = words::index_of("interpreter", name, names)?;
    Ok((interpreter, name.span().start))
}

fn content(declared: &Declared, holding: Holding) -> Content {
    match holding {
        Holding::Handle(buffer) => Content { kinds: Kinds::HANDLE, owner: Some(declared.buffers[buffer].owner) },
        Holding::View(_) => Kinds::VIEW.into(),
        Holding::SendEnd(_) => Kinds::SEND_END.into(),
        Holding::ReceiveEnd(_) => Kinds::RECEIVE_END.into(),
        Holding::Publisher(_) => Kinds::PUBLISHER.into(),
        Holding::Subscriber(_) => Kinds::SUBSCRIBER.into(),
    }
}
