//! The page itself: beside its parts in a folder, or with all of them inside.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headstart::Classifier;
use sha2::{Digest as _, Sha256};

use super::{File, parts};
use crate::html::escape;
use crate::language::{self, Strings};
use crate::page::{Frame, Page};
use crate::page_files::{ICON, STYLE};

/// Bytes of an image, at most: what the reader of images takes.
const MOST_BYTES: usize = 64 << 20;
/// Of a page in a folder: everything comes from there, and nothing goes elsewhere.
const FOLDER_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; form-action 'none'; \
    base-uri 'none'";

/// A page that answers by itself.
pub(super) struct OfflinePage<'a> {
    pub(super) classifier: &'a Classifier,
    pub(super) name: &'a str,
    /// The sealed model.
    pub(super) model: &'a [u8],
}

impl OfflinePage<'_> {
    /// The files of a folder: the page in each language, `first` as `index.html`, and its parts.
    pub(super) fn files(&self, first: &Strings) -> Vec<File> {
        let mut files: Vec<File> = vec![
            ("headstart.wasm".to_owned(), parts::MODULE.to_vec()),
            ("icon.svg".to_owned(), ICON.into()),
            (
                "manifest.webmanifest".to_owned(),
                parts::manifest(&self.classifier.card().title, first.tag).into(),
            ),
            ("model.safetensors".to_owned(), self.model.to_vec()),
            ("script.js".to_owned(), (parts::script() + REGISTER).into()),
            ("style.css".to_owned(), STYLE.into()),
        ];
        for strings in language::all() {
            let page = self.render(strings, folder_head(), String::new(), language_links(first, strings));
            files.push((file_of(first, strings), page.into()));
        }
        files.sort();
        let names: Vec<&str> =
            ["./"].into_iter().chain(files.iter().map(|(name, _)| name.as_str())).collect();
        let service_worker = parts::service_worker(&digest(&files), &names);
        files.push(("service_worker.js".to_owned(), service_worker.into()));
        files
    }

    /// One file that holds everything.
    pub(super) fn single(&self, strings: &'static Strings) -> String {
        let script = parts::script();
        let part = |id, bytes| {
            format!(
                r#"<script type="application/octet-stream" id="{id}">{}</script>"#,
                STANDARD.encode(bytes)
            )
        };
        let footer = format!(
            "{}\n    {}\n    <script type=\"module\">{script}</script>",
            part("module", parts::MODULE),
            part("model", self.model)
        );
        self.render(strings, single_head(&script), footer, String::new())
    }

    fn render(&self, strings: &'static Strings, head: String, footer: String, languages: String) -> String {
        let needs_script = escape(strings.get("needs-script"));
        // Enter on a file field presses the button, or does nothing where there is none.
        let without_script = format!(
            r#"<strong class="without-script">{needs_script}</strong><button type="submit" hidden></button>"#
        );
        let page = Page {
            predictor: self.classifier,
            strings,
            name: self.name,
            most_bytes: MOST_BYTES,
            frame: Frame {
                head,
                models: String::new(),
                action: String::new(),
                query: String::new(),
                without_script,
                promise: escape(strings.get("promise-here")),
                examples: String::new(),
                languages,
                footer,
            },
        };
        page.render(&[], "")
    }
}

/// A page that was opened from a disk has no service worker, and needs none.
const REGISTER: &str = r#"
if (location.protocol.startsWith("http")) navigator.serviceWorker?.register("service_worker.js");
"#;

fn folder_head() -> String {
    format!(
        r#"<meta http-equiv="Content-Security-Policy" content="{FOLDER_POLICY}">
  <meta name="referrer" content="no-referrer">
  <link rel="icon" href="icon.svg">
  <link rel="manifest" href="manifest.webmanifest">
  <link rel="stylesheet" href="style.css">
  <link rel="preload" as="fetch" crossorigin id="module" href="headstart.wasm">
  <link rel="preload" as="fetch" crossorigin id="model" href="model.safetensors">
  <script type="module" src="script.js"></script>"#
    )
}

/// Everything is inside: nothing may be loaded, and only this script and this style count.
fn single_head(script: &str) -> String {
    let [script, style] = [script, STYLE].map(|text| STANDARD.encode(Sha256::digest(text)));
    let icon = STANDARD.encode(ICON);
    format!(
        r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-{script}' 'wasm-unsafe-eval'; style-src 'sha256-{style}'; img-src blob: data:; worker-src blob:; form-action 'none'; base-uri 'none'">
  <meta name="referrer" content="no-referrer">
  <link rel="icon" href="data:image/svg+xml;base64,{icon}">
  <style>{STYLE}</style>"#
    )
}

fn file_of(first: &Strings, strings: &Strings) -> String {
    if first.tag == strings.tag { "index.html".to_owned() } else { format!("{}.html", strings.tag) }
}

fn language_links(first: &Strings, current: &Strings) -> String {
    let links = language::all().iter().map(|strings| {
        let (file, name) = (file_of(first, strings), escape(strings.get("language")));
        let current = if strings.tag == current.tag { r#" aria-current="true""# } else { "" };
        format!(r#"<a href="./{file}"{current} lang="{0}" hreflang="{0}">{name}</a>"#, strings.tag)
    });
    links.collect()
}

/// By which one export is told from another.
fn digest(files: &[File]) -> String {
    let mut hash = Sha256::new();
    for (name, content) in files {
        hash.update(name);
        hash.update(content);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
