#!/usr/bin/env bash
# Makes a tarball of the program for each target, with the SHA-256 of each: deploy/release.sh [TARGET...]
#
# Without a target, for this machine. For another architecture Rust needs its target and a linker, for example
#   rustup target add aarch64-unknown-linux-gnu && apt-get install gcc-aarch64-linux-gnu
#   CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc deploy/release.sh aarch64-unknown-linux-gnu
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
here=$(rustc -vV | sed -n 's/^host: //p')
for target in "${@:-$here}"; do
    cargo build --release --locked --package headstart-cli --target "$target"
    name="headstart-$version-$target"
    folder="target/dist/$name"
    rm -rf "$folder" && mkdir -p "$folder/completions"
    cp "target/$target/release/headstart" README.md CHANGELOG.md LICENSE* "$folder/"
    cp assets/README.md "$folder/WEIGHTS.md"
    if [ "$target" = "$here" ]; then
        for shell in bash zsh fish; do "$folder/headstart" completions "$shell" >"$folder/completions/headstart.$shell"; done
        "$folder/headstart" man >"$folder/headstart.1"
    fi
    tar -C target/dist -czf "target/dist/$name.tar.gz" "$name"
    (cd target/dist && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
done
