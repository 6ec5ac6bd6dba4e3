//! `headstart inspect`.

use std::path::Path;

use anyhow::{Context, Result};
use headstart::audit::{Audit, Finding, StyleAudit, Weight, audit};
use headstart::dataset::Dataset;
use headstart::evaluate::Estimate;
use headstart::report::{audit_html, thousands};
use headstart::train::{Recipe, trunk};
use headstart::visible::visible;

use super::cache::Cache;
use crate::cli::InspectArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, json, out};

/// Width of a paragraph in the terminal.
const COLUMNS: usize = 79;
/// Suspected labels that the terminal shows.
const SUSPECTS: usize = 5;

pub fn run(arguments: InspectArguments) -> Result<()> {
    stop_on_interrupt();
    let dataset = Dataset::open(&arguments.data)?;
    let cache = Cache::open(arguments.cache.folder);
    let mut terminal = Terminal::new(arguments.json);
    // The features that a training by default makes: its report then suspects the same labels.
    let trunk =
        (!arguments.no_label_check).then(|| Recipe::find("default").and_then(|recipe| trunk(&recipe)));
    let audit = audit(&dataset, &cache.folder, trunk.transpose()?.as_ref(), &mut terminal)?;
    if arguments.json {
        json(&audit)?;
    } else {
        let parts = [
            counts(&audit),
            findings(&audit.findings()),
            shortcuts(&audit),
            style(&audit.style),
            suspects(&audit),
        ];
        out!("{}", parts.concat().trim_end());
    }
    let say = |line: String| {
        if !arguments.json {
            out!("{line}")
        }
    };
    if let Some(path) = &arguments.out {
        write(path, &audit_html(&audit, &dataset))?;
        say(format!("page: {}", print::path(path)));
    }
    if let Some(path) = &arguments.quarantine {
        let listed = audit.quarantine();
        write(path, &listed.iter().map(|path| format!("{path}\n")).collect::<String>())?;
        let shown = print::path(path);
        say(format!("{} paths to leave out: {shown}; headstart train DATA --exclude {shown}", listed.len()));
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> Result<()> {
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Images by class and split.
fn counts(audit: &Audit) -> String {
    let splits: Vec<&str> =
        audit.counts.iter().map(|counts| counts.split.map_or("none yet", |split| split.name())).collect();
    let row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.map(|cell| format!("{cell:>13}")).collect();
        format!("{name:<25}{cells}\n")
    };
    let mut text = row("class", &mut splits.iter().map(|split| (*split).to_string()));
    for (class, name) in audit.classes.iter().enumerate() {
        text += &row(&visible(name), &mut audit.counts.iter().map(|counts| thousands(counts.images[class])));
    }
    text +=
        &row("largest/smallest", &mut audit.counts.iter().map(|counts| format!("{:.1}", counts.imbalance)));
    text + &format!(
        "in all, the largest class has {:.1} times as many images as the smallest\n\n",
        audit.imbalance
    )
}

fn findings(findings: &[Finding]) -> String {
    let mark = |weight: Weight| match weight {
        Weight::Fine => "",
        Weight::Look => "look",
        Weight::Serious => "SERIOUS",
    };
    let line =
        |finding: &Finding| format!("{:<9}{:<27}{}\n", mark(finding.weight), finding.check, finding.found);
    findings.iter().map(line).collect()
}

fn shortcuts(audit: &Audit) -> String {
    if audit.shortcuts.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{:<24}{:<22}tells\n", "cue alone", "AUC, cross-validated");
    for shortcut in &audit.shortcuts {
        let interval = with_interval(shortcut.auc);
        let flag = if shortcut.flagged { ": suspicious" } else { "" };
        text += &format!(
            "{:<24}{interval:<22}{}{flag}\n",
            visible(&shortcut.cue),
            shortcut.tells.of(&visible(&shortcut.class))
        );
    }
    for shortcut in audit.shortcuts.iter().filter(|shortcut| shortcut.flagged) {
        text += &wrapped(&format!("{}: {}", shortcut.cue, shortcut.meaning));
    }
    text
}

/// How well each family of statistics tells the class, and what that means.
fn style(style: &StyleAudit) -> String {
    let line = |name: &str, auc: Estimate| format!("{name:<27}{}\n", with_interval(auc));
    let mut text = String::from("\n");
    if !style.families.is_empty() {
        text += &format!("{:<27}AUC, patients apart\n", "style alone");
        text.extend(style.families.iter().map(|tells| line(tells.name, tells.auc)));
        text += &line("all together", style.all);
    }
    text + &wrapped(&style.meaning())
}

/// Lines of at most [`COLUMNS`] characters, broken between words.
fn wrapped(text: &str) -> String {
    let (mut lines, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 {
            let breaks = column + 1 + width > COLUMNS;
            lines.push(if breaks { '\n' } else { ' ' });
            column = if breaks { 0 } else { column + 1 };
        }
        lines += word;
        column += width;
    }
    lines + "\n"
}

fn with_interval(auc: Estimate) -> String {
    format!("{:.3} ({:.3}–{:.3})", auc.value, auc.low, auc.high)
}

fn suspects(audit: &Audit) -> String {
    let Some(labels) = audit.labels.as_ref().filter(|labels| !labels.suspects.is_empty()) else {
        return String::new();
    };
    let mut text = String::from("\nlabels probably wrong, the surest first\n");
    for suspect in labels.suspects.iter().take(SUSPECTS) {
        let names = [&suspect.image.path, &suspect.image.class, &suspect.likely];
        let [path, label, likely] = names.map(|name| visible(name));
        text += &format!("  {path}: labelled {label}, likely {likely} ({:.3})\n", suspect.score_of_likely);
    }
    text
}
