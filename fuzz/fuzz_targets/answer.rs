#![no_main]

partools_fuzz::target!("answer");
