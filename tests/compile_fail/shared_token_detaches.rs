//! Detaching takes the token exclusively: nobody else has it at the time.

fn detach(token: &viewchan::Attached<'_>) {
    token.detach(|| ());
}

fn main() {}
