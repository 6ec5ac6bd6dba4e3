//! The same tests as a CPU with lesser registers would pass them.

use std::process::Command;

/// Runs all other tests of this binary again, with each level that may be below the CPU's.
pub fn run_again(this: &str) {
    for level in ["avx2", "portable"] {
        let binary = std::env::current_exe().expect("a path");
        let run = Command::new(binary).args(["--skip", this]).env("HEADSTART_VECTOR", level).output();
        let run = run.expect("the tests start");
        assert!(run.status.success(), "{level}:\n{}", String::from_utf8_lossy(&run.stdout));
    }
}
