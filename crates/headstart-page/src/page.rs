//! The page, with the model's facts and, without JavaScript, the results.

use std::collections::BTreeMap;
use std::fmt::Write;

use headstart::classifier::Verdict;

use crate::answer::{FileAnswer, Outcome};
use crate::html::{escape, fill};
use crate::language::{Strings, mebibytes};
use crate::measured;
use crate::predictor::{Predictor, caution, deciding_threshold, shown_class};

const TEMPLATE: &str = include_str!("page/index.html");

/// What a page is made of.
pub struct Page<'a> {
    /// The model.
    pub predictor: &'a dyn Predictor,
    /// The language.
    pub strings: &'static Strings,
    /// What the model is called.
    pub name: &'a str,
    /// Bytes that are taken at a time, at most.
    pub most_bytes: usize,
    /// What is around it.
    pub frame: Frame,
}

/// What depends on where a page lies, and who computes for it. All but the query is HTML.
pub struct Frame {
    /// In the page's head: what may be loaded, and from where.
    pub head: String,
    /// Links to other models.
    pub models: String,
    /// Attributes of the form.
    pub action: String,
    /// What keeps the model and the language, behind an address.
    pub query: String,
    /// What there is to press, or to read, without a script.
    pub without_script: String,
    /// What becomes of an image.
    pub promise: String,
    /// Images to try.
    pub examples: String,
    /// Links to other languages.
    pub languages: String,
    /// At the end.
    pub footer: String,
}

