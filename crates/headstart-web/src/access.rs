//! Who may use the app.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::problem::Problem;
use crate::rate::{self, Rate};

/// Who may use the app. Health checks are open to all.
#[derive(Clone)]
pub enum Access {
    /// Anybody who can reach it.
    Open,
    /// Who knows this word: as a bearer token or, from a browser, as the password to any name.
    Token(String),
    /// Who knows this `name:password`.
    Password(String),
}

/// Who may use the app, and how often a client may guess the word.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) access: Arc<Access>,
    guesses: Arc<Rate>,
}

impl Guard {
    pub(crate) fn new(access: Access, guesses_per_minute: u32) -> Self {
        Self { access: Arc::new(access), guesses: Arc::new(Rate::new(guesses_per_minute)) }
    }
}

/// A word that takes fewer guesses than two to the power of this is weak.
const STRONG_BITS: f64 = 64.0;
/// Fewer different characters than this are a pattern, not chance.
const FEWEST_DIFFERENT: usize = 5;

impl Access {
    /// Whether the word is so short or so plain that others could guess it.
    pub fn is_weak(&self) -> bool {
        match self {
            Self::Open => false,
            Self::Token(word) => is_weak(word),
            Self::Password(pair) => is_weak(pair.split_once(':').map_or("", |(_, password)| password)),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
        match self {
            Self::Open => true,
            Self::Token(token) => {
                let password = basic(given).and_then(|pair| Some(pair.split_once(':')?.1.to_owned()));
                [after(given, "bearer"), password].into_iter().flatten().any(|word| is_same(&word, token))
            }
            Self::Password(pair) => basic(given).is_some_and(|given| is_same(&given, pair)),
        }
    }
}

/// Lets through whom [`Access`] admits, unless too many wrong words came from the same address.
pub(crate) async fn guard(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let is_open = matches!(*guard.access, Access::Open);
    let brings_a_word = request.headers().contains_key(header::AUTHORIZATION);
    let admits = || guard.access.admits(request.headers());
    if is_open || brings_a_word && rate::guess(&guard.guesses, &request, admits)? {
        return Ok(next.run(request).await);
    }
    Err(Problem::Locked)
}

/// As if each character had been drawn from those of its kind: an upper bound of what a word is worth.
fn is_weak(word: &str) -> bool {
    let kinds = BTreeSet::from_iter(word.chars().map(|letter| match letter {
        '0'..='9' => ("digit", 10),
        'a'..='z' => ("small letter", 26),
        'A'..='Z' => ("capital", 26),
        _ => ("sign", 33),
    }));
    let alphabet: u32 = kinds.iter().map(|(_, size)| size).sum();
    let different = BTreeSet::from_iter(word.chars()).len();
    different < FEWEST_DIFFERENT || word.chars().count() as f64 * f64::from(alphabet).log2() < STRONG_BITS
}

/// What follows the scheme's name.
fn after(given: &str, scheme: &str) -> Option<String> {
    let (name, rest) = given.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim().to_owned())
}

/// The `name:password` of basic authentication (RFC 7617).
fn basic(given: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(after(given, "basic")?).ok()?).ok()
}

/// Takes as long for a wrong word as for the right one, so that its time tells nothing but the length.
fn is_same(given: &str, expected: &str) -> bool {
    let pairs = given.bytes().zip(expected.bytes());
    given.len() == expected.len() && std::hint::black_box(pairs.fold(0, |seen, (a, b)| seen | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn admits(access: &Access, authorization: &'static str) -> bool {
        access
            .admits(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(authorization))]))
    }

    #[test]
    fn a_token_is_a_bearers_or_a_password() {
        let token = Access::Token("secret".to_owned());
        assert!(admits(&token, "Bearer secret"));
        assert!(admits(&token, "bearer secret"));
        assert!(admits(&token, "Basic bWU6c2VjcmV0")); // me:secret
        for wrong in ["Bearer secrets", "Bearer ", "secret", "Basic secret", "Basic c2VjcmV0", ""] {
            assert!(!admits(&token, wrong), "{wrong}");
        }
    }

    #[test]
    fn short_and_plain_words_are_weak() {
        let token = |word: &str| Access::Token(word.to_owned()).is_weak();
        for weak in ["1234", "secret", "password123", "aaaaaaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabcabc"] {
            assert!(token(weak), "{weak}");
        }
        assert!(!token("9f86d081884c7d65") && !token("mJ4kQ9xT2vLw"));
        assert!(Access::Password("a-long-name-with-0-entropy:1234".to_owned()).is_weak());
        assert!(!Access::Open.is_weak());
    }

    #[test]
    fn a_password_belongs_to_its_name() {
        let password = Access::Password("me:secret".to_owned());
        assert!(admits(&password, "Basic bWU6c2VjcmV0"));
        assert!(!admits(&password, "Basic eW91OnNlY3JldA==")); // you:secret
        assert!(!admits(&password, "Bearer secret"));
    }
}
