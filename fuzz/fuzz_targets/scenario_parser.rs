#![no_main]

use libfuzzer_sys::fuzz_target;
use viewchan_fuzz::{Code, scenario_parser};

const CODE: Code = if cfg!(feature = "planted") { Code::Planted } else { Code::Shipped };

fuzz_target!(|bytes: &[u8]| scenario_parser(bytes, CODE));
