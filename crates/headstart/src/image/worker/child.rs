//! The worker's side: decodes one file after the other, within bounds that the system keeps.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::catch_unwind;
use std::process::ExitCode;

use rustix::param::page_size;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::too_much_memory;
use super::wire::{self, Request};
use crate::image::{DecodeError, Format, Limits, decode};

/// Memory for the file and its copies, and for what the allocator keeps for later.
const BESIDES: u64 = 256 << 20;

/// Decodes files from the standard input until there are no more.
pub fn work() -> ExitCode {
    // A worker that fails leaves nothing behind, and is the first to go when the system runs out of memory.
    let _ = bound(Resource::Core, 0);
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    match decode_all(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // The program that asked is gone.
        Err(_) => ExitCode::FAILURE,
    }
}

fn decode_all(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let held = held();
    while let Some((request, file)) = wire::read_request(from)? {
        if let Some(held) = held {
            bound(Resource::As, held + BESIDES + request.limits.max_memory)?;
        }
        // Counted in whole seconds, of which the one that has begun is lost.
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.unsigned_abs();
        bound(Resource::Cpu, used + 1 + request.limits.max_seconds)?;
        let Request { format, limits, .. } = request;
        let decoded = catch_unwind(|| decode::decode_here(&file, format, &limits));
        wire::write_answer(to, &decoded.unwrap_or_else(|panic| Err(failure(&*panic, format, &limits))))?;
    }
    Ok(())
}

/// What a panic was about. Some decoders ask whether there is memory, and then take for granted that there is.
fn failure(panic: &(dyn Any + Send), format: Format, limits: &Limits) -> DecodeError {
    let said = panic.downcast_ref::<String>();
    match said.is_some_and(|text| text.contains("TryReserveError")) {
        true => too_much_memory(format, limits),
        false => DecodeError::Failed { format },
    }
}

/// Bytes of addresses that the program takes before it decodes, where the system tells.
fn held() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse().ok()?;
    Some(pages * page_size() as u64)
}

/// Lets the system end this process, or refuse it memory, at `most`. A lower bound that holds already stays.
fn bound(resource: Resource, most: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(most, |maximum| maximum.min(most)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}
