//! The few HTML elements that the page is made of.

use crate::report::escape;

/// A heading and what belongs to it.
pub(super) fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2 id=\"{}\">{}</h2>\n{content}</section>\n", anchor(title), escape(title))
}

/// Links to sections of these titles.
pub(super) fn contents<'a>(titles: impl IntoIterator<Item = &'a str>) -> String {
    let link = |title: &str| format!("<a href=\"#{}\">{}</a>\n", anchor(title), escape(title));
    let links: String = titles.into_iter().map(link).collect();
    format!("<nav aria-label=\"Contents\">\n{links}</nav>\n")
}

fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
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

/// A table; `class` says how it looks. The first cell of a row is its name.
pub(super) fn table(class: &str, head: &[&str], rows: &[Vec<Cell>]) -> String {
    let label = match head {
        [] => "Facts".to_string(),
        head => format!("Table: {}", escape(&head.join(", "))),
    };
    let name = |name: &&str| match name.is_empty() {
        true => "<td></td>".to_string(),
        false => format!("<th scope=\"col\">{}</th>", escape(name)),
    };
    let head: String = head.iter().map(name).collect();
    let head = if head.is_empty() { head } else { format!("<thead><tr>{head}</tr></thead>\n") };
    let rows: String = rows.iter().map(|cells| row(cells)).collect();
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\"><table class=\"{class}\">\n{head}<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn row(cells: &[Cell]) -> String {
    let Some((first, others)) = cells.split_first() else { return String::new() };
    let others: String = others.iter().map(|cell| format!("<td>{}</td>", inside(cell))).collect();
    format!("<tr><th scope=\"row\">{}</th>{others}</tr>\n", inside(first))
}

fn inside(cell: &Cell) -> String {
    let text = escape(&cell.text);
    if cell.below.is_empty() { text } else { format!("{text}<small>{}</small>", escape(&cell.below)) }
}

/// Text as it was typed.
pub(super) fn verbatim(content: &str) -> String {
    format!("<pre tabindex=\"0\" role=\"region\" aria-label=\"Text\">{}</pre>\n", escape(content))
}

/// Content that is shown on demand, but not on paper.
pub(super) fn on_screen(summary: &str, content: &str) -> String {
    details(summary, content).replacen("<details>", "<details class=\"screen\">", 1)
}

/// Content that is shown on demand.
pub(super) fn details(summary: &str, content: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n{content}</details>\n", escape(summary))
}
