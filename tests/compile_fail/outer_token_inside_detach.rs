//! A detached thread holds no lock, so its token is out of reach.

fn detached(token: &mut viewchan::Attached<'_>, buffer: &viewchan::Buffer) {
    token.detach(|| drop(buffer.clone_ref(token)));
}

fn main() {}
