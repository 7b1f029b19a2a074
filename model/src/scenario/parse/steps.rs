//! The steps of one thread: words become [`Step`]s, blocks are closed, variables are resolved.

use std::slice;

use toml::Spanned;

use super::declare::Declared;
use super::error::{Checked, Problem, line_of};
use super::scope::{Content, Kinds, Scope};
use super::{purpose, words};
use crate::scenario::{Interpreter, Located, Patience, Step, Variable};

/// Every step with its operands.
const FORMS: [&str; 23] = [
    "send END WHAT",
    "try-send END WHAT",
    "send-timeout END WHAT",
    "recv END NAME",
    "try-recv END NAME",
    "recv-timeout END NAME",
    "copy WHAT NAME",
    "clone VIEW NAME",
    "slice VIEW NAME",
    "read WHAT",
    "release VIEW",
    "drop WHAT",
    "thaw HANDLE",
    "close END",
    "undelivered END POLICY",
    "publish PUBLISHER HANDLE",
    "peek SUBSCRIBER NAME",
    "end INTERPRETER",
    "safepoint",
    "attach INTERPRETER",
    "detach",
    "end",
    "panic NAME…",
];

/// One step as it stands in the file.
struct Line<'a> {
    /// The offset of the step in the text.
    at: usize,
    words: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn new(step: &'a Spanned<String>) -> Self {
        Self { at: step.span().start, words: step.get_ref().split_whitespace().collect() }
    }

    fn text(&self) -> String {
        self.words.join(" ")
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.at, message)
    }
}

/// What is around the steps that are being read.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// The step that opened the block; `None` around a thread's outermost steps.
    opened: Option<&'a Line<'a>>,
    /// The interpreter that the thread is attached to.
    attached: Option<Interpreter>,
    /// Whether the steps may end in `panic`: they are the body of an [`Step::Attach`].
    may_panic: bool,
}

/// The steps of a block.
#[derive(Default)]
struct Body {
    steps: Vec<Located>,
    unwind: Option<Vec<Variable>>,
}

/// Compiles the steps of a thread. `home` is the interpreter of its `in`, and where that stands in the text.
pub(super) fn compile(
    text: &str,
    declared: &Declared,
    scope: &mut Scope,
    home: Option<(Interpreter, usize)>,
    steps: &[Spanned<String>],
) -> Checked<Vec<Located>> {
    let lines: Vec<Line<'_>> = steps.iter().map(Line::new).collect();
    let mut compiler = Compiler { text, declared, scope, lines: lines.iter() };
    let body = compiler.body(Block {
        opened: None,
        attached: home.map(|(interpreter, _)| interpreter),
        may_panic: home.is_some(),
    })?;
    let Some((interpreter, at)) = home else {
        return Ok(body.steps);
    };
    let attach = Located {
        step: attach(interpreter, body),
        text: format!("attach {}", declared.interpreters[interpreter]),
        line: line_of(text, at),
    };
    Ok(vec![attach])
}

fn attach(interpreter: Interpreter, body: Body) -> Step {
    Step::Attach { interpreter, body: body.steps, unwind: body.unwind }
}

struct Compiler<'a> {
    text: &'a str,
    declared: &'a Declared,
    scope: &'a mut Scope,
    lines: slice::Iter<'a, Line<'a>>,
}

impl<'a> Compiler<'a> {
    /// The steps up to the `end` of the block, or to the end of the thread.
    fn body(&mut self, block: Block<'a>) -> Checked<Body> {
        let mut body = Body::default();
        while let Some(line) = self.lines.next() {
            let words = line.words.as_slice();
            if words == ["end"] {
                return match block.opened {
                    Some(_) => Ok(body),
                    None => Err(line.problem("`end` ends nothing; expected `attach` or `detach` before it")),
                };
            }
            if body.unwind.is_some() {
                return Err(line.problem("a step follows `panic`; expected `panic` to be the last of its block"));
            }
            if let ["panic", names @ ..] = words {
                body.unwind = Some(self.unwind(line, names, block)?);
                continue;
            }
            body.steps.push(Located {
                step: self.step(line, block)?,
                text: line.text(),
                line: line_of(self.text, line.at),
            });
        }
        match block.opened {
            None => Ok(body),
            Some(opened) => Err(opened.problem(format!("`{}` is never ended; expected `end`", opened.text()))),
        }
    }

