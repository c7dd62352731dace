//! Recorded facts of the reference, checked against this engine.

mod vectors;
