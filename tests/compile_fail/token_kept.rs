//! A token does not outlive the closure that it was given to: it is not kept outside.

fn keep(interpreter: &viewchan::Interpreter) {
    let mut kept = None;
    interpreter.attach(|token| kept = Some(&*token));
}

fn main() {}
