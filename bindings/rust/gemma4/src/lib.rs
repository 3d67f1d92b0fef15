//! Gemma 4 on ordinary processors.
//!
//! ```no_run
//! use gemma4::{GenerateOptions, Model, Piece, Session};
//! let model = Model::load("gemma-4-12b-it-qat-q4_0.gguf")?;
//! let mut session = Session::new(&model)?;
//! session.append("user", "Why is the sky blue?")?;
//! for piece in session.generate(&GenerateOptions::default())? {
//!     if let Piece::Text(text) = piece? {
//!         print!("{text}");
//!     }
//! }
//! # Ok::<(), gemma4::Error>(())
//! ```
//!
//! A [`Model`] may be used by any number of threads at once, a [`Session`] by one at a time, which
//! may change; a [`CancelHandle`] works from anywhere. All failures are an [`Error`].

mod error;
mod model;
mod session;

pub use error::{Error, ErrorCode};
pub use gemma4_sys as sys;
pub use model::{LoadOptions, MemoryPlan, Model};
pub use session::{
    CancelHandle, Depth, Drafter, FinishReason, GenerateOptions, Generation, Piece, Sampling,
    Session, SessionOptions, Statistics,
};

/// The library's version, "major.minor.patch".
pub fn version() -> &'static str {
    // Safety: a static string that ends with a zero byte.
    unsafe { std::ffi::CStr::from_ptr(sys::gemma4_version()) }.to_str().unwrap_or("unknown")
}

/// A struct of the C interface: zeros, and its size. Only for structs of numbers and nullable
/// pointers, which is all of them.
fn zeroed<T: Copy>() -> T {
    // Safety: zero is a value of every field.
    let mut value: T = unsafe { std::mem::zeroed() };
    // Safety: struct_size, a u64, is the first field of each.
    unsafe { *(&mut value as *mut T).cast::<u64>() = std::mem::size_of::<T>() as u64 };
    value
}

/// A text of the library's, which is whole UTF-8; what is not is replaced.
///
/// # Safety
/// The text must be alive.
unsafe fn text_of(text: sys::gemma4_text) -> String {
    String::from_utf8_lossy(std::slice::from_raw_parts(text.data.cast(), text.bytes)).into_owned()
}
