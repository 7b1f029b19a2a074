//! The root package hosts the integration tests (`tests/`) and the benches (`benches/`); this library is empty.
