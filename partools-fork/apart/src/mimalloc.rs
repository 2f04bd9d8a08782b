//! A host whose allocator is mimalloc: 200 maps of all kinds.

use std::process::ExitCode;

#[path = "../../tests/hosts/jobs.rs"]
#[expect(dead_code, reason = "other hosts need the rest")]
mod jobs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    jobs::two_hundred(3, jobs::Causes::Told);
    println!("mimalloc: {} maps were right and left nothing", jobs::MAPS);
    ExitCode::SUCCESS
}