impl Page<'_> {
    /// The whole page with these answers on it, and a notice above them.
    pub fn render(&self, answers: &[FileAnswer], notice: &str) -> String {
        let Self { predictor, strings, frame, .. } = self;
        let (predictor, strings) = (*predictor, *strings);
        let card = predictor.card();
        let limit = mebibytes(self.most_bytes, strings);
        let classes = strings.listed(&card.classes);
        let title = if card.title == card.classes.join(" or ") { &classes } else { &card.title };
        let decider = decider(predictor);
        let say = |key, name, value: &str| escape(&strings.say(key, &[(name, value)]));
        let values = [
            ("tag", strings.tag.to_owned()),
            ("strings", escape(strings.json)),
            ("title", escape(title)),
            ("caution", escape(caution(predictor, strings))),
            ("lead", say("lead", "classes", &classes)),
            ("head", frame.head.clone()),
            ("models", frame.models.clone()),
            ("action", frame.action.clone()),
            ("query", escape(&frame.query)),
            ("without-script", frame.without_script.clone()),
            ("promise", frame.promise.clone()),
            ("limit", escape(&limit)),
            ("limit-bytes", self.most_bytes.to_string()),
            ("each", say("each", "limit", &limit)),
            ("names", escape(&names(predictor))),
            ("positive", decider.as_ref().map_or(String::new(), |decider| escape(decider.class))),
            ("threshold", decider.as_ref().map_or(String::new(), |decider| decider.line.to_string())),
            ("examples", frame.examples.clone()),
            ("threshold-fact", self.threshold_fact()),
            ("try-threshold", self.try_threshold()),
            ("score-heading", self.score_heading()),
            ("notice", escape(notice)),
            ("results", answers.iter().map(|answer| self.article(answer)).collect()),
            ("bar", self.bar(0.0)),
            ("reliability", measured::in_short(predictor, strings)),
            ("measured", measured::in_full(predictor, strings)),
            ("model", escape(self.name)),
            ("backbone", escape(&card.backbone)),
            ("trained-on", say("labelled-images", "count", &predictor.training_images().to_string())),
            ("version", escape(&card.version)),
            ("languages", self.languages()),
            ("footer", frame.footer.clone()),
        ];
        let texts: Vec<(&str, String)> = TEMPLATE
            .split("{{t:")
            .skip(1)
            .filter_map(|rest| rest.split_once("}}"))
            .map(|(key, _)| (key, escape(strings.get(key))))
            .collect();
        let find = |list: &[(&str, String)], name: &str| list.iter().position(|(known, _)| *known == name);
        fill(TEMPLATE, |name| match name.strip_prefix("t:") {
            Some(key) => find(&texts, key).map_or("", |at| texts[at].1.as_str()),
            None => {
                let at = find(&values, name).expect("the embedded template uses only these names");
                values[at].1.as_str()
            }
        })
    }

    fn languages(&self) -> String {
        match self.frame.languages.as_str() {
            "" => String::new(),
            links => {
                format!(r#"<nav aria-label="{}">{links}</nav>"#, escape(self.strings.get("languages")))
            }
        }
    }

    fn threshold_fact(&self) -> String {
        decider(self.predictor).map_or(String::new(), |Decider { shown, line, .. }| {
            let line = self.strings.percent(line);
            let text = self.strings.say("line-at", &[("class", shown), ("line", &line)]);
            format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(self.strings.get("threshold")), escape(&text))
        })
    }

    /// A slider, where it is known what other thresholds would have come to; the script makes it work.
    fn try_threshold(&self) -> String {
        let (Some(points), Some(decider)) = (self.predictor.threshold_counts(), decider(self.predictor))
        else {
            return String::new();
        };
        let points = serde_json::to_string(points).expect("numbers become JSON");
        let said = self.strings.say("score-for", &[("class", decider.shown)]);
        let [heading, reset] = ["try-threshold", "threshold-reset"].map(|key| escape(self.strings.get(key)));
        format!(
            r#"<div id="try-threshold" class="try with-script" data-points="{}"><h3>{heading}</h3><label><span>{}</span><input type="range" min="1" max="99" step="1"><output></output></label><p class="consequence hint" aria-live="polite"></p><button class="quiet" type="button" hidden>{reset}</button></div>"#,
            escape(&points),
            escape(&said)
        )
    }

    fn score_heading(&self) -> String {
        escape(&match decider(self.predictor) {
            Some(decider) => self.strings.say("score-for", &[("class", decider.shown)]),
            None => self.strings.get("score").to_owned(),
        })
    }

    /// One file's result. `answers.js` builds the same elements.
    fn article(&self, answer: &FileAnswer) -> String {
        let strings = self.strings;
        let (class, title, reading, rest) = match &answer.outcome {
            Outcome::Predicted { class, verdict, scores, reading, .. } => {
                let reliability = measured::in_short(self.predictor, strings);
                let class = class.as_deref().unwrap_or_default();
                let scores = || format!(r#"<div class="scores">{}</div>"#, self.scores(class, scores));
                let (kind, title, rest) = match verdict {
                    Verdict::Decided => ("result", self.shown(class), scores() + &reliability),
                    Verdict::Undecided => {
                        ("result undecided", strings.get("undecided"), scores() + &reliability)
                    }
                    Verdict::Refused => ("result unfamiliar", strings.get("unfamiliar"), String::new()),
                };
                (kind, title, reading, rest)
            }
            Outcome::Unusable { error, .. } => {
                ("result unusable", strings.get("no-answer"), error, String::new())
            }
        };
        let [name, title, reading] = [&answer.name, title, reading].map(escape);
        format!(
            r#"<article class="{class}"><div class="answer"><p class="name">{name}</p><h3>{title}</h3><p class="reading">{reading}</p>{rest}</div></article>"#
        )
    }

    /// How a class is called where people read of it.
    fn shown<'b>(&'b self, class: &'b str) -> &'b str {
        let predictor = self.predictor;
        let index = predictor.classes().iter().position(|known| known == class);
        index.map_or(class, |index| shown_class(predictor, index))
    }

    fn scores(&self, answer: &str, scores: &[(String, f32)]) -> String {
        if let Some(decider) = decider(self.predictor) {
            let score =
                scores.iter().find(|(class, _)| class == decider.class).map_or(0.0, |(_, score)| *score);
            return self.bar(f64::from(score));
        }
        let mut sorted: Vec<_> = scores.iter().collect();
        sorted.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        sorted.into_iter().fold(String::new(), |mut rows, (class, score)| {
            let mark = if class == answer { " chosen" } else { "" };
            let class = self.shown(class);
            let label = escape(&self.strings.say("score-for", &[("class", class)]));
            let (class, share) = (escape(class), self.strings.percent(f64::from(*score)));
            let written = write!(
                rows,
                r#"<p class="score{mark}"><span>{class}</span><span>{share}</span><meter value="{score}" aria-label="{label}">{share}</meter></p>"#
            );
            written.expect("writing to a string cannot fail");
            rows
        })
    }

    /// With two classes: the positive one's score from 0 to 100 %, and the line from which on it is the answer.
    /// For eyes only; the reading says the same.
    fn bar(&self, score: f64) -> String {
        let Some(Decider { shown, line, .. }) = decider(self.predictor) else {
            return String::new();
        };
        let said = self.strings.say("line-at", &[("class", shown), ("line", &self.strings.percent(line))]);
        let anchor = if line < 0.3 {
            "start"
        } else if line > 0.7 {
            "end"
        } else {
            "middle"
        };
        let (width, at, said) = (score.clamp(0.0, 1.0) * 100.0, line.clamp(0.0, 1.0) * 100.0, escape(&said));
        format!(
            r#"<svg class="bar" aria-hidden="true"><rect class="track" y="8" width="100%" height="12" rx="6"/><rect class="fill" y="8" width="{width:.2}%" height="12" rx="6"/><line x1="{at:.2}%" x2="{at:.2}%" y1="2" y2="26"/><text x="{at:.2}%" y="41" text-anchor="{anchor}">{said}</text></svg>"#
        )
    }
}

/// With two classes: the one whose score decides.
struct Decider<'a> {
    /// Its name in the data.
    class: &'a str,
    /// How it is called where people read of it.
    shown: &'a str,
    /// Its score from which on it is the answer.
    line: f64,
}

fn decider(predictor: &dyn Predictor) -> Option<Decider<'_>> {
    let (line, positive) = (deciding_threshold(predictor)?, predictor.positive());
    Some(Decider { class: predictor.classes().get(positive)?, shown: shown_class(predictor, positive), line })
}

/// How each class is called, by its name in the data, as JSON for the script.
fn names(predictor: &dyn Predictor) -> String {
    let classes = predictor.classes().iter().enumerate();
    let names: BTreeMap<&str, &str> =
        classes.map(|(index, class)| (class.as_str(), shown_class(predictor, index))).collect();
    serde_json::to_string(&names).expect("texts become JSON")
}
