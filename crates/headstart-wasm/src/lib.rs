//! The module that the exported page's worker (`worker.js`) loads. The worker asks for room with `input`, writes bytes
//! there, calls one of the other functions and reads what they left at `output`. One thing is done at a time.
//!
//! Numbers and addresses are all that goes through a call, so no other glue is needed, and no unsafe code. What cannot go
//! on ends the module with a trap; the worker then starts it anew.
#![cfg(target_arch = "wasm32")]
// A name that is exported counts as unsafe code: two crates could use the same.
#![allow(unsafe_code)]

use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use headstart_page::local::Local;
use headstart_page::predictor::Layer;

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static MODEL: Mutex<Option<Local>> = Mutex::new(None);

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the input, and leaves what `work` makes of it as the output: 1 for a result, 0 for an error.
fn answer(work: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, String>) -> u32 {
    let input = take(&mut *lock(&INPUT));
    let made = work(input);
    let is_fine = u32::from(made.is_ok());
    *lock(&OUTPUT) = made.unwrap_or_else(String::into_bytes);
    is_fine
}

/// Room for so many bytes of input.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    let mut input = lock(&INPUT);
    input.clear();
    input.resize(length, 0);
    input.as_mut_ptr()
}

/// Where the last output begins.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    lock(&OUTPUT).as_ptr()
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn output_length() -> usize {
    lock(&OUTPUT).len()
}

/// Input: a sealed model, and behind it the tag of a language in `tag` bytes. Output: why it is none, in words.
#[unsafe(no_mangle)]
pub extern "C" fn load(tag: usize) -> u32 {
    answer(|mut model| {
        let tag = model.split_off(model.len().saturating_sub(tag));
        let local = Local::load(&model, &String::from_utf8_lossy(&tag))?;
        *lock(&MODEL) = Some(local);
        Ok(Vec::new())
    })
}

/// Input: an image file. Output: the answer in JSON.
#[unsafe(no_mangle)]
pub extern "C" fn predict() -> u32 {
    with_model(|model, file| Ok(model.predict(file).into_bytes()))
}

/// Input: an image file. Output: a PNG file of it, with a heat map over it if `is_explained` is 1; or why not, in JSON.
#[unsafe(no_mangle)]
pub extern "C" fn picture(is_explained: u32) -> u32 {
    let layer = if is_explained == 1 { Layer::HeatMap } else { Layer::Bare };
    with_model(|model, file| model.picture(file, layer))
}

fn with_model(work: impl FnOnce(&Local, &[u8]) -> Result<Vec<u8>, String>) -> u32 {
    answer(|file| match &*lock(&MODEL) {
        Some(model) => work(model, &file),
        None => Err("no model was loaded".to_owned()),
    })
}

/// 1 if it computes with vectors of four.
#[unsafe(no_mangle)]
pub extern "C" fn is_vectorised() -> u32 {
    u32::from(headstart_kernels::vector_level() == "simd128")
}
