# Every gate, as in CI.
check:
    .ci/run

# The main job on what is embedded.
demo:
    cargo run --release -- demo
