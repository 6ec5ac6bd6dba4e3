//! What an offline page is made of besides the model: one script, the worker, and the module that the worker runs.

use serde_json::Value;

use crate::page_files::SCRIPTS;

/// What `tools/build_wasm.sh` made of this program's way from an image to its answer.
pub(super) const MODULE: &[u8] = include_bytes!("../../../../assets/headstart.wasm");

const REQUESTS: &str = include_str!("requests.js");
const WORKER: &str = include_str!("worker.js");
const SERVICE_WORKER: &str = include_str!("service_worker.js");

/// All scripts as one, because a page that is opened from a disk must not load others: imports and exports go.
pub(super) fn script() -> String {
    let [words, others @ ..] = SCRIPTS;
    let worker = format!("const WORKER = {};\n", Value::from(WORKER));
    let modules = [words, ("requests.js", REQUESTS)].into_iter().chain(others);
    let joined = modules.map(|(_, module)| alone(module)).collect::<Vec<_>>().join("\n");
    // Nothing in it may end the element that it stands in.
    (worker + &joined).replace("</", "<\\/")
}

/// A module's text without what binds it to others.
fn alone(module: &str) -> String {
    let lines = module.lines().filter(|line| !line.starts_with("import "));
    lines.map(|line| line.strip_prefix("export ").unwrap_or(line)).collect::<Vec<_>>().join("\n") + "\n"
}

/// The service worker that keeps `files` as a version of this `name`.
pub(super) fn service_worker(name: &str, files: &[&str]) -> String {
    let name = format!("headstart {name}");
    let files = Value::from(files.iter().map(|file| Value::from(*file)).collect::<Vec<_>>()).to_string();
    SERVICE_WORKER.replace("{{name}}", &name).replace("{{files}}", &files)
}

/// A web app's manifest, by which a phone can keep the page among its apps.
pub(super) fn manifest(title: &str, language: &str) -> String {
    serde_json::json!({
        "name": title,
        "short_name": title,
        "lang": language,
        "start_url": "./",
        "display": "standalone",
        "background_color": "#f6f8f8",
        "theme_color": "#1d6a66",
        "icons": [{ "src": "icon.svg", "sizes": "any", "type": "image/svg+xml" }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;

    #[test]
    fn one_script_imports_nothing_and_declares_each_name_once() {
        let script = script();
        assert!(!script.contains("\nimport ") && !script.contains("\nexport "), "a module is left");
        assert!(!script.contains("</"), "an element could end in it");
        let mut names: Vec<&str> = script
            .lines()
            .filter_map(|line| {
                let line = line.strip_prefix("async ").unwrap_or(line);
                let rest = ["const ", "let ", "function ", "class "]
                    .iter()
                    .find_map(|word| line.strip_prefix(word))?;
                rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
            })
            .filter(|name| !name.is_empty())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(count > 20 && count == names.len(), "{count} declarations of {} names", names.len());
    }

    /// The module is made by a script, so it could be older than what it is made of. Its texts lie in it as they are.
    #[test]
    fn the_module_says_what_this_version_says() {
        let holds = |text: &str| MODULE.windows(text.len()).any(|window| window == text.as_bytes());
        for strings in language::all() {
            assert!(holds(strings.json), "{}: run tools/build_wasm.sh", strings.tag);
        }
        assert!(MODULE.len() <= 2 << 20, "{} bytes", MODULE.len());
    }
}
