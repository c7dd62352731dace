//! `windlass._windlass`: the engine for the Python package. Everything that users see is in `windlass/*.py`.

mod arrow;
mod cursor;
mod engine;
mod error;
mod extractor;
mod functions;
mod logs;
mod placeholders;
mod read;
mod reader;
mod runtime;
mod settings;
mod sink;
mod source;
mod sql;
mod steps;
mod typed;
mod unread;
mod write;

use pyo3::prelude::*;

/// The engine.
#[pymodule]
fn _windlass(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("EngineError", module.py().get_type::<error::EngineError>())?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<reader::Reader>()?;
    module.add_class::<cursor::Cursor>()?;
    module.add_class::<cursor::Rows>()?;
    module.add_class::<sql::SqlReader>()?;
    sql::register(module)?;
    module.add_class::<steps::Steps>()?;
    module.add_class::<settings::Settings>()?;
    module.add_class::<settings::Lookup>()?;
    module.add_function(wrap_pyfunction!(unread::rows_of_lines, module)?)?;
    module.add_function(wrap_pyfunction!(unread::rows_of_columns, module)?)?;
    module.add_function(wrap_pyfunction!(logs::set_log_level, module)?)?;
    functions::register(module)
}
