//! Names in Markdown: what a class, a column or a file is called must not become a link, a heading or HTML.

use super::Report;
use crate::visible::visible;

/// Characters that mean something in Markdown or HTML, wherever they are in a line.
const SPECIAL: [char; 14] = ['\\', '`', '*', '_', '[', ']', '<', '>', '&', '#', '|', '~', '!', '$'];

/// The report with its names as Markdown shows them, letter by letter.
pub(super) fn escaped(report: &Report) -> Report {
    let mut report = report.clone();
    let names = [&mut report.title].into_iter().chain(&mut report.classes).chain(&mut report.warnings);
    names.for_each(|name| *name = escape(name));
    for subgroup in &mut report.subgroups {
        subgroup.attribute = escape(&subgroup.attribute);
        subgroup.value = escape(&subgroup.value);
    }
    // It stands between backquotes, where nothing else means anything.
    report.command = visible(&report.command).replace('`', "'");
    report
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        if SPECIAL.contains(&letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::sample::report;
    use super::super::{checklist, model_card};

    #[test]
    fn a_class_cannot_write_markup() {
        let mut report = report();
        let positive = report.positive;
        report.classes[positive] = "</td> [x](http://e)\n# `y`|".into();
        report.command = "headstart train `x`".into();
        for text in [model_card(&report), checklist(&report)] {
            assert!(!text.contains("</td>") && !text.contains("[x]") && !text.contains("\n# `y`"), "{text}");
        }
        let card = model_card(&report);
        assert!(card.contains(r"\</td\> \[x\](http://e)\\n\# \`y\`\|"), "{card}");
        assert!(card.contains("`headstart train 'x'`"));
    }
}