    /// The variables that drop while a panic unwinds.
    fn unwind(&mut self, line: &Line<'_>, names: &[&str], block: Block<'_>) -> Checked<Vec<Variable>> {
        if !block.may_panic {
            return Err(line.problem("`panic` outside any interpreter; expected it in a block of `attach`"));
        }
        let taken = names.iter().map(|name| self.scope.take(name, Kinds::ANY));
        taken.collect::<Result<_, _>>().map_err(|message| line.problem(message))
    }

    fn step(&mut self, line: &'a Line<'a>, block: Block<'a>) -> Checked<Step> {
        match line.words.as_slice() {
            ["attach", name] => self.attach(line, name),
            ["detach"] => self.detach(line),
            _ => self.plain(line, block.attached).map_err(|message| line.problem(message)),
        }
    }

    fn attach(&mut self, line: &'a Line<'a>, name: &str) -> Checked<Step> {
        let names = self.declared.interpreters.iter().map(String::as_str);
        let interpreter = words::find("interpreter", name, names).map_err(|message| line.problem(message))?;
        let body = self.body(Block { opened: Some(line), attached: Some(interpreter), may_panic: true })?;
        Ok(attach(interpreter, body))
    }

    fn detach(&mut self, line: &'a Line<'a>) -> Checked<Step> {
        let body = self.body(Block { opened: Some(line), attached: None, may_panic: false })?;
        Ok(Step::Detach { body: body.steps })
    }

    /// A step that opens no block.
    fn plain(&mut self, line: &Line<'_>, attached: Option<Interpreter>) -> Result<Step, String> {
        match *line.words.as_slice() {
            ["send", end, what] => self.send(end, what, Patience::Forever, attached),
            ["try-send", end, what] => self.send(end, what, Patience::Never, attached),
            ["send-timeout", end, what] => self.send(end, what, Patience::Deadline, attached),
            ["recv", end, name] => self.receive(end, name, Patience::Forever),
            ["try-recv", end, name] => self.receive(end, name, Patience::Never),
            ["recv-timeout", end, name] => self.receive(end, name, Patience::Deadline),
            ["copy", what, name] => self.copy(what, name, attached),
            ["clone", view, name] => {
                let (view, into) = self.derive(view, name)?;
                Ok(Step::Clone { view, into })
            }
            ["slice", view, name] => {
                let (view, into) = self.derive(view, name)?;
                Ok(Step::Slice { view, into })
            }
            ["read", what] => Ok(Step::Read { what: self.scope.find(what, Kinds::READABLE)? }),
            ["release", view] => Ok(Step::Release { view: self.scope.take(view, Kinds::RELEASABLE)? }),
            ["drop", what] => Ok(Step::Drop { what: self.scope.take(what, Kinds::ANY)? }),
            ["thaw", handle] => self.thaw(handle, attached),
            ["close", end] => Ok(Step::Close { end: self.scope.take(end, Kinds::END)? }),
            ["undelivered", end, policy] => {
                let end = self.scope.find(end, Kinds::SEND_END)?;
                Ok(Step::Undelivered { end, policy: purpose::find_policy(policy)? })
            }
            ["publish", publisher, what] => self.publish(publisher, what, attached),
            ["peek", subscriber, name] => {
                let subscriber = self.scope.find(subscriber, Kinds::SUBSCRIBER)?;
                Ok(Step::Peek { subscriber, into: self.scope.introduce(name, Kinds::READING)? })
            }
            ["end", name] => {
                let names = self.declared.interpreters.iter().map(String::as_str);
                Ok(Step::End { interpreter: words::find("interpreter", name, names)? })
            }
            ["safepoint"] if attached.is_some() => Ok(Step::Safepoint),
            ["safepoint"] => Err("`safepoint` outside any interpreter; expected it in a block of `attach`".to_owned()),
            _ => Err(malformed(line)),
        }
    }

