//! The Python module: doors to the library, no logic.
//!
//! In: Python objects, arrays by the buffer protocol, frames by the Arrow PyCapsule interface. Out: objects, exceptions with
//! places. Never: a panic as anything but an exception, the interpreter's lock held while the library works.

mod bounds;
mod convert;
mod diagnostic;
mod feed;
mod formula;
mod frame;
mod simulate;

use pyo3::prelude::*;

/// The compiled part of `poolcast`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::bounds::{Bounds, Range, Verdict};
    #[pymodule_export]
    use crate::diagnostic::{Diagnostic, check};
    #[pymodule_export]
    use crate::feed::{Feed, metrics};
    #[pymodule_export]
    use crate::formula::{Formula, Outcome, Read};
    #[pymodule_export]
    use crate::simulate::{Frame, Run, Scenario, Simulation, measure, simulate};
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(m: &Bound<'_, PyModule>) -> PyResult<()> {
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
