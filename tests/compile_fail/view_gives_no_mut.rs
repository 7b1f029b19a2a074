//! A view never gives out `&mut` (G2).

fn write(view: viewchan::View) {
    let _bytes: &mut [u8] = &mut view[..];
}

fn main() {}
