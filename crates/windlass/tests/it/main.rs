//! Whole runs of pipelines, from files to a destination.

mod incremental;
