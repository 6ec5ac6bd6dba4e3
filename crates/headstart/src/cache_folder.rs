//! The folder that keeps what is computed or fetched once.

use std::path::PathBuf;

/// Where features are kept unless another folder is given: `headstart` in the user's cache folder (`XDG_CACHE_HOME`, or
/// `.cache` at home), or among temporary files where there is none.
pub fn usual_cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| home.join(".cache"));
    variable("XDG_CACHE_HOME").or_else(home).unwrap_or_else(std::env::temp_dir).join("headstart")
}

/// Where pulled weights are kept: `weights` in the folder that the variable `HEADSTART_CACHE` names, or in
/// [`usual_cache`].
pub fn pulled_weights() -> PathBuf {
    let named = std::env::var_os("HEADSTART_CACHE").filter(|name| !name.is_empty());
    named.map_or_else(usual_cache, PathBuf::from).join("weights")
}
