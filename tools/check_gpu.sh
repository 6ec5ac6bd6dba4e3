#!/usr/bin/env bash
# Holds what a graphics processor computes to what the CPU does: maps and gradients of every kind of layer, features of
# nets of each family, a training, a model's scores, and the program's commands. Without an argument by Vulkan, on Mesa's
# software driver, which needs no graphics processor:
#
#   apt-get install mesa-vulkan-drivers
#   tools/check_gpu.sh
#
# HEADSTART_SYSTEM_DRIVER=1 tools/check_gpu.sh vulkan    on the driver that the system has
# tools/check_gpu.sh cuda                                on an NVIDIA graphics processor
# tools/check_gpu.sh metal                               on a Mac
#
# The operations that nets are made of come first, then whole nets.
set -euo pipefail
cd "$(dirname "$0")/.."
device=${1:-vulkan}
if [ "$device" = vulkan ] && [ -z "${HEADSTART_SYSTEM_DRIVER:-}" ]; then
    driver=$(find /usr/share/vulkan/icd.d -name 'lvp_icd*.json' 2>/dev/null | head -n 1)
    [ -n "$driver" ] || { echo "skipped: no software driver for Vulkan: apt-get install mesa-vulkan-drivers"; exit 1; }
    # Older loaders read the first, newer ones the second.
    export VK_ICD_FILENAMES=$driver VK_DRIVER_FILES=$driver
    # Trying many kernels for each layer says nothing about a software driver.
    export CUBECL_AUTOTUNE_LEVEL=${CUBECL_AUTOTUNE_LEVEL:-minimal}
fi
cargo clippy --release --package headstart-cli --features "$device" -- -D warnings
export HEADSTART_DEVICE=$device
cargo test --release --package headstart-kernels --features "$device" --test device -- --nocapture --test-threads 1
cargo test --release --package headstart --features "$device" --test device -- --nocapture --test-threads 1
cargo test --release --package headstart-cli --features "$device" --test device -- --nocapture --test-threads 1