    fn send(
        &mut self,
        end: &str,
        what: &str,
        patience: Patience,
        attached: Option<Interpreter>,
    ) -> Result<Step, String> {
        if end == what {
            return Err(format!(
                "`{end}` cannot travel through itself; expected another end of the channel, as `copy {end} NAME` makes"
            ));
        }
        let (via, payload) = (self.scope.find(end, Kinds::SEND_END)?, self.scope.find(what, Kinds::SENDABLE)?);
        if attached.is_none() {
            return Err(format!("`{what}` is sent outside any interpreter; expected it in a block of `attach`"));
        }
        check_deadline(end, patience)?;
        Ok(Step::Send { end: via, what: payload, patience })
    }

    fn publish(&mut self, publisher: &str, what: &str, attached: Option<Interpreter>) -> Result<Step, String> {
        let publisher = self.scope.find(publisher, Kinds::PUBLISHER)?;
        let handle = self.scope.find(what, Kinds::HANDLE)?;
        if attached.is_none() {
            return Err(format!("`{what}` is published outside any interpreter; expected it in a block of `attach`"));
        }
        Ok(Step::Publish { publisher, what: handle })
    }

    fn receive(&mut self, end: &str, name: &str, patience: Patience) -> Result<Step, String> {
        let via = self.scope.find(end, Kinds::RECEIVE_END)?;
        check_deadline(end, patience)?;
        Ok(Step::Receive { end: via, into: self.scope.introduce(name, Kinds::RECEIVED)?, patience })
    }

    fn copy(&mut self, what: &str, name: &str, attached: Option<Interpreter>) -> Result<Step, String> {
        let variable = self.scope.find(what, Kinds::COPIABLE)?;
        let content = self.scope.content(variable);
        self.check_at_owner("copy", what, content, attached)?;
        let copied = Content { kinds: content.kinds.and(Kinds::COPIABLE), ..content };
        Ok(Step::Copy { what: variable, into: self.scope.introduce(name, copied)? })
    }

    fn thaw(&mut self, name: &str, attached: Option<Interpreter>) -> Result<Step, String> {
        let handle = self.scope.find(name, Kinds::HANDLE)?;
        self.check_at_owner("thaw", name, self.scope.content(handle), attached)?;
        Ok(Step::Thaw { handle })
    }

    /// The operand and the target of `clone` and `slice`.
    fn derive(&mut self, view: &str, name: &str) -> Result<(Variable, Variable), String> {
        let view = self.scope.find(view, Kinds::VIEW)?;
        Ok((view, self.scope.introduce(name, Kinds::VIEW)?))
    }

    /// Off its owner, a handle can be sent, read and dropped, but neither copied nor thawed.
    fn check_at_owner(
        &self,
        verb: &str,
        name: &str,
        content: Content,
        attached: Option<Interpreter>,
    ) -> Result<(), String> {
        match content.owner {
            Some(owner) if attached != content.owner => Err(format!(
                "`{verb} {name}` away from the owner of `{name}`; expected it attached to `{}`",
                self.declared.interpreters[owner]
            )),
            _ => Ok(()),
        }
    }
}

/// Who lets a deadline pass must know from the start at which channel: the end has a name with a dot.
fn check_deadline(end: &str, patience: Patience) -> Result<(), String> {
    if patience == Patience::Deadline && !end.contains('.') {
        return Err(format!(
            "a deadline at `{end}`; expected an end that the thread holds from the start, like `c.rx`"
        ));
    }
    Ok(())
}

/// The message about a line that has no form of [`FORMS`].
fn malformed(line: &Line<'_>) -> String {
    let verb = |form: &'static str| form.split_once(' ').map_or(form, |(verb, _)| verb);
    let Some(written) = line.words.first() else {
        return "an empty step; expected a verb and its operands".to_owned();
    };
    let forms: Vec<String> =
        FORMS.iter().filter(|form| verb(form) == *written).map(|form| format!("`{form}`")).collect();
    if forms.is_empty() {
        // Both forms of `end` have one verb, which need not be told twice.
        let verbs: Vec<&str> = FORMS.into_iter().filter(|form| *form != "end INTERPRETER").map(verb).collect();
        return words::unknown("step", written, &verbs);
    }
    format!("wrong operands in `{}`; expected {}", line.text(), forms.join(" or "))
}
