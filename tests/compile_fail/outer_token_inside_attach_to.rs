//! A visitor has given up its own interpreter's lock, so that one's token is out of reach.

fn visit(token: &mut viewchan::Attached<'_>, other: &viewchan::Interpreter, buffer: &viewchan::Buffer) {
    token.attach_to(other, |_inner| drop(buffer.clone_ref(token)));
}

fn main() {}
