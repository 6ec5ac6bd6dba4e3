//! The WEBP decoder.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::decode(data, b"RIFF"));
