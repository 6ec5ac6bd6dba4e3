//! The few HTML elements that the page is made of.

use crate::report::escape;

/// A heading and what belongs to it.
pub(super) fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{content}</section>\n", escape(title))
}

/// A paragraph of plain text.
pub(super) fn text(content: &str) -> String {
    format!("<p>{}</p>\n", escape(content))
}

/// A paragraph of second rank.
pub(super) fn note(content: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(content))
}

/// A cell: plain text, with something smaller below it.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) below: String,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, below: String::new() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A table; `class` says how it looks.
pub(super) fn table(class: &str, head: &[&str], rows: &[Vec<Cell>]) -> String {
    let head: String = head.iter().map(|name| format!("<th>{}</th>", escape(name))).collect();
    let head = if head.is_empty() { head } else { format!("<thead><tr>{head}</tr></thead>\n") };
    let rows: String =
        rows.iter().map(|row| format!("<tr>{}</tr>\n", row.iter().map(cell).collect::<String>())).collect();
    format!(
        "<div class=\"scroll\"><table class=\"{class}\">\n{head}<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn cell(cell: &Cell) -> String {
    let text = escape(&cell.text);
    if cell.below.is_empty() {
        format!("<td>{text}</td>")
    } else {
        format!("<td>{text}<small>{}</small></td>", escape(&cell.below))
    }
}

/// Text as it was typed.
pub(super) fn verbatim(content: &str) -> String {
    format!("<pre>{}</pre>\n", escape(content))
}

/// Content that is shown on demand.
pub(super) fn details(summary: &str, content: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n{content}</details>\n", escape(summary))
}
