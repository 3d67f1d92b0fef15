use crate::error::check;
use crate::{sys, text_of, zeroed, Error, Model};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// How many tokens are guessed before the model checks them. Changes speed, never results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// As many as pay.
    #[default]
    Automatic,
    Off,
    /// Always this many at most, 1 to 7.
    Tokens(u32),
}

/// Who guesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drafter {
    /// Lookup, and the model's assistant if it has one.
    #[default]
    Automatic,
    /// The assistant.
    Mtp,
    /// Repeats what followed the latest tokens earlier.
    Ngram,
}

/// What a session is made for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionOptions {
    /// Tokens it can hold; 0 = 8192, or the model's limit if less.
    pub context_tokens: u32,
    /// Keys and values as f32 instead of f16.
    pub exact_kv: bool,
    /// Keys and values in 8 bits, unless they are exact: half of the memory.
    pub small_kv: bool,
    /// Making it fails if its plan is larger; 0 = no limit.
    pub memory_budget_bytes: u64,
    pub depth: Depth,
    pub drafter: Drafter,
    /// A full context drops its oldest turns, at least half of what may go, and evaluates the rest
    /// again, instead of failing.
    pub shift_when_full: bool,
    /// For it: tokens at the beginning that stay; 0 = bos and the system's turn.
    pub keep_first_tokens: u32,
}

impl SessionOptions {
    pub(crate) fn known(&self) -> sys::gemma4_session_options {
        let mut known: sys::gemma4_session_options = zeroed();
        known.context_tokens = self.context_tokens;
        known.kv = match (self.exact_kv, self.small_kv) {
            (true, _) => sys::GEMMA4_KV_F32,
            (false, true) => sys::GEMMA4_KV_Q8_0,
            (false, false) => sys::GEMMA4_KV_DEFAULT,
        };
        known.memory_budget_bytes = self.memory_budget_bytes;
        known.context_policy = if self.shift_when_full {
            sys::GEMMA4_CONTEXT_SHIFT
        } else {
            sys::GEMMA4_CONTEXT_ERROR
        };
        known.keep_first_tokens = self.keep_first_tokens;
        known.depth = match self.depth {
            Depth::Automatic | Depth::Tokens(0) => sys::GEMMA4_DEPTH_AUTOMATIC,
            Depth::Off => sys::GEMMA4_DEPTH_OFF,
            Depth::Tokens(tokens) => i32::try_from(tokens).unwrap_or(i32::MAX),
        };
        known.drafter = match self.drafter {
            Drafter::Automatic => sys::GEMMA4_DRAFTER_AUTOMATIC,
            Drafter::Mtp => sys::GEMMA4_DRAFTER_MTP,
            Drafter::Ngram => sys::GEMMA4_DRAFTER_NGRAM,
        };
        known
    }
}

/// How the next token is chosen. The default is greedy; 0 leaves a limit out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    pub temperature: f32,
    pub top_k: i32,
    pub top_p: f32,
    pub min_p: f32,
    pub seed: u64,
}

impl Sampling {
    fn known(&self) -> sys::gemma4_sampling {
        let mut known: sys::gemma4_sampling = zeroed();
        known.temperature = self.temperature;
        known.top_k = self.top_k;
        known.top_p = self.top_p;
        known.min_p = self.min_p;
        known.seed = self.seed;
        known
    }
}

#[derive(Clone, Debug, Default)]
pub struct GenerateOptions {
    pub sampling: Sampling,
    /// 0 = until the model ends or the context is full.
    pub max_tokens: u32,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    Stop,
    Length,
    StopText,
    ToolCalls,
    ContextFull,
    Cancelled,
    Unknown,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// Part of the thought before the answer.
    Thinking(String),
    /// The model wants a tool called; the arguments are a JSON object.
    ToolCall {
        name: String,
        arguments: String,
    },
    /// Always the last.
    End(FinishReason),
}

/// What a session has done so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    pub prefill_tokens: u64,
    pub decode_tokens: u64,
    /// Passes over the model's weights while decoding.
    pub target_steps: u64,
    pub drafted: u64,
    pub accepted: u64,
    pub prefill_tokens_per_second: f64,
    pub decode_tokens_per_second: f64,
}

