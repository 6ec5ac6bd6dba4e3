//! The PNG decoder.
#![no_main]

#[path = "../decoder.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|data: &[u8]| decoder::decode(data, b"\x89PNG\r\n\x1a\n"));
