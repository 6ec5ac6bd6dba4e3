//! `report.html`: one page without anything from elsewhere.

use std::fmt::Write;

use super::{Report, curves, diagram, escape};
use crate::classifier::CAUTION;
use crate::dataset::Split;
use crate::evaluate::{Estimate, SplitMetrics};

const STYLE: &str = include_str!("report.css");

impl Report<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let title = format!("{}: {}", self.description.backbone, self.description.classes.join(" or "));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{0}</title><style>{STYLE}</style></head><body><main>\n<h1>{0}</h1>\n",
            escape(&title)
        );
        page += &format!("<p class=\"caution\">{}</p>\n", escape(CAUTION));
        self.warnings.iter().for_each(|text| page += &format!("<p class=\"warning\">{}</p>\n", escape(text)));
        self.headline(&mut page);
        section(
            &mut page,
            "Curves",
            &format!("{}<p>{}</p>", curves(&self.description.history), self.in_words()),
        );
        self.measured(&mut page);
        self.images(&mut page);
        self.model(&mut page);
        page + "</main></body></html>\n"
    }

    fn headline(&self, page: &mut String) {
        let Some((split, metrics)) = self.metrics.get_key_value("test").or(self.metrics.iter().next()) else {
            return;
        };
        *page += "<div class=\"cards\">";
        for (name, estimate) in measures(metrics) {
            let _ = write!(
                page,
                "<div class=\"card\"><span>{name}, {split}</span><b>{}</b><small>95 % interval {} to {}</small></div>",
                percent(estimate.value),
                percent(estimate.low),
                percent(estimate.high)
            );
        }
        *page += "</div>\n";
    }

    /// What the curves show.
    fn in_words(&self) -> String {
        let history = &self.description.history;
        let (Some(best), Some(last)) =
            (history.epochs.get(history.best_epoch.wrapping_sub(1)), history.epochs.last())
        else {
            return String::new();
        };
        let kept = format!("Epoch {} had the least validation loss and was kept. ", best.epoch);
        let verdict = if last.validation_loss > 1.2 * best.validation_loss {
            "After it the validation loss rose: the net began to learn its training images by heart. More images, \
             stronger dropout or fewer epochs help."
        } else if best.epoch == last.epoch && history.epochs.len() > 1 {
            "The validation loss was still falling at the end: more epochs may help."
        } else {
            "Training and validation stay together: there is no sign of overfitting."
        };
        kept + verdict
    }

    fn measured(&self, page: &mut String) {
        let positive = &self.description.classes[self.description.positive];
        let mut text = format!(
            "<p>{} is positive from a score of {:.4} on, chosen on the validation images (Youden's index). The test \
             images were read once, after that.</p><table><tr><th>Split</th><th>Images</th>",
            escape(positive),
            self.description.threshold
        );
        for name in ["Accuracy", "AUC", "Sensitivity", "Specificity"] {
            text += &format!("<th>{name}</th>");
        }
        text += "</tr>";
        for (split, metrics) in self.metrics {
            text += &format!("<tr><td>{split}</td><td>{}</td>", metrics.images);
            for (_, estimate) in measures(metrics) {
                let (value, low, high) =
                    (percent(estimate.value), percent(estimate.low), percent(estimate.high));
                text += &format!("<td>{value} <small>({low} to {high})</small></td>");
            }
            text += "</tr>";
        }
        text += "</table>";
        self.metrics.iter().for_each(|(split, metrics)| text += &self.confusion(split, metrics));
        section(page, "Evaluation", &text);
    }

    fn confusion(&self, split: &str, metrics: &SplitMetrics) -> String {
        let classes = &self.description.classes;
        let mut text =
            format!("<h3>Confusion, {split}</h3><table class=\"confusion\"><tr><th>truth \\ predicted</th>");
        classes.iter().for_each(|class| text += &format!("<th>{}</th>", escape(class)));
        text += "</tr>";
        for (truth, row) in metrics.confusion.iter().enumerate() {
            text += &format!("<tr><th>{}</th>", escape(&classes[truth]));
            for (predicted, count) in row.iter().enumerate() {
                let class = if predicted == truth { "right" } else { "wrong" };
                text += &format!("<td class=\"{class}\">{count}</td>");
            }
            text += "</tr>";
        }
        text + "</table>"
    }

    fn images(&self, page: &mut String) {
        let mut text = String::from("<table><tr><th>Split</th>");
        self.dataset.classes.iter().for_each(|class| text += &format!("<th>{}</th>", escape(class)));
        text += "</tr>";
        for split in Split::ALL {
            text += &format!("<tr><td>{}</td>", split.name());
            self.dataset.counts(split).iter().for_each(|count| text += &format!("<td>{count}</td>"));
            text += "</tr>";
        }
        text += &format!(
            "</table><p>Patients with images in more than one split: {}.</p>",
            self.dataset.shared_groups()
        );
        if !self.set_aside.is_empty() {
            text += &format!("<h3>Set aside: {}</h3><ul>", self.set_aside.len());
            for (path, why) in self.set_aside {
                text += &format!("<li><code>{}</code>: {}</li>", escape(path), escape(why));
            }
            text += "</ul>";
        }
        section(page, "Images", &text);
    }

    fn model(&self, page: &mut String) {
        let provenance = &self.description.provenance;
        let text = format!(
            "<p>Pretrained weights: {} ({}).<br>SHA-256 <code>{}</code></p>\
             <details><summary>Layers</summary>{}</details>\
             <h3>Do it again</h3><pre>{}</pre><pre>{}</pre>\
             <p>headstart {}, seed {}.</p>",
            escape(&provenance.source),
            escape(&provenance.licence),
            provenance.sha256,
            diagram(&self.description.backbone, &self.rows),
            escape(self.command),
            escape(&self.description.recipe),
            self.description.version,
            self.description.seed
        );
        section(page, "Model", &text);
    }
}

fn section(page: &mut String, title: &str, content: &str) {
    *page += &format!("<section><h2>{title}</h2>{content}</section>\n");
}

fn measures(metrics: &SplitMetrics) -> [(&'static str, Estimate); 4] {
    [
        ("Accuracy", metrics.accuracy),
        ("AUC", metrics.auc),
        ("Sensitivity", metrics.sensitivity),
        ("Specificity", metrics.specificity),
    ]
}

fn percent(value: f64) -> String {
    if value.is_nan() { "unknown".into() } else { format!("{:.1} %", value * 100.0) }
}
