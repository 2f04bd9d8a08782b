#![no_main]

partools_fuzz::target!("parcel");
