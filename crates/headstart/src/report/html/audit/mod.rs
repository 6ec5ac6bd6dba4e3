//! The page of an audit: what was found, with pictures of the worst cases.

mod gallery;
mod sections;
mod style;

use self::gallery::Gallery;
use super::STYLE;
use super::element::{note, on_screen, section};
use crate::audit::{Audit, Finding, Weight};
use crate::dataset::Dataset;
use crate::numbers::thousands;
use crate::report::escape;

pub(super) const GALLERY_STYLE: &str = include_str!("gallery.css");

/// One page that needs nothing from elsewhere. `dataset` is the one that was looked at: the pictures
/// that are shown, and no others, are read from it again.
pub fn audit_html(audit: &Audit, dataset: &Dataset) -> String {
    let title = escape(&format!("Images in {}", audit.data));
    let gallery = Gallery::new(dataset);
    [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".into(),
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n".into(),
        format!("<title>{title}</title>\n<style>\n{STYLE}{GALLERY_STYLE}</style>\n</head>\n"),
        format!("<body>\n<main>\n<h1>{title}</h1>\n"),
        lead(audit),
        summary(&audit.findings()),
        section("Classes", &sections::classes(audit)),
        found(audit, &gallery).iter().map(|(title, content)| section(title, content)).collect(),
        format!(
            "<footer>Written by headstart {}. Nothing was changed or deleted.</footer>\n</main>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        ),
    ]
    .concat()
}

fn lead(audit: &Audit) -> String {
    let (images, classes) = (thousands(audit.images()), audit.classes.len());
    format!("<p class=\"lead\">{images} images of {classes} classes.</p>\n")
}

/// What a run's page says of its images: the summary, and the rest on demand; paper gets the summary.
pub(super) fn inspection(audit: &Audit, dataset: &Dataset) -> String {
    let gallery = Gallery::a_few_of(dataset);
    let found = found(audit, &gallery);
    let parts = found.iter().map(|(title, content)| on_screen(title, content));
    let more = note("`headstart inspect DATA --out PAGE.html` shows more of each.");
    summary(&audit.findings()) + &parts.collect::<String>() + &more
}

/// The sections of which there is anything to show, with their titles.
fn found(audit: &Audit, gallery: &Gallery<'_>) -> Vec<(&'static str, String)> {
    let all = [
        ("Files", sections::files(audit)),
        ("Labels that are probably wrong", sections::labels(audit, gallery)),
        ("Groups in several splits", sections::groups(audit)),
        ("Shortcuts to the class", sections::shortcuts(audit)),
        ("Style of the pictures", style::section(&audit.style)),
        ("Near duplicates", sections::near(audit, gallery)),
        ("Exact duplicates", sections::exact(audit, gallery)),
        ("Unlike the others", sections::oddities(audit, gallery)),
    ];
    all.into_iter().filter(|(_, content)| !content.is_empty()).collect()
}

fn summary(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        let (class, mark) = match finding.weight {
            Weight::Fine => ("fine", "✓"),
            Weight::Look => ("look", "look"),
            Weight::Serious => ("serious", "serious"),
        };
        let (check, found) = (escape(finding.check), escape(&finding.found));
        format!(
            "<tr><th scope=\"row\">{check}</th><td class=\"mark {class}\">{mark}</td><td>{found}</td></tr>\n"
        )
    };
    let rows: String = findings.iter().map(row).collect();
    let meaning = "Serious: what is measured on this data would mislead. `headstart inspect DATA --json` has all lists \
                   in full.";
    let region = "class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"What was found\"";
    format!("<div {region}><table class=\"words\">\n<tbody>\n{rows}</tbody>\n</table></div>\n")
        + &note(meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::audit;
    use crate::observer::Silent;
    use crate::report::sample::assert_well_formed;

    #[cfg(unix)]
    /// Two classes whose names and files are hostile, with one picture twice and one file cut off.
    fn hostile(folder: &std::path::Path) -> Dataset {
        for (class, grey) in [("<script>a", 90), ("'b\" & onload=", 60)] {
            let folder = folder.join(class);
            std::fs::create_dir_all(&folder).expect("creates");
            for index in 0..3u8 {
                let picture =
                    ::image::GrayImage::from_fn(30, 20, |x, y| ::image::Luma([grey + (x * y) as u8 % 40]));
                picture.save(folder.join(format!("<img {}>.png", index / 2))).expect("saves");
            }
            let whole = std::fs::read(folder.join("<img 0>.png")).expect("reads");
            std::fs::write(folder.join("copy.png"), &whole).expect("writes");
            std::fs::write(folder.join("<b>cut.png"), &whole[..40]).expect("writes");
        }
        Dataset::open(folder).expect("opens")
    }

    #[cfg(unix)]
    #[test]
    fn the_page_is_well_formed_and_hostile_names_become_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let dataset = hostile(folder.path());
        let audit = audit(&dataset, &folder.path().join(".cache"), None, &mut Silent).expect("audits");
        assert_eq!((audit.exact_duplicates.len(), audit.faults.len()), (2, 2));
        let page = audit_html(&audit, &dataset);
        let (before, pictures) = page.split_once(";base64,").expect("pictures");
        let without = pictures.split(";base64,").map(|part| part.split_once('"').expect("closed").1);
        assert_well_formed(&[before].into_iter().chain(without).collect::<Vec<_>>().join("\""));
        assert!(page.matches("src=\"data:image/jpeg;base64,").count() >= 4);
        for outside in ["http://", "https://", "<script", "<img 0", "<b>", "<link", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
