//! The DICOM decoder.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::decode(data, &start()));

fn start() -> [u8; 132] {
    let mut start = [0; 132];
    start[128..].copy_from_slice(b"DICM");
    start
}
