//! What every store promises, checked against each of them, and what only a disk can get wrong.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};

use super::*;

/// A store without objects, and a folder of this machine beside it.
struct Place {
    store: Arc<dyn Store>,
    machine: tempfile::TempDir,
}

impl Place {
    fn local() -> Self {
        let machine = tempfile::tempdir().unwrap();
        Self { store: Arc::new(Local::new(machine.path().join("root"))), machine }
    }

    fn memory() -> Self {
        Self { store: Arc::new(Memory::new()), machine: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, text: &str) {
        let (key, draft) = (key(name), key(&format!("{name}.draft")));
        self.store.put(Write { what: "test", key: &key, draft: &draft, bytes: text.as_bytes() }).unwrap();
    }

    /// With the folder made before.
    fn put_new(&self, name: &str, draft: &str, text: &str) -> Created {
        let (key, draft) = (key(name), key(draft));
        self.store.make_folder(&key.folder().unwrap()).unwrap();
        let write = Write { what: "test", key: &key, draft: &draft, bytes: text.as_bytes() };
        self.store.put_if_absent(write).unwrap()
    }

    fn text(&self, name: &str) -> Option<String> {
        let bytes = self.store.get(&key(name), None, None).unwrap();
        bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Vec<String> {
        let after = after.map(key);
        let found = self.store.list(prefix, after.as_ref(), Links::Refuse).unwrap();
        found.map(|entry| entry.unwrap().key.to_string()).collect()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.machine.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

macro_rules! suite {
    ($($check:ident)*) => {
        mod local { $( #[test] fn $check() { super::$check(&super::Place::local()); } )* }
        mod memory { $( #[test] fn $check() { super::$check(&super::Place::memory()); } )* }
    };
}

suite! {
    what_was_put_is_there_as_a_whole_and_the_last_one_stays
    what_is_missing_is_no_error
    parts_of_an_object_are_those_that_it_has
    an_open_object_is_read_from_anywhere
    a_version_is_of_one_content
    who_comes_second_finds_what_the_first_has_written
    of_many_that_create_an_object_one_does
    a_list_is_in_the_order_of_the_keys_from_any_of_them_on
    a_prefix_may_end_within_a_name_and_leads_nowhere_else
    children_are_those_directly_in_a_folder
    hostile_names_are_names
    a_file_is_uploaded_as_it_is_over_what_was_there
    a_big_file_arrives_whole
    an_object_moves_once_however_often_it_is_told_to
    what_is_deleted_twice_is_deleted
    a_folder_goes_with_all_that_is_in_it_and_nothing_else
    a_store_of_a_folder_has_the_same_objects
    the_clock_of_the_store_is_that_of_its_objects
}

fn what_was_put_is_there_as_a_whole_and_the_last_one_stays(place: &Place) {
    place.put("a/b/c", "one");
    assert_eq!(place.text("a/b/c").unwrap(), "one");
    place.put("a/b/c", "another");
    place.put("a/b/empty", "");
    assert_eq!(
        (place.text("a/b/c").unwrap(), place.text("a/b/empty").unwrap()),
        ("another".into(), "".into())
    );
    assert_eq!(place.list("", None), ["a/b/c", "a/b/empty"], "no draft is left");
    assert_eq!(place.store.head(&key("a/b/c")).unwrap().unwrap().size, 7);
}

fn what_is_missing_is_no_error(place: &Place) {
    place.put("file", "x");
    for name in ["nothing", "folder/nothing", "file/below"] {
        assert_eq!(place.store.head(&key(name)).unwrap(), None, "{name}");
        assert_eq!(place.store.get(&key(name), None, None).unwrap(), None, "{name}");
        assert_eq!(place.store.children(&key(name)).unwrap(), [], "{name}");
        let StoreError::Io { cause, .. } = place.store.open(&key(name)).unwrap_err() else {
            panic!("{name}")
        };
        assert!(matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory), "{name}");
    }
    assert!(place.list("no/", None).is_empty());
    place.put("folder/a", "x");
    assert_eq!(place.store.head(&key("folder")).unwrap(), None, "a folder is no object");
}

fn parts_of_an_object_are_those_that_it_has(place: &Place) {
    place.put("a", "0123456789");
    let part = |range| place.store.get(&key("a"), Some(range), None).unwrap().unwrap();
    assert_eq!(part(0..3), "012");
    assert_eq!(part(8..10), "89");
    assert_eq!(part(8..100), "89");
    assert_eq!(part(4..4), "");
    assert_eq!(part(100..200), "");
}

fn an_open_object_is_read_from_anywhere(place: &Place) {
    place.put("a", "0123456789");
    let object = place.store.open(&key("a")).unwrap();
    assert_eq!(object.size().unwrap(), 10);
    assert_eq!(object.range(7, 3).unwrap(), "789");
    assert_eq!(object.range(0, 2).unwrap(), "01");
    assert_eq!(object.range(7, 4).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    let read = |mut reader: Box<dyn Read + Send>| {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text).unwrap()
    };
    assert_eq!(read(object.read_from(6).unwrap()), "6789");
    assert_eq!(read(object.read_from(11).unwrap()), "");
    // What is open stays what it was, whatever becomes of its name.
    let object = place.store.open(&key("a")).unwrap();
    place.put("a", "new");
    place.store.delete("test", &[key("a")]).unwrap();
    assert_eq!(read(object.into_reader()), "0123456789");
}

fn a_version_is_of_one_content(place: &Place) {
    place.put("a", "one");
    let known = place.store.head(&key("a")).unwrap().unwrap();
    let get = |version: &str| place.store.get(&key("a"), Some(0..2), Some(version));
    assert_eq!(get(&known.version).unwrap().unwrap(), "on");
    place.put("a", "longer");
    assert!(matches!(get(&known.version).unwrap_err(), StoreError::Changed { .. }));
    let next = place.store.head(&key("a")).unwrap().unwrap();
    assert_ne!(next.version, known.version);
    assert_eq!(get(&next.version).unwrap().unwrap(), "lo");
    place.store.delete("test", &[key("a")]).unwrap();
    assert_eq!(get(&next.version).unwrap(), None);
}

fn who_comes_second_finds_what_the_first_has_written(place: &Place) {
    assert_eq!(place.put_new("l/1", "l/1.a", "a"), Created::Ours);
    assert_eq!(place.put_new("l/1", "l/1.b", "b"), Created::Theirs(Some("a".into())));
    assert_eq!(place.list("", None), ["l/1"], "no draft is left");
    place.store.delete("test", &[key("l/1")]).unwrap();
    assert_eq!(place.put_new("l/1", "l/1.b", "b"), Created::Ours);
    assert_eq!(place.text("l/1").unwrap(), "b");
    let (gone, draft) = (key("no such folder/1"), key("l/draft"));
    let write = Write { what: "test", key: &gone, draft: &draft, bytes: b"x" };
    assert_eq!(place.store.put_if_absent(write).is_err(), place.store.has_folders());
}

fn of_many_that_create_an_object_one_does(place: &Place) {
    place.store.make_folder(&key("l")).unwrap();
    for round in 0..20 {
        let (start, name) = (Barrier::new(8), key(&format!("l/{round}")));
        let made: Vec<(String, Created)> = std::thread::scope(|scope| {
            let create = |n: usize| {
                let (draft, text) = (key(&format!("l/{round}.{n}")), format!("by {n}"));
                let write = Write { what: "test", key: &name, draft: &draft, bytes: text.as_bytes() };
                start.wait();
                let created = place.store.put_if_absent(write).unwrap();
                (text, created)
            };
            let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || create(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (ours, theirs): (Vec<_>, Vec<_>) =
            made.into_iter().partition(|(_, created)| *created == Created::Ours);
        let [(winner, _)] = &ours[..] else { panic!("{ours:?}") };
        for (_, created) in theirs {
            assert_eq!(created, Created::Theirs(Some(winner.clone().into())));
        }
    }
}

fn a_list_is_in_the_order_of_the_keys_from_any_of_them_on(place: &Place) {
    let names = ["a.b", "a/1", "a/10", "a/2", "a/x/y/z", "a0", "b"];
    names.iter().rev().for_each(|name| place.put(name, name));
    assert_eq!(place.list("", None), names);
    // As pages come: each begins behind the last key of the one before, whether that is still there or not.
    for (at, name) in names.iter().enumerate() {
        assert_eq!(place.list("", Some(name)), names[at + 1..], "{name}");
    }
    place.store.delete("test", &[key("a/10")]).unwrap();
    assert_eq!(place.list("a/", Some("a/10")), ["a/2", "a/x/y/z"]);
    let sizes = place.store.list("a/x", None, Links::Follow).unwrap().map(|entry| entry.unwrap().size);
    assert_eq!(sizes.collect::<Vec<_>>(), [7]);
}

fn a_prefix_may_end_within_a_name_and_leads_nowhere_else(place: &Place) {
    for name in ["t/1", "t_x/1", "t.1.csv", "u/t/1"] {
        place.put(name, "");
    }
    assert_eq!(place.list("t", None), ["t.1.csv", "t/1", "t_x/1"]);
    assert_eq!(place.list("t/", None), ["t/1"]);
    assert_eq!(place.list("t.", None), ["t.1.csv"]);
    assert_eq!(place.list("u/t", None), ["u/t/1"]);
    let below = place.store.below(&key("u"));
    for prefix in ["/t", "../t", "x/../../t/", "t/../../"] {
        assert!(below.list(prefix, None, Links::Follow).is_err(), "{prefix}");
    }
}

fn children_are_those_directly_in_a_folder(place: &Place) {
    for name in ["f/b", "f/a/1", "f/a/2/3", "f/.hidden", "g"] {
        place.put(name, "");
    }
    let children = |folder: &str| {
        let children = place.store.children(&key(folder)).unwrap();
        children
            .into_iter()
            .map(|child| (child.name.to_string_lossy().into_owned(), child.kind))
            .collect::<Vec<_>>()
    };
    let (object, folder) = (ChildKind::Object, ChildKind::Folder);
    assert_eq!(children("f"), [(".hidden".to_owned(), object), ("a".into(), folder), ("b".into(), object)]);
    assert_eq!(children(""), [("f".to_owned(), folder), ("g".into(), object)]);
}

fn hostile_names_are_names(place: &Place) {
    let names = [
        " ",
        "%2F%00",
        "*",
        "-rf",
        ".hidden",
        "...",
        "[a]?",
        "a\nb",
        "a\\b",
        "c:d",
        "con",
        "naïve",
        "~",
        "💥",
        "{table}",
        "\u{202e}txt",
    ];
    let long = "x".repeat(200);
    for name in names.iter().copied().chain([long.as_str()]) {
        let key = key("d").child(name).unwrap();
        place.put(&key.to_string(), name);
        assert_eq!(place.text(&key.to_string()).unwrap(), name);
        assert_eq!(place.store.head(&key).unwrap().unwrap().key, key);
    }
    let found: BTreeSet<String> = place.list("d/", None).into_iter().collect();
    assert_eq!(found.len(), names.len() + 1);
    let children = place.store.children(&key("d")).unwrap();
    assert!(
        children.iter().all(|child| place
            .store
            .head(&key("d").child(&child.name).unwrap())
            .unwrap()
            .is_some())
    );
    for name in names {
        place.store.delete("test", &[key("d").child(name).unwrap()]).unwrap();
    }
    assert_eq!(place.list("", None), [format!("d/{long}")]);
}

fn a_file_is_uploaded_as_it_is_over_what_was_there(place: &Place) {
    let file = place.file("job", b"rows");
    place.store.make_folder(&key("g")).unwrap();
    for _ in 0..2 {
        place.store.upload("test", &file, &key("g/1")).unwrap();
        assert_eq!(place.text("g/1").unwrap(), "rows");
    }
    place.store.upload("test", &place.file("other", b"other rows"), &key("g/1")).unwrap();
    assert_eq!(place.text("g/1").unwrap(), "other rows");
    assert_eq!(std::fs::read(&file).unwrap(), b"rows", "what was there before is nobody else's file");
    assert!(place.store.upload("test", Path::new("/no/such/file"), &key("g/2")).is_err());
    assert_eq!(place.list("", None), ["g/1"]);
}

fn a_big_file_arrives_whole(place: &Place) {
    let bytes: Vec<u8> = (0..20_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = place.file("big", &bytes);
    place.store.make_folder(&key("g")).unwrap();
    place.store.upload("test", &file, &key("g/big")).unwrap();
    assert_eq!(place.store.head(&key("g/big")).unwrap().unwrap().size, bytes.len() as u64);
    assert!(place.store.get(&key("g/big"), None, None).unwrap().unwrap() == bytes);
    let middle = place.store.open(&key("g/big")).unwrap().range(12_345_678, 4096).unwrap();
    assert!(middle == bytes[12_345_678..][..4096]);
}

fn an_object_moves_once_however_often_it_is_told_to(place: &Place) {
    place.put("g/1", "rows");
    place.put("t/old", "old");
    for _ in 0..2 {
        place.store.place("test", &key("g/1"), &key("t/new/1")).unwrap();
        assert_eq!((place.text("g/1"), place.text("t/new/1").unwrap()), (None, "rows".into()));
    }
    place.put("g/2", "more");
    place.store.place("test", &key("g/2"), &key("t/old")).unwrap();
    assert_eq!(place.text("t/old").unwrap(), "more");
    assert!(place.store.place("test", &key("g/3"), &key("t/3")).is_err(), "it is nowhere");
    place.store.settle("test", &[key("t"), key("t/new")].into()).unwrap();
}

fn what_is_deleted_twice_is_deleted(place: &Place) {
    for name in ["a", "b", "f/c"] {
        place.put(name, "");
    }
    for _ in 0..2 {
        place.store.delete("test", &["a", "f/c", "never/was"].map(key)).unwrap();
        assert_eq!(place.list("", None), ["b"]);
    }
    place.store.delete("test", &[]).unwrap();
}

fn a_folder_goes_with_all_that_is_in_it_and_nothing_else(place: &Place) {
    for name in ["f/a", "f/g/b", "f.x", "fg/a"] {
        place.put(name, "");
    }
    place.store.remove_empty_folder(&key("f"));
    assert_eq!(place.list("f/", None), ["f/a", "f/g/b"]);
    for _ in 0..2 {
        place.store.delete_below("test", &key("f")).unwrap();
        assert_eq!(place.list("", None), ["f.x", "fg/a"]);
    }
    assert!(place.store.children(&Key::root()).unwrap().iter().all(|child| child.name != "f"));
}

fn a_store_of_a_folder_has_the_same_objects(place: &Place) {
    let below = place.store.below(&key("d"));
    below.make_folder(&Key::root()).unwrap();
    below.put(Write { what: "test", key: &key("t/1"), draft: &key("draft"), bytes: b"rows" }).unwrap();
    assert_eq!(place.text("d/t/1").unwrap(), "rows");
    let found: Vec<Entry> = below.list("t/", None, Links::Refuse).unwrap().map(Result::unwrap).collect();
    assert_eq!(found, [Entry { key: key("t/1"), ..place.store.head(&key("d/t/1")).unwrap().unwrap() }]);
    assert_eq!(below.location(&key("t/1")), place.store.location(&key("d/t/1")));
    // A store may be opened at an object: it is its root.
    let object = place.store.below(&key("d/t/1"));
    assert_eq!(object.get(&Key::root(), None, None).unwrap().unwrap(), "rows");
    assert_eq!(object.head(&Key::root()).unwrap().unwrap().size, 4);
}

fn the_clock_of_the_store_is_that_of_its_objects(place: &Place) {
    let second = 1_000_000;
    let before = place.store.now().unwrap();
    place.put("a", "");
    let (written, after) =
        (place.store.head(&key("a")).unwrap().unwrap().modified, place.store.now().unwrap());
    // File systems keep coarser times than the clock has.
    assert!(before - second <= written && written <= after + second, "{before} {written} {after}");
}

#[cfg(unix)]
mod only_local {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn nothing_is_deleted_through_a_link_and_each_is_read_once() {
        let place = Place::local();
        let (root, victim) = (place.machine.path().join("root"), place.machine.path().join("victim"));
        place.put("t/deep/a", "");
        place.put("plain/a", "");
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("precious"), "").unwrap();
        symlink(&victim, root.join("t/link")).unwrap();
        symlink(root.join("t"), root.join("t/deep/loop")).unwrap();
        symlink(victim.join("precious"), root.join("plain/file_link")).unwrap();
        symlink("nowhere", root.join("plain/to_nowhere")).unwrap();
        let list = |prefix, links| place.store.list(prefix, None, links).map(Iterator::count);
        for prefix in ["t/", "t/link/", "t/link/pre", "t/deep/"] {
            assert!(matches!(list(prefix, Links::Refuse), Err(StoreError::Link { .. })), "{prefix}");
            list(prefix, Links::Follow).unwrap();
        }
        assert_eq!(list("plain/", Links::Refuse).unwrap(), 3, "a link that stands for a file is one");
        for name in ["t/link/precious", "t/deep/loop/deep/a"] {
            let error = place.store.delete("test", &[key(name)]).unwrap_err();
            assert!(matches!(error, StoreError::Link { .. }), "{name}: {error}");
            let error = place.store.delete_below("test", &key(name)).unwrap_err();
            assert!(matches!(error, StoreError::Link { .. }), "{name}: {error}");
        }
        place.store.delete("test", &["plain/file_link", "plain/to_nowhere"].map(key)).unwrap();
        place.store.delete_below("test", &key("t")).unwrap();
        assert!(victim.join("precious").exists() && !root.join("t").exists());
        assert_eq!(place.list("", None), ["plain/a"]);
    }

    #[test]
    fn a_loop_of_links_has_one_identity() {
        let place = Place::local();
        place.put("a/b/c", "");
        symlink("..", place.machine.path().join("root/a/b/up")).unwrap();
        let identity = |name: &str| place.store.identity(&key(name)).unwrap();
        assert_eq!(identity("a"), identity("a/b/up"));
        assert_ne!(identity("a"), identity("a/b"));
    }

    #[test]
    fn names_of_any_bytes_are_names() {
        let place = Place::local();
        place.put("d/a", "x");
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
        fs::write(place.machine.path().join("root/d").join(name), "y").unwrap();
        let found: Vec<Entry> =
            place.store.list("d/caf", None, Links::Refuse).unwrap().map(Result::unwrap).collect();
        let [entry] = &found[..] else { panic!("{found:?}") };
        assert_eq!(entry.key.name(), name);
        assert_eq!(place.store.get(&entry.key, None, None).unwrap().unwrap(), "y");
        place.store.delete("test", std::slice::from_ref(&entry.key)).unwrap();
        assert_eq!(place.list("", None), ["d/a"]);
    }

    #[test]
    fn a_file_that_waited_in_private_is_opened_to_whom_its_folder_is_open() {
        let place = Place::local();
        let file = place.file("job", b"rows");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        place.store.make_folder(&key("g")).unwrap();
        let folder = place.machine.path().join("root/g");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        place.store.upload("test", &file, &key("g/1")).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().nlink(), 2, "no byte is copied");
        place.store.place("test", &key("g/1"), &key("t/1")).unwrap();
        let placed = fs::metadata(place.machine.path().join("root/t/1")).unwrap();
        assert_eq!(placed.permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn what_a_broken_write_left_is_no_object_of_that_name() {
        let place = Place::local();
        place.put("t/1", "old");
        fs::write(place.machine.path().join("root/t/1.draft"), "half of the n").unwrap();
        assert_eq!(place.text("t/1").unwrap(), "old");
        place.put("t/1", "new");
        assert_eq!(
            (place.text("t/1").unwrap(), place.list("", None)),
            ("new".into(), vec!["t/1".to_owned()])
        );
    }
}
