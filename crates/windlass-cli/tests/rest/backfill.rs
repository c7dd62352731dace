//! Months of chess games as files: a backfill of some of them takes the place of their files, and of no others.

use std::collections::BTreeMap;

use crate::example::CHESS;
use crate::project::{Project, files_below};
use crate::weather::{Answer, Server, Weather};

/// The files of games, by month: the load of each, and what is in it.
type Files = BTreeMap<String, Vec<(String, Vec<u8>)>>;

fn files(project: &Project) -> Files {
    let mut months = Files::new();
    let root = project.path("lake/chess_data");
    for path in files_below(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        if let Some((month, file)) = name.split_once('/').filter(|_| name.starts_with("games_")) {
            // `{load_id}.{file_id}.{ext}`, and a load id has a point of its own.
            let load = file.split('.').take(2).collect::<Vec<_>>().join(".");
            months.entry(month.to_owned()).or_default().push((load, std::fs::read(&path).unwrap()));
        }
    }
    months
}

#[test]
fn a_backfill_replaces_the_files_of_its_months_and_no_others() {
    let server = Server::new(|_| Answer::text(500, ""));
    let project = CHESS.project(&server.url);
    let run = |recording: &str, args: &[&str]| {
        server.set(CHESS.answers(recording, &server.url), |_| Weather::Clear);
        let done = project.windlass(&[&["run", "chess.yaml"], args].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        files(&project)
    };
    let loads = |files: &Files, month: &str| -> Vec<String> {
        files.get(month).into_iter().flatten().map(|(load, _)| load.clone()).collect()
    };

    let first = run("recordings/1", &[]);
    assert_eq!(first.keys().collect::<Vec<_>>(), ["games_2024_01", "games_2024_02", "games_2024_04"]);
    let first_load = loads(&first, "games_2024_01");
    assert_eq!(loads(&first, "games_2024_02"), first_load);

    let second = run("recordings/2", &["--select", "games_2024_02,games_2024_03"]);
    assert_eq!(second.len(), 4);
    for month in ["games_2024_01", "games_2024_04"] {
        assert_eq!(second[month], first[month], "{month} was not asked for and stays as it is");
    }
    let second_load = loads(&second, "games_2024_02");
    assert_eq!(second_load.len(), 1);
    assert_ne!(second_load, first_load, "no file of the load before is left");
    assert_eq!(loads(&second, "games_2024_03"), second_load);

    // The same again: the same rows in files of the new load.
    let third = run("recordings/2", &["--select", "games_2024_02,games_2024_03"]);
    assert_ne!(loads(&third, "games_2024_02"), second_load);
    assert_eq!(third["games_2024_02"].len(), 1);

    // A month that is not there any more has no games any more.
    server.set(|_| Answer::text(404, "{\"code\": 0}"), |_| Weather::Clear);
    let done = project.windlass(&["run", "chess.yaml", "--select", "games_2024_01"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let fourth = files(&project);
    assert_eq!(loads(&fourth, "games_2024_01"), [""; 0]);
    assert_eq!(fourth["games_2024_02"], third["games_2024_02"]);
    assert_eq!(fourth["games_2024_04"], first["games_2024_04"]);
}
