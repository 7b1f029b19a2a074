//! What the type system refuses. Each program in `compile_fail/` breaks one rule, which its first line states, and is
//! refused for that alone. The messages beside them are those of the compiler in `rust-version`; after an update, rewrite
//! them with `TRYBUILD=overwrite` and read the difference.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

/// None of the programs compiles, and each is refused with the message beside it.
#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
