use super::super::shard::Shard;
use super::*;

/// Paths of a shard's rows, and what they hold.
fn rows(manifest: &Manifest, shard: &str) -> Vec<(String, String)> {
    let (mut found, shard) = (Vec::new(), shard.parse::<Shard>().expect("a shard"));
    let remote = Remote::new();
    let mut take = |row: Row| {
        let held = match row.source {
            Source::File(path) => path.display().to_string(),
            Source::Bytes(bytes) => String::from_utf8(bytes).expect("text"),
            other => format!("{other:?}"),
        };
        found.push((row.path, held));
        true
    };
    manifest.each(shard, &remote, &mut take).expect("reads");
    found
}

fn opened(file: &Path) -> Manifest {
    Manifest::open(&file.display().to_string(), &Remote::new()).expect("a manifest")
}

fn problem(file: &Path) -> String {
    let error = Manifest::open(&file.display().to_string(), &Remote::new()).err().expect("no manifest");
    error.to_string().replace(&file.display().to_string(), "FILE")
}

/// Each row is in one of any number of shards, in order.
fn check_cuts(manifest: &Manifest) -> Vec<(String, String)> {
    let whole = rows(manifest, "0/1");
    for count in [2, 3, 7] {
        let parts: Vec<_> =
            (0..count).flat_map(|index| rows(manifest, &format!("{index}/{count}"))).collect();
        assert_eq!(parts, whole, "{count} shards");
    }
    whole
}

fn table(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("m.csv");
    std::fs::write(&file, text).expect("writes");
    file
}

#[test]
fn a_csv_needs_paths_alone_and_may_name_a_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let text: String = (0..10).map(|row| format!("{row},a\\{row}.png,in\n")).collect();
    let file = table(folder.path(), &format!("id,Image,root\n{text}"));
    let manifest = opened(&file);
    assert_eq!(manifest.digest.len(), 64);
    assert_eq!(manifest.count("1/3".parse().expect("a shard")), Some(3));
    let found = check_cuts(&manifest);
    let place = folder.path().join("in/a/3.png").display().to_string();
    assert_eq!((found.len(), &found[3]), (10, &("a/3.png".to_owned(), place)));
    assert_eq!(problem(&table(folder.path(), "path\n")), "FILE: expected a row for each image, found no row");
    assert!(problem(&table(folder.path(), "name\nx\n")).contains("expected a column path"));
    let gap = opened(&table(folder.path(), "path,n\nx,1\n,2\n"));
    let why = gap.each(Shard::WHOLE, &Remote::new(), &mut |_| true).expect_err("no path").to_string();
    assert!(why.ends_with("expected a path in each row, found none in line 3"), "{why}");
}

fn parquet(file: &Path, groups: &[&[&str]]) {
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    let schema = parse_message_type("message m { optional binary path (UTF8); }").expect("a schema");
    let to = File::create(file).expect("creates");
    let mut writer = SerializedFileWriter::new(to, schema.into(), Default::default()).expect("begins");
    for paths in groups {
        let mut group = writer.next_row_group().expect("a group");
        let mut column = group.next_column().expect("a column").expect("one");
        let values: Vec<ByteArray> = paths.iter().map(|path| ByteArray::from(*path)).collect();
        let levels = vec![1; values.len()];
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).expect("writes");
        column.close().expect("closes");
        group.close().expect("closes");
    }
    writer.close().expect("closes");
}

#[test]
fn a_parquet_table_is_cut_across_its_row_groups() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("m.parquet");
    parquet(&file, &[&["a", "b", "c"], &["d"], &["e", "f", "g", "h", "i"]]);
    let found: String = check_cuts(&opened(&file)).into_iter().map(|(path, _)| path).collect();
    assert_eq!(found, "abcdefghi");
    parquet(&file, &[]);
    assert_eq!(problem(&file), "FILE: expected a row for each image, found no row");
    std::fs::write(&file, "PAR1 no table").expect("writes");
    assert!(problem(&file).starts_with("FILE: expected a Parquet file, found"), "{}", problem(&file));
}

fn tar(file: &Path, members: &[(&str, &str)]) {
    let mut archive = tar::Builder::new(File::create(file).expect("creates"));
    for (name, text) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes()).expect("appends");
    }
    archive.finish().expect("finishes");
}

#[test]
fn an_archive_is_cut_by_its_images_and_a_list_by_archives() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let long = format!("{}/d.png", "deep/".repeat(40));
    tar(&place("a.tar"), &[("0.jpg", "A"), ("0.cls", "1"), ("1.JPG", "B"), ("._2.jpg", "x"), (&long, "C")]);
    let found = check_cuts(&opened(&place("a.tar")));
    let held: String = found.iter().map(|(_, held)| held.as_str()).collect();
    assert_eq!((held.as_str(), found[1].0.as_str()), ("ABC", "a.tar/1.JPG"));
    tar(&place("b.tar"), &[("0.jpg", "D")]);
    std::fs::write(place("all.txt"), "a.tar\n\n b.tar\n").expect("writes");
    let list = opened(&place("all.txt"));
    let held: String = check_cuts(&list).into_iter().map(|(_, held)| held).collect();
    assert_eq!((held.as_str(), list.count(Shard::WHOLE)), ("ABCD", None));

    tar(&place("none.tar"), &[("0.cls", "1")]);
    assert!(
        problem(&place("none.tar")).starts_with("FILE: expected images: files whose names end with .jpg")
    );
    std::fs::write(place("all.txt"), "a.png\n").expect("writes");
    assert_eq!(problem(&place("all.txt")), "FILE: expected the name of a .tar on each line, found a.png");
    // As a copy that was broken off.
    let whole = std::fs::read(place("a.tar")).expect("reads");
    for length in [700, 1024, 1100] {
        std::fs::write(place("c.tar"), &whole[..length]).expect("writes");
        let found = problem(&place("c.tar"));
        assert!(found.starts_with("FILE: expected a") && found.contains("tar archive"), "{length}: {found}");
    }
}

#[test]
fn a_folder_is_its_files_and_what_is_none_of_these_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("b")).expect("creates");
    for name in ["b/1.png", "a.png", "c.png", ".hidden"] {
        std::fs::write(folder.path().join(name), name).expect("writes");
    }
    let manifest = opened(folder.path());
    let paths: Vec<String> = check_cuts(&manifest).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["a.png", "b/1.png", "c.png"]);
    assert_eq!(manifest.digest, crate::sha256::sha256(b"a.png\nb/1.png\nc.png\n"));
    let kinds = "expected a folder, a .csv, a .parquet, a .tar, or a .txt with a .tar on each line";
    assert_eq!(problem(&folder.path().join("x")), format!("FILE: {kinds}, found nothing there"));
    assert_eq!(problem(&folder.path().join("a.png")), format!("FILE: {kinds}, found another kind of file"));
}