struct Handle(*mut sys::gemma4_session);

// Safety: shared between threads only for gemma4_session_cancel, which any thread may call; all else
// goes through &mut Session.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // Safety: the last reference.
        unsafe { sys::gemma4_session_destroy(self.0) }
    }
}

/// Stops what its session computes, from any thread.
#[derive(Clone)]
pub struct CancelHandle(Arc<Handle>);

impl CancelHandle {
    /// Without effect when nothing runs.
    pub fn cancel(&self) {
        // Safety: the handle keeps the session alive.
        unsafe { sys::gemma4_session_cancel(self.0 .0) }
    }
}

/// The caller's side of a snapshot that is streamed, and its panic.
struct Stream<F> {
    call: F,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

unsafe extern "C" fn write<F: FnMut(&[u8]) -> bool>(
    user: *mut c_void,
    data: *const c_void,
    bytes: usize,
) -> i32 {
    let stream = &mut *user.cast::<Stream<F>>();
    let data = std::slice::from_raw_parts(data.cast(), bytes);
    match catch_unwind(AssertUnwindSafe(|| (stream.call)(data))) {
        Ok(go_on) => i32::from(!go_on),
        Err(panic) => {
            stream.panic = Some(panic);
            1
        }
    }
}

unsafe extern "C" fn read<F: FnMut(&mut [u8]) -> usize>(
    user: *mut c_void,
    data: *mut c_void,
    bytes: usize,
) -> usize {
    let stream = &mut *user.cast::<Stream<F>>();
    // a slice of bytes that nobody has written yet would not be sound
    std::ptr::write_bytes(data.cast::<u8>(), 0, bytes);
    let data = std::slice::from_raw_parts_mut(data.cast(), bytes);
    match catch_unwind(AssertUnwindSafe(|| (stream.call)(data))) {
        Ok(given) => given,
        Err(panic) => {
            stream.panic = Some(panic);
            0
        }
    }
}

/// A conversation with a model. Belongs to one thread at a time.
pub struct Session {
    handle: Arc<Handle>,
    // Send, not Sync
    _one_thread: PhantomData<std::cell::Cell<()>>,
}

impl Session {
    pub fn new(model: &Model) -> Result<Session, Error> {
        Session::with_options(model, &SessionOptions::default())
    }

    /// Takes all the memory of [`Model::plan`]. Keeps the model alive.
    pub fn with_options(model: &Model, options: &SessionOptions) -> Result<Session, Error> {
        let mut session = std::ptr::null_mut();
        // Safety: a live model.
        check(|error| unsafe {
            sys::gemma4_session_create(model.pointer(), &options.known(), &mut session, error)
        })?;
        Ok(Session::of(session))
    }

    /// A second session that holds what this one holds and shares its memory until one of them
    /// writes. Not while an answer is being made.
    pub fn fork(&mut self) -> Result<Session, Error> {
        let mut session = std::ptr::null_mut();
        // Safety: a live session.
        check(|error| unsafe { sys::gemma4_session_fork(self.pointer(), &mut session, error) })?;
        Ok(Session::of(session))
    }

    /// Writes what the session holds to a file, which appears whole or not at all. Not while an
    /// answer is being made.
    pub fn save(&mut self, path: &str) -> Result<(), Error> {
        // Safety: a live session, a text that lives during the call.
        check(|error| unsafe {
            sys::gemma4_session_save(self.pointer(), path.as_ptr().cast(), path.len(), error)
        })
    }

    /// The same bytes piece by piece, at most 1 MiB at a time; false cancels.
    pub fn save_to<F: FnMut(&[u8]) -> bool>(&mut self, call: F) -> Result<(), Error> {
        let mut stream = Stream { call, panic: None };
        let user = (&mut stream as *mut Stream<F>).cast();
        // Safety: a live session, and `stream` lives during the call.
        let result = check(|error| unsafe {
            sys::gemma4_session_save_to(self.pointer(), Some(write::<F>), user, error)
        });
        if let Some(panic) = stream.panic {
            resume_unwind(panic);
        }
        result
    }

