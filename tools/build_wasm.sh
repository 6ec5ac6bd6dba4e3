#!/usr/bin/env bash
# Builds the module that exported pages run in the browser, and puts it under assets/. Needs
# `rustup target add wasm32-unknown-unknown` and Binaryen's wasm-opt (`npm install binaryen`, or a system's package), which makes
# it a tenth smaller; WASM_OPT names it. Run it when what the module computes or says has changed; tests tell.
set -euo pipefail
cd "$(dirname "$0")/.."

# Four lanes: Chrome and Edge 91, Firefox 89, Safari 16.4. The paths of this machine do not belong into the module.
export RUSTFLAGS="-C target-feature=+simd128 --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
cargo build --package headstart-wasm --profile wasm --target wasm32-unknown-unknown --target-dir target/wasm
"${WASM_OPT:-wasm-opt}" -Os --enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext \
    --enable-mutable-globals --enable-multivalue --enable-reference-types \
    target/wasm/wasm32-unknown-unknown/wasm/headstart_wasm.wasm --output assets/headstart.wasm
ls -l assets/headstart.wasm
