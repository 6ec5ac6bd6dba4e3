//! What the program ends with where an error alone does not tell.

use std::fmt;

/// The context of an error that ends the program with this code.
#[derive(Debug)]
pub struct Ends(pub u8);

impl fmt::Display for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit code {}", self.0)
    }
}
