//! Settings of recorded layouts as dlt 1.31.0 finds them; `make differential-settings` records them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use windlass_conformance::Layout;

#[test]
fn pipeline_files_find_the_settings_that_dlt_finds() {
    let layouts = Layout::parse_all(include_str!("../settings.json")).unwrap();
    assert!(layouts.len() >= 40, "only {} layouts", layouts.len());
    let mut values = 0;
    for layout in layouts {
        assert_eq!(layout.answer().unwrap(), layout.answers, "{}", layout.name);
        values += layout.answers.iter().filter(|answer| answer.get("value").is_some()).count();
    }
    assert!(values >= 40, "only {values} settings are found");
}
