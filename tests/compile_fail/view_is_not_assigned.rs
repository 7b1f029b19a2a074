//! A view is read-only (G2).

fn write(view: viewchan::View) {
    view[0] = 1;
}

fn main() {}
