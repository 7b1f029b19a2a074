//! Freezing takes the writable bytes.

fn freeze(mut bytes: viewchan::BufferMut, token: &viewchan::Attached<'_>) -> viewchan::Buffer {
    let buffer = bytes.freeze(token);
    bytes[0] = 1;
    buffer
}

fn main() {}