    /// A session that goes on where the saved one was, to the bit. The kind of keys and values must
    /// be that of the saved one; `context_tokens` 0 is the saved session's; the rest is free.
    pub fn restore(model: &Model, path: &str, options: &SessionOptions) -> Result<Session, Error> {
        let mut session = std::ptr::null_mut();
        // Safety: a live model, a text that lives during the call.
        check(|error| unsafe {
            sys::gemma4_session_restore(
                model.pointer(),
                path.as_ptr().cast(),
                path.len(),
                &options.known(),
                std::ptr::null(),
                &mut session,
                error,
            )
        })?;
        Ok(Session::of(session))
    }

    /// The same from `call`, which fills the beginning of its argument and returns how many bytes
    /// it gave; 0: there are no more.
    pub fn restore_from<F: FnMut(&mut [u8]) -> usize>(
        model: &Model,
        options: &SessionOptions,
        call: F,
    ) -> Result<Session, Error> {
        let mut stream = Stream { call, panic: None };
        let user = (&mut stream as *mut Stream<F>).cast();
        let mut session = std::ptr::null_mut();
        // Safety: a live model, and `stream` lives during the call.
        let result = check(|error| unsafe {
            sys::gemma4_session_restore_from(
                model.pointer(),
                Some(read::<F>),
                user,
                &options.known(),
                std::ptr::null(),
                &mut session,
                error,
            )
        });
        if let Some(panic) = stream.panic {
            resume_unwind(panic);
        }
        result.map(|()| Session::of(session))
    }

    fn of(session: *mut sys::gemma4_session) -> Session {
        Session { handle: Arc::new(Handle(session)), _one_thread: PhantomData }
    }

    /// Adds a message; the role is "system", "user", "assistant" or "tool".
    pub fn append(&mut self, role: &str, content: &str) -> Result<(), Error> {
        // Safety: a live session, texts that live during the call; so below.
        check(|error| unsafe {
            sys::gemma4_session_append_message(
                self.pointer(),
                role.as_ptr().cast(),
                role.len(),
                content.as_ptr().cast(),
                content.len(),
                error,
            )
        })
    }

    /// Adds a conversation given as OpenAI-style JSON: messages, and tools the model may call.
    pub fn append_json(&mut self, json: &str, thinking: bool) -> Result<(), Error> {
        struct Chat(*mut sys::gemma4_chat);
        impl Drop for Chat {
            fn drop(&mut self) {
                unsafe { sys::gemma4_chat_destroy(self.0) }
            }
        }
        let mut chat = Chat(std::ptr::null_mut());
        let mut options: sys::gemma4_chat_options = zeroed();
        options.thinking = i32::from(thinking);
        check(|error| unsafe { sys::gemma4_chat_create(&mut chat.0, error) })?;
        check(|error| unsafe { sys::gemma4_chat_set_options(chat.0, &options, error) })?;
        check(|error| unsafe {
            sys::gemma4_chat_add_json(chat.0, json.as_ptr().cast(), json.len(), error)
        })?;
        check(|error| unsafe { sys::gemma4_session_append_chat(self.pointer(), chat.0, error) })
    }

    /// Adds raw text.
    pub fn append_text(&mut self, text: &str) -> Result<(), Error> {
        check(|error| unsafe {
            sys::gemma4_session_append_text(
                self.pointer(),
                text.as_ptr().cast(),
                text.len(),
                sys::GEMMA4_SPECIAL_USER_DEFINED,
                error,
            )
        })
    }

    /// Begins an answer, which the iterator makes piece by piece. Dropping it ends the answer.
    pub fn generate(&mut self, options: &GenerateOptions) -> Result<Generation<'_>, Error> {
        let sampling = options.sampling.known();
        let view =
            |text: &String| sys::gemma4_text { data: text.as_ptr().cast(), bytes: text.len() };
        let stop: Vec<_> = options.stop.iter().map(view).collect();
        let mut known: sys::gemma4_generate_options = zeroed();
        known.sampling = &sampling;
        known.max_tokens = options.max_tokens;
        known.stop = stop.as_ptr();
        known.stop_count = stop.len();
        check(|error| unsafe { sys::gemma4_session_generate(self.pointer(), &known, error) })?;
        Ok(Generation { session: self, ended: false })
    }

