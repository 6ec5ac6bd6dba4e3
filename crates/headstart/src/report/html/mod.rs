//! `report.html`: one page that needs nothing from elsewhere.

mod audit;
mod element;
mod images;
mod members;
mod model;
mod operating;
mod results;
mod stress;
mod trust;

pub use self::audit::audit_html;
use self::audit::{GALLERY_STYLE, inspection};
use self::element::{contents, section, text};
use super::curves::curve_panels;
use super::{Report, curves_in_words, escape};
use crate::audit::Audit;
use crate::dataset::Dataset;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page of a run: self-contained, light or dark as the reader's system, fit for phone and paper.
/// With `inspected` it says what was found in the images, and shows some of them.
pub fn report_html(report: &Report, inspected: Option<(&Audit, &Dataset)>) -> String {
    let title = escape(&report.title);
    let sections = sections(report, inspected);
    [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".into(),
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n".into(),
        format!(
            "<title>{title}</title>\n<style>\n{STYLE}{GALLERY_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        ),
        origin(report),
        results::headline(report),
        boxes("Warning", &report.doubts),
        boxes("Caution", std::slice::from_ref(&report.caution)),
        boxes("Warning", &report.warnings),
        contents(sections.iter().map(|(title, _)| *title)),
        sections.iter().map(|(title, content)| section(title, content)).collect(),
        format!(
            "<footer>Written by headstart {}.</footer>\n</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            escape(&report.version)
        ),
    ]
    .concat()
}

/// Titles and contents of those sections that have any.
fn sections(report: &Report, inspected: Option<(&Audit, &Dataset)>) -> Vec<(&'static str, String)> {
    let subgroups = match report.subgroups.is_empty() {
        true => String::new(),
        false => trust::subgroups(report),
    };
    let all = [
        ("Training", training(report)),
        ("Evaluation", results::evaluation(report)),
        ("Under stress", stress::stress(report)),
        ("Trust", trust::trust(report)),
        ("Surest mistakes", trust::mistakes(report)),
        ("Subgroups", subgroups),
        ("Images", images::images(report)),
        ("Inspection", inspected.map(|(audit, dataset)| inspection(audit, dataset)).unwrap_or_default()),
        ("Model", model::model(report)),
        ("Do it again", model::again(report)),
    ];
    all.into_iter().filter(|(_, content)| !content.is_empty()).collect()
}

/// When the model was trained, and by which seed.
fn origin(report: &Report) -> String {
    let date = report.date.replace('T', " ").replace('Z', " UTC");
    format!("<p class=\"note\">Trained {}, seed {}.</p>\n", escape(&date), report.seed)
}

fn boxes(kind: &str, messages: &[String]) -> String {
    let class = kind.to_lowercase();
    let one = |message: &String| {
        format!("<p class=\"box {class}\" role=\"note\"><strong>{kind}.</strong> {}</p>\n", escape(message))
    };
    messages.iter().filter(|message| !message.is_empty()).map(one).collect()
}

fn training(report: &Report) -> String {
    let figures = curve_panels(&report.history).map(|panel| format!("<figure>\n{panel}</figure>\n")).concat();
    let words = text(&(of_the_first(report) + &curves_in_words(&report.history)));
    format!("{words}<div class=\"side-by-side\">\n{figures}</div>\n")
}

/// The name of a class.
fn class_name(report: &Report, class: usize) -> &str {
    report.classes.get(class).map_or("unnamed", String::as_str)
}

/// Whose curves they are, where there were several trainings.
fn of_the_first(report: &Report) -> String {
    match report.members.len() {
        0 => String::new(),
        count => format!("The first of {count} trainings ({}). ", report.members[0].name()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_page_is_well_formed_and_needs_nothing_from_elsewhere() {
        let page = report_html(&sample::report(), None);
        sample::assert_well_formed(&page);
        for outside in
            ["http://", "https://", "<script src", "<link", "src=\"h", "src=\"/", "url(", "@import"]
        {
            let page = page.replace("http://www.w3.org/2000/svg", "").replace("https://example.org", "");
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn the_headline_is_the_test_split_with_its_intervals() {
        let report = sample::report();
        let page = report_html(&report, None);
        let (cards, _) = page.split_once("</div>\n<p class=\"box").expect("cards come before the caution");
        let metrics = &report.results.last().expect("a test split").metrics;
        for number in [metrics.accuracy.value, metrics.accuracy.low, metrics.sensitivity.high] {
            assert!(cards.contains(&format!("{:.1}", number * 100.0)), "{number}");
        }
        assert!(cards.contains(&format!("{:.3} to {:.3}", metrics.auc.low, metrics.auc.high)));
    }

    #[test]
    fn a_doubt_stands_between_the_headline_and_all_else() {
        let mut report = sample::report();
        report.doubts = vec!["The splits share 170 groups.".into()];
        let page = report_html(&report, None);
        let (cards, rest) = page.split_once("The splits share 170 groups.").expect("the doubt");
        assert!(cards.contains("Sensitivity") && !cards.contains("Caution") && rest.contains("Caution"));
    }

    #[test]
    fn means_over_classes_are_called_so() {
        let report = sample::of_three_classes();
        let page = report_html(&report, None);
        assert!(page.contains("<span>Sensitivity, mean over the 3 classes</span>"), "{page}");
        assert!(page.contains("Each class against the rest") && !page.contains("threshold"), "{page}");
    }

    #[test]
    fn hostile_names_become_text() {
        let mut report = sample::report();
        report.doubts = vec!["<script>".into()];
        let hostile = String::from("<script>alert(\"1\")</script>");
        report.title.clone_from(&hostile);
        report.caution.clone_from(&hostile);
        report.warnings = vec![hostile.clone()];
        report.classes = vec![hostile.clone(), hostile.clone()];
        report.configuration.clone_from(&hostile);
        report.command.clone_from(&hostile);
        report.version.clone_from(&hostile);
        report.dataset.grouped_by = Some(hostile.clone());
        report.dataset.splits[0].name.clone_from(&hostile);
        report.dataset.set_aside[0].path.clone_from(&hostile);
        report.dataset.set_aside[0].reason.clone_from(&hostile);
        report.results[0].name.clone_from(&hostile);
        report.model.backbone.clone_from(&hostile);
        report.model.source.clone_from(&hostile);
        report.model.licence.clone_from(&hostile);
        report.model.sha256.clone_from(&hostile);
        report.model.layers[0].name.clone_from(&hostile);
        report.model.layers[0].kind.clone_from(&hostile);
        report.model.layers[0].block.clone_from(&hostile);
        report.mistakes[0].path.clone_from(&hostile);
        report.mistakes[0].truth.clone_from(&hostile);
        report.mistakes[0].picture = Some(hostile.clone());
        report.subgroups[0].attribute.clone_from(&hostile);
        report.subgroups[0].value.clone_from(&hostile);
        report.date.clone_from(&hostile);
        assert!(!report_html(&report, None).contains("<script>alert"));
    }

    #[test]
    fn contents_lead_to_every_section_and_origin_is_told() {
        let page = report_html(&sample::report(), None);
        let links: Vec<&str> =
            page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() >= 7, "{links:?}");
        for link in links {
            assert!(page.contains(&format!("<h2 id=\"{link}\">")), "{link}");
        }
        assert!(page.contains("Trained 2026-11-27 19:44:21 UTC, seed 7."));
        assert!(!page.contains("<th></th>") && page.contains("<th scope=\"row\">sensitivity 95 %</th>"));
    }

    #[test]
    fn an_empty_run_has_a_page_too() {
        let mut report = sample::report();
        report.results.clear();
        report.classes.clear();
        report.dataset.splits.clear();
        report.dataset.set_aside.clear();
        report.model.layers.clear();
        report.history = crate::history::History::default();
        let page = report_html(&report, None);
        assert!(page.contains("No epoch was trained.") && page.contains("Nothing was measured."));
    }
}
