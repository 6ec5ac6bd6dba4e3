#!/usr/bin/env bash
# Holds what a graphics processor computes to what the CPU does: maps and gradients of every kind of layer, features of
# nets of each family, a training, a model's scores, and the program's commands. Without an argument by Vulkan on Mesa's
# software driver, which needs no graphics processor:
#
#   apt-get install mesa-vulkan-drivers
#   tools/check_gpu.sh
#
# tools/check_gpu.sh vulkan    on the Vulkan driver that the system has
# tools/check_gpu.sh cuda      on an NVIDIA graphics processor
# tools/check_gpu.sh metal     on a Mac
#
# The operations that nets are made of come first, then whole nets.
set -euo pipefail
cd "$(dirname "$0")/.."
device=${1:-vulkan} feature=${1:-vulkan-wgsl}
if [ $# = 0 ]; then
    driver=$(find /usr/share/vulkan/icd.d -name 'lvp_icd*.json' 2>/dev/null | head -n 1)
    [ -n "$driver" ] || { echo "skipped: no software driver for Vulkan: apt-get install mesa-vulkan-drivers"; exit 1; }
    # Older loaders read the first, newer ones the second.
    export VK_ICD_FILENAMES=$driver VK_DRIVER_FILES=$driver
fi
# One set of features for all three, so that Burn is compiled once.
crates=(--package headstart-kernels --package headstart --package headstart-cli --features "headstart-cli/$feature")
cargo clippy --release "${crates[@]}" --test device -- -D warnings
export HEADSTART_DEVICE=$device
cargo test --release "${crates[@]}" --test device -- --nocapture --test-threads 1