    /// The logits that follow the last token.
    pub fn logits(&mut self) -> Result<&[f32], Error> {
        let (mut logits, mut count) = (std::ptr::null(), 0);
        check(|error| unsafe {
            sys::gemma4_session_logits(self.pointer(), &mut logits, &mut count, error)
        })?;
        // Safety: they live until the next call, which the borrow prevents.
        Ok(unsafe { std::slice::from_raw_parts(logits, count) })
    }

    /// Everything in the context, in order.
    pub fn tokens(&mut self) -> Result<&[i32], Error> {
        let (mut tokens, mut count) = (std::ptr::null(), 0);
        check(|error| unsafe {
            sys::gemma4_session_tokens(self.pointer(), &mut tokens, &mut count, error)
        })?;
        if count == 0 {
            return Ok(&[]);
        }
        // Safety: as above.
        Ok(unsafe { std::slice::from_raw_parts(tokens, count) })
    }

    /// The lowest position that [`Session::rewind`] can go back to without evaluating again what is
    /// left.
    pub fn earliest_rewind(&mut self) -> Result<u32, Error> {
        let mut position = 0;
        check(|error| unsafe {
            sys::gemma4_session_earliest_rewind(self.pointer(), &mut position, error)
        })?;
        Ok(position)
    }

    /// Forgets all tokens from `position` on.
    pub fn rewind(&mut self, position: u32) -> Result<(), Error> {
        check(|error| unsafe { sys::gemma4_session_rewind(self.pointer(), position, error) })
    }

    pub fn statistics(&mut self) -> Result<Statistics, Error> {
        let mut done: sys::gemma4_statistics = zeroed();
        check(|error| unsafe { sys::gemma4_session_statistics(self.pointer(), &mut done, error) })?;
        Ok(Statistics {
            prefill_tokens: done.prefill_tokens,
            decode_tokens: done.decode_tokens,
            target_steps: done.target_steps,
            drafted: done.drafted,
            accepted: done.accepted,
            prefill_tokens_per_second: done.prefill_tokens_per_second,
            decode_tokens_per_second: done.decode_tokens_per_second,
        })
    }

    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle(Arc::clone(&self.handle))
    }

    fn pointer(&mut self) -> *mut sys::gemma4_session {
        self.handle.0
    }
}

/// The running answer. After an error the next call goes on.
pub struct Generation<'a> {
    session: &'a mut Session,
    ended: bool,
}

impl Iterator for Generation<'_> {
    type Item = Result<Piece, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut event: sys::gemma4_event = zeroed();
        // Safety: a live session.
        let result = check(|error| unsafe {
            sys::gemma4_session_next(self.session.pointer(), &mut event, error)
        });
        if let Err(error) = result {
            return Some(Err(error));
        }
        // Safety: the texts live until the next call with the session.
        let text = || unsafe { text_of(event.text) };
        let piece = match event.kind {
            sys::GEMMA4_EVENT_TEXT => Piece::Text(text()),
            sys::GEMMA4_EVENT_THINKING => Piece::Thinking(text()),
            sys::GEMMA4_EVENT_TOOL_CALL => {
                let name = unsafe { text_of(event.tool_name) };
                Piece::ToolCall { name, arguments: text() }
            }
            sys::GEMMA4_EVENT_END => Piece::End(match event.finish_reason {
                sys::GEMMA4_FINISH_STOP => FinishReason::Stop,
                sys::GEMMA4_FINISH_LENGTH => FinishReason::Length,
                sys::GEMMA4_FINISH_STOP_TEXT => FinishReason::StopText,
                sys::GEMMA4_FINISH_TOOL_CALLS => FinishReason::ToolCalls,
                sys::GEMMA4_FINISH_CONTEXT_FULL => FinishReason::ContextFull,
                sys::GEMMA4_FINISH_CANCELLED => FinishReason::Cancelled,
                _ => FinishReason::Unknown,
            }),
            _ => return None,
        };
        self.ended = matches!(piece, Piece::End(_));
        Some(Ok(piece))
    }
}

impl Drop for Generation<'_> {
    fn drop(&mut self) {
        // Safety: a live session; there is nobody to tell a failure.
        unsafe { sys::gemma4_session_stop(self.session.pointer(), std::ptr::null_mut()) };
    }
}
