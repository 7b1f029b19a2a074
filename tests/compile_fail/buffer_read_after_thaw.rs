//! Bytes read through a handle are given up before the handle is thawed (G2).

fn thaw(token: &viewchan::Attached<'_>, buffer: viewchan::Buffer) -> u8 {
    let bytes = &buffer[..];
    let _ = buffer.try_thaw(token);
    bytes[0]
}

fn main() {}
