use crate::{sys, zeroed};
use std::fmt;

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    InvalidArgument,
    Io,
    Format,
    Unsupported,
    OutOfMemory,
    BudgetExceeded,
    ContextFull,
    Cancelled,
    Internal,
}

/// A failure; its text names the file, the item, the expected and the found value.
#[derive(Clone, Debug)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

impl Error {
    pub fn code(&self) -> ErrorCode {
        self.code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Makes a call with an error object and turns its status into a result.
pub(crate) fn check(
    call: impl FnOnce(*mut sys::gemma4_error) -> sys::gemma4_status,
) -> Result<(), Error> {
    let mut error: sys::gemma4_error = zeroed();
    let code = match call(&mut error) {
        sys::GEMMA4_OK => return Ok(()),
        sys::GEMMA4_ERROR_INVALID_ARGUMENT => ErrorCode::InvalidArgument,
        sys::GEMMA4_ERROR_IO => ErrorCode::Io,
        sys::GEMMA4_ERROR_FORMAT => ErrorCode::Format,
        sys::GEMMA4_ERROR_UNSUPPORTED => ErrorCode::Unsupported,
        sys::GEMMA4_ERROR_OUT_OF_MEMORY => ErrorCode::OutOfMemory,
        sys::GEMMA4_ERROR_BUDGET_EXCEEDED => ErrorCode::BudgetExceeded,
        sys::GEMMA4_ERROR_CONTEXT_FULL => ErrorCode::ContextFull,
        sys::GEMMA4_ERROR_CANCELLED => ErrorCode::Cancelled,
        _ => ErrorCode::Internal,
    };
    let bytes = error.message[..error.message_bytes as usize].iter().map(|&c| c as u8);
    let message = String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned();
    Err(Error { code, message })
}
