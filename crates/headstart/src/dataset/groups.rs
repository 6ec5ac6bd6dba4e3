//! The patient that a file name tells: `person12_virus_3.jpeg` → `person12`,
//! `IM-0115-0001.jpeg` → `IM-0115`, `NORMAL2-IM-0115-0001.jpeg` → `NORMAL2-IM-0115`.

/// The patient in a file's name, or `None` where there is none that is known.
pub(super) fn patient(file_name: &str) -> Option<String> {
    if let Some(rest) = file_name.strip_prefix("person") {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        return (digits > 0).then(|| format!("person{}", &rest[..digits]));
    }
    let start = file_name.find("IM-")?;
    if start > 0 && !file_name[..start].ends_with('-') {
        return None;
    }
    let rest = &file_name[start + 3..];
    let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
    (digits > 0).then(|| file_name[..start + 3 + digits].to_string())
}

#[cfg(test)]
mod tests {
    use super::patient;

    #[test]
    fn patients_are_read_from_names() {
        assert_eq!(patient("person1000_bacteria_2931.jpeg").as_deref(), Some("person1000"));
        assert_eq!(patient("IM-0115-0001.jpeg").as_deref(), Some("IM-0115"));
        assert_eq!(patient("NORMAL2-IM-0115-0001-0002.jpeg").as_deref(), Some("NORMAL2-IM-0115"));
        assert_eq!(patient("personal.jpeg"), None);
        assert_eq!(patient("holiday.jpeg"), None);
        assert_eq!(patient("SIM-1-2.jpeg"), None);
    }
}
