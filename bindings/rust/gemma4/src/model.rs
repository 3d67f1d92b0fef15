use crate::error::check;
use crate::session::SessionOptions;
use crate::{sys, text_of, zeroed, Error, Sampling};
use std::ffi::c_void;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// How a model is loaded. The default: all cores, no assistant, no limit.
#[derive(Default)]
pub struct LoadOptions<'a> {
    /// Threads that compute, the caller's included; 0 = the cores there are.
    pub threads: u32,
    /// The model's MTP assistant, which guesses tokens ahead.
    pub assistant: Option<&'a str>,
    /// A file that was packed from the model, or its folder.
    pub packed: Option<&'a str>,
    /// The load fails if the weights are larger; 0 = no limit.
    pub memory_budget_bytes: u64,
    /// Called with the bytes done and all bytes; false cancels.
    pub on_progress: Option<&'a mut dyn FnMut(u64, u64) -> bool>,
}

/// Exact bytes by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    pub weights_bytes: u64,
    pub assistant_bytes: u64,
    pub kv_bytes: u64,
    pub workspace_bytes: u64,
    pub total_bytes: u64,
}

struct Handle(*mut sys::gemma4_model);

// Safety: a model is immutable, the C interface takes it as pointer to const.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // Safety: the last reference.
        unsafe { sys::gemma4_model_destroy(self.0) }
    }
}

/// A checkpoint in memory. Clones are handles to the same weights.
#[derive(Clone)]
pub struct Model(Arc<Handle>);

/// What on_progress of the options and its panic look like from C.
struct Progress<'a> {
    call: &'a mut dyn FnMut(u64, u64) -> bool,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

unsafe extern "C" fn on_progress(user: *mut c_void, done: u64, total: u64) -> i32 {
    let progress = &mut *user.cast::<Progress>();
    match catch_unwind(AssertUnwindSafe(|| (progress.call)(done, total))) {
        Ok(go_on) => i32::from(!go_on),
        Err(panic) => {
            progress.panic = Some(panic);
            1
        }
    }
}

impl Model {
    /// Reads a GGUF file or maps a packed one.
    pub fn load(path: &str) -> Result<Model, Error> {
        Model::load_with(path, LoadOptions::default())
    }

    pub fn load_with(path: &str, options: LoadOptions<'_>) -> Result<Model, Error> {
        let mut known: sys::gemma4_load_options = zeroed();
        known.threads = i32::try_from(options.threads).unwrap_or(i32::MAX);
        known.memory_budget_bytes = options.memory_budget_bytes;
        if let Some(path) = options.assistant {
            known.assistant_path = path.as_ptr().cast();
            known.assistant_path_bytes = path.len();
        }
        if let Some(path) = options.packed {
            known.packed_path = path.as_ptr().cast();
            known.packed_path_bytes = path.len();
        }
        let mut progress = options.on_progress.map(|call| Progress { call, panic: None });
        if let Some(progress) = &mut progress {
            known.on_progress = Some(on_progress);
            known.on_progress_user = (progress as *mut Progress).cast();
        }
        let mut model = std::ptr::null_mut();
        // Safety: all pointers live during the call.
        let result = check(|error| unsafe {
            sys::gemma4_model_load(path.as_ptr().cast(), path.len(), &known, &mut model, error)
        });
        if let Some(panic) = progress.and_then(|progress| progress.panic) {
            resume_unwind(panic);
        }
        result.map(|()| Model(Arc::new(Handle(model))))
    }

    /// What a session with these options will take, to the byte.
    pub fn plan(&self, options: &SessionOptions) -> Result<MemoryPlan, Error> {
        let mut plan: sys::gemma4_memory_plan = zeroed();
        // Safety: a live model.
        check(|error| unsafe {
            sys::gemma4_model_plan(self.pointer(), &options.known(), &mut plan, error)
        })?;
        Ok(MemoryPlan {
            weights_bytes: plan.weights_bytes,
            assistant_bytes: plan.assistant_bytes,
            kv_bytes: plan.kv_bytes,
            workspace_bytes: plan.workspace_bytes,
            total_bytes: plan.total_bytes,
        })
    }

    /// What the file calls itself; may be empty.
    pub fn name(&self) -> Result<String, Error> {
        let info = self.info()?;
        // Safety: the text lives as long as the model.
        Ok(unsafe { text_of(info.name) })
    }

    /// Number of tokens there are.
    pub fn vocabulary_size(&self) -> Result<u32, Error> {
        Ok(self.info()?.vocabulary_size)
    }

    /// How the file, or Google, recommends to choose tokens.
    pub fn recommended_sampling(&self) -> Result<Sampling, Error> {
        let mut known: sys::gemma4_sampling = zeroed();
        // Safety: a live model.
        check(|error| unsafe {
            sys::gemma4_model_recommended_sampling(self.pointer(), &mut known, error)
        })?;
        Ok(Sampling {
            temperature: known.temperature,
            top_k: known.top_k,
            top_p: known.top_p,
            min_p: known.min_p,
            seed: 0,
        })
    }

    fn info(&self) -> Result<sys::gemma4_model_info, Error> {
        let mut info: sys::gemma4_model_info = zeroed();
        // Safety: a live model.
        check(|error| unsafe { sys::gemma4_model_describe(self.pointer(), &mut info, error) })?;
        Ok(info)
    }

    pub(crate) fn pointer(&self) -> *const sys::gemma4_model {
        self.0 .0
    }
}
