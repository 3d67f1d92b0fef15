//! The C interface of gemma4, as capi/gemma4.h declares and documents it. Layouts and names are
//! compared with the library's own tables by the tests.
#![allow(non_camel_case_types)]
#![no_std]

use core::ffi::{c_char, c_void};

pub const GEMMA4_TEXT: usize = usize::MAX;
pub type gemma4_status = i32;
pub type gemma4_token = i32;

#[repr(C)]
pub struct gemma4_canceller {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_model {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_inspection {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_tokenizer {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_chat {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_session {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_batch {
    _private: [u8; 0],
}

#[repr(C)]
pub struct gemma4_draft {
    _private: [u8; 0],
}

pub type gemma4_progress =
    unsafe extern "C" fn(user: *mut c_void, done_bytes: u64, total_bytes: u64) -> i32;
pub type gemma4_log =
    unsafe extern "C" fn(user: *mut c_void, level: i32, line: *const c_char, line_bytes: usize);

pub type gemma4_on_event =
    unsafe extern "C" fn(user: *mut c_void, event: *const gemma4_event) -> i32;

pub type gemma4_on_tokens =
    unsafe extern "C" fn(user: *mut c_void, done_tokens: u32, total_tokens: u32) -> i32;

pub type gemma4_on_logits =
    unsafe extern "C" fn(user: *mut c_void, position: u32, logits: *const f32, count: u32) -> i32;

pub type gemma4_write =
    unsafe extern "C" fn(user: *mut c_void, data: *const c_void, bytes: usize) -> i32;

pub type gemma4_read =
    unsafe extern "C" fn(user: *mut c_void, data: *mut c_void, bytes: usize) -> usize;

pub const GEMMA4_ABI_VERSION: u32 = 1;

pub const GEMMA4_MOST_DRAFTS: u32 = 7;
pub const GEMMA4_UNKNOWN_CONFIDENCE: f32 = -1.0;

pub const GEMMA4_OK: i32 = 0;
pub const GEMMA4_ERROR_INVALID_ARGUMENT: i32 = 1;
pub const GEMMA4_ERROR_IO: i32 = 2;
pub const GEMMA4_ERROR_FORMAT: i32 = 3;
pub const GEMMA4_ERROR_UNSUPPORTED: i32 = 4;
pub const GEMMA4_ERROR_OUT_OF_MEMORY: i32 = 5;
pub const GEMMA4_ERROR_BUDGET_EXCEEDED: i32 = 6;
pub const GEMMA4_ERROR_CONTEXT_FULL: i32 = 7;
pub const GEMMA4_ERROR_CANCELLED: i32 = 8;
pub const GEMMA4_ERROR_INTERNAL: i32 = 9;

pub const GEMMA4_ISA_AUTOMATIC: i32 = 0;
pub const GEMMA4_ISA_SCALAR: i32 = 1;
pub const GEMMA4_ISA_AVX2: i32 = 2;
pub const GEMMA4_ISA_AVX512: i32 = 3;
pub const GEMMA4_ISA_NEON: i32 = 4;
pub const GEMMA4_ISA_AVXVNNI: i32 = 5;

pub const GEMMA4_PREFILL_EXACT: i32 = 0;
pub const GEMMA4_PREFILL_ONEDNN: i32 = 1;

pub const GEMMA4_ACTIVATIONS_AUTOMATIC: i32 = 0;
pub const GEMMA4_ACTIVATIONS_INT8: i32 = 1;
pub const GEMMA4_ACTIVATIONS_INT16: i32 = 2;

pub const GEMMA4_STORED_EXACT: i32 = 0;
pub const GEMMA4_STORED_Q4_0: i32 = 1;
pub const GEMMA4_STORED_Q8_0: i32 = 2;
pub const GEMMA4_STORED_Q6_K: i32 = 3;

pub const GEMMA4_LOG_INFO: i32 = 1;
pub const GEMMA4_LOG_WARNING: i32 = 2;

pub const GEMMA4_DEPTH_AUTOMATIC: i32 = 0;
pub const GEMMA4_DEPTH_OFF: i32 = -1;

pub const GEMMA4_DRAFTER_AUTOMATIC: i32 = 0;
pub const GEMMA4_DRAFTER_MTP: i32 = 1;
pub const GEMMA4_DRAFTER_NGRAM: i32 = 2;
pub const GEMMA4_DRAFTER_NONE: i32 = 3;
pub const GEMMA4_DRAFTER_CUSTOM: i32 = 4;

pub const GEMMA4_KV_DEFAULT: i32 = 0;
pub const GEMMA4_KV_F16: i32 = 1;
pub const GEMMA4_KV_F32: i32 = 2;
pub const GEMMA4_KV_Q8_0: i32 = 3;
pub const GEMMA4_CONTEXT_ERROR: i32 = 0;
pub const GEMMA4_CONTEXT_SHIFT: i32 = 1;

pub const GEMMA4_SPECIAL_USER_DEFINED: i32 = 0;
pub const GEMMA4_SPECIAL_ALL: i32 = 1;
pub const GEMMA4_SPECIAL_NONE: i32 = 2;

pub const GEMMA4_EVENT_NONE: i32 = 0;
pub const GEMMA4_EVENT_TEXT: i32 = 1;
pub const GEMMA4_EVENT_THINKING: i32 = 2;
pub const GEMMA4_EVENT_TOOL_CALL: i32 = 3;
pub const GEMMA4_EVENT_END: i32 = 4;
pub const GEMMA4_EVENT_WAITING: i32 = 5;

pub const GEMMA4_FINISH_NONE: i32 = 0;
pub const GEMMA4_FINISH_STOP: i32 = 1;
pub const GEMMA4_FINISH_LENGTH: i32 = 2;
pub const GEMMA4_FINISH_STOP_TEXT: i32 = 3;
pub const GEMMA4_FINISH_TOOL_CALLS: i32 = 4;
pub const GEMMA4_FINISH_CONTEXT_FULL: i32 = 5;
pub const GEMMA4_FINISH_CANCELLED: i32 = 6;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_error {
    pub struct_size: u64,
    pub status: gemma4_status,
    pub message_bytes: u32,
    pub message: [c_char; 1008],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_text {
    pub data: *const c_char,
    pub bytes: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_executor {
    pub struct_size: u64,
    pub user: *mut c_void,
    pub concurrency: i32,
    pub reserved: i32,
    pub parallel_for: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            count: i32,
            call: Option<unsafe extern "C" fn(context: *mut c_void, index: i32)>,
            context: *mut c_void,
        ),
    >,
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_allocator {
    pub struct_size: u64,
    pub user: *mut c_void,
    pub allocate:
        Option<unsafe extern "C" fn(user: *mut c_void, bytes: u64, alignment: u64) -> *mut c_void>,
    pub deallocate: Option<
        unsafe extern "C" fn(user: *mut c_void, memory: *mut c_void, bytes: u64, alignment: u64),
    >,
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_load_options {
    pub struct_size: u64,
    pub threads: i32,
    pub isa: i32,
    pub memory_budget_bytes: u64,
    pub assistant_path: *const c_char,
    pub assistant_path_bytes: usize,
    pub packed_path: *const c_char,
    pub packed_path_bytes: usize,
    pub on_progress: Option<gemma4_progress>,
    pub on_progress_user: *mut c_void,
    pub canceller: *const gemma4_canceller,
    pub executor: *const gemma4_executor,
    pub prefill: i32,
    pub activations: i32,
    pub prefix_cache_bytes: u64,
    pub embedding_storage: i32,
    pub layer_storage: i32,
    pub assistant_embedding_storage: i32,
    pub assistant_layer_storage: i32,
    pub allocator: *const gemma4_allocator,
    pub log: Option<gemma4_log>,
    pub log_user: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_model_info {
    pub struct_size: u64,
    pub architecture: gemma4_text,
    pub name: gemma4_text,
    pub path: gemma4_text,
    pub packed_path: gemma4_text,
    pub parameters: u64,
    pub file_bytes: u64,
    pub tensors: u64,
    pub layers: u32,
    pub hidden_size: u32,
    pub query_heads: u32,
    pub vocabulary_size: u32,
    pub context_limit: u32,
    pub sliding_window: u32,
    pub logit_softcap: f32,
    pub norm_epsilon: f32,
    pub rope_base: f32,
    pub rope_base_sliding: f32,
    pub isa: i32,
    pub threads: i32,
    pub has_assistant: i32,
    pub activations: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_assistant_info {
    pub struct_size: u64,
    pub name: gemma4_text,
    pub path: gemma4_text,
    pub packed_path: gemma4_text,
    pub parameters: u64,
    pub file_bytes: u64,
    pub tensors: u64,
    pub layers: u32,
    pub hidden_size: u32,
    pub query_heads: u32,
    pub centroids: u32,
    pub activations: i32,
    pub reserved: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_layer_info {
    pub struct_size: u64,
    pub full_attention: i32,
    pub shares_kv_projection: i32,
    pub kv_heads: u32,
    pub head_size: u32,
    pub feed_forward: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_logit_bias {
    pub token: gemma4_token,
    pub bias: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_sampling {
    pub struct_size: u64,
    pub seed: u64,
    pub temperature: f32,
    pub top_k: i32,
    pub top_p: f32,
    pub min_p: f32,
    pub repetition_penalty: f32,
    pub presence_penalty: f32,
    pub frequency_penalty: f32,
    pub penalty_window: i32,
    pub logit_bias: *const gemma4_logit_bias,
    pub logit_bias_count: usize,
    pub suppress: *const gemma4_token,
    pub suppress_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_draft_request {
    pub struct_size: u64,
    pub tokens: *const gemma4_token,
    pub token_count: usize,
    pub temperature: f32,
    pub most: u32,
    pub sampling: *const gemma4_sampling,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_drafter {
    pub struct_size: u64,
    pub user: *mut c_void,
    pub propose: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const gemma4_draft_request,
            draft: *mut gemma4_draft,
        ) -> i32,
    >,
    pub verified: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            draft: *const gemma4_token,
            count: u32,
            accepted: u32,
            rejected: i32,
        ),
    >,
    pub rewound: Option<unsafe extern "C" fn(user: *mut c_void, position: u32)>,
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_session_options {
    pub struct_size: u64,
    pub context_tokens: u32,
    pub kv: i32,
    pub prefill_chunk_tokens: u32,
    pub depth: i32,
    pub memory_budget_bytes: u64,
    pub drafter: i32,
    pub reserved: i32,
    pub drafter_functions: *const gemma4_drafter,
    pub context_policy: i32,
    pub keep_first_tokens: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_memory_plan {
    pub struct_size: u64,
    pub weights_bytes: u64,
    pub assistant_bytes: u64,
    pub kv_bytes: u64,
    pub workspace_bytes: u64,
    pub total_bytes: u64,
    pub prefix_cache_bytes: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_prefix_statistics {
    pub struct_size: u64,
    pub budget_bytes: u64,
    pub held_bytes: u64,
    pub held_tokens: u64,
    pub lookups: u64,
    pub hits: u64,
    pub reused_tokens: u64,
    pub evicted_tokens: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_tensor_info {
    pub struct_size: u64,
    pub name: gemma4_text,
    pub r#type: gemma4_text,
    pub shape: [u64; 4],
    pub bytes: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_pack_options {
    pub struct_size: u64,
    pub threads: i32,
    pub reserved: i32,
    pub on_progress: Option<gemma4_progress>,
    pub on_progress_user: *mut c_void,
    pub canceller: *const gemma4_canceller,
    pub embedding_storage: i32,
    pub layer_storage: i32,
    pub log: Option<gemma4_log>,
    pub log_user: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_chat_options {
    pub struct_size: u64,
    pub thinking: i32,
    pub preserve_thinking: i32,
    pub no_generation_prompt: i32,
    pub reserved: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_generate_options {
    pub struct_size: u64,
    pub sampling: *const gemma4_sampling,
    pub max_tokens: u32,
    pub ignore_end_of_generation: i32,
    pub stop: *const gemma4_text,
    pub stop_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_event {
    pub struct_size: u64,
    pub kind: i32,
    pub finish_reason: i32,
    pub text: gemma4_text,
    pub tool_name: gemma4_text,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_statistics {
    pub struct_size: u64,
    pub prefill_tokens: u64,
    pub prefill_ns: u64,
    pub decode_tokens: u64,
    pub decode_ns: u64,
    pub target_steps: u64,
    pub drafted: u64,
    pub accepted: u64,
    pub draft_ns: u64,
    pub verify_ns: u64,
    pub offered_at: [u64; 16],
    pub accepted_at: [u64; 16],
    pub depths: [u64; 16],
    pub prefill_tokens_per_second: f64,
    pub decode_tokens_per_second: f64,
    pub tokens_per_target_step: f64,
    pub speedup_over_plain: f64,
    pub reused_tokens: u64,
    pub shifts: u64,
    pub dropped_tokens: u64,
    pub reprocessed_tokens: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct gemma4_batch_options {
    pub struct_size: u64,
    pub rows: u32,
    pub context_tokens: u32,
}

extern "C" {
    pub fn gemma4_version() -> *const c_char;
    pub fn gemma4_abi_version() -> u32;
    pub fn gemma4_build_info() -> *const c_char;
    pub fn gemma4_status_name(status: gemma4_status) -> *const c_char;
    pub fn gemma4_isa_name(isa: i32) -> *const c_char;
    pub fn gemma4_canceller_create(
        out: *mut *mut gemma4_canceller,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_canceller_cancel(canceller: *const gemma4_canceller);
    pub fn gemma4_canceller_destroy(canceller: *mut gemma4_canceller);
    pub fn gemma4_model_load(
        path: *const c_char,
        path_bytes: usize,
        options: *const gemma4_load_options,
        out: *mut *mut gemma4_model,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_model_destroy(model: *mut gemma4_model);
    pub fn gemma4_model_describe(
        model: *const gemma4_model,
        out: *mut gemma4_model_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_model_describe_assistant(
        model: *const gemma4_model,
        out: *mut gemma4_assistant_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_model_describe_layer(
        model: *const gemma4_model,
        layer: u32,
        out: *mut gemma4_layer_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_model_describe_assistant_layer(
        model: *const gemma4_model,
        layer: u32,
        out: *mut gemma4_layer_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_model_recommended_sampling(
        model: *const gemma4_model,
        out: *mut gemma4_sampling,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_draft_add(draft: *mut gemma4_draft, token: gemma4_token, confidence: f32) -> i32;
    pub fn gemma4_draft_ask_own(
        draft: *mut gemma4_draft,
        tokens: *mut gemma4_token,
        confidences: *mut f32,
        capacity: u32,
    ) -> u32;
    pub fn gemma4_model_prefix_statistics(
        model: *const gemma4_model,
        out: *mut gemma4_prefix_statistics,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_batch_create(
        model: *const gemma4_model,
        options: *const gemma4_batch_options,
        out: *mut *mut gemma4_batch,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_batch_destroy(batch: *mut gemma4_batch);
    pub fn gemma4_batch_plan(
        model: *const gemma4_model,
        options: *const gemma4_batch_options,
        out: *mut gemma4_memory_plan,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_batch_evaluate(
        batch: *mut gemma4_batch,
        sessions: *const *mut gemma4_session,
        count: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_batch_cancel(batch: *const gemma4_batch);
    pub fn gemma4_model_plan(
        model: *const gemma4_model,
        options: *const gemma4_session_options,
        out: *mut gemma4_memory_plan,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_create(
        path: *const c_char,
        path_bytes: usize,
        assistant_path: *const c_char,
        assistant_path_bytes: usize,
        options: *const gemma4_session_options,
        out: *mut *mut gemma4_inspection,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_create_for(
        path: *const c_char,
        path_bytes: usize,
        load: *const gemma4_load_options,
        options: *const gemma4_session_options,
        out: *mut *mut gemma4_inspection,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_describe_embedding(
        inspection: *const gemma4_inspection,
        out: *mut gemma4_tensor_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_note(
        inspection: *const gemma4_inspection,
        note: usize,
        text: *mut gemma4_text,
        count: *mut usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_destroy(inspection: *mut gemma4_inspection);
    pub fn gemma4_inspection_plan(
        inspection: *const gemma4_inspection,
        out: *mut gemma4_memory_plan,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_describe(
        inspection: *const gemma4_inspection,
        out: *mut gemma4_model_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_describe_assistant(
        inspection: *const gemma4_inspection,
        out: *mut gemma4_assistant_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_describe_layer(
        inspection: *const gemma4_inspection,
        layer: u32,
        out: *mut gemma4_layer_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_describe_assistant_layer(
        inspection: *const gemma4_inspection,
        layer: u32,
        out: *mut gemma4_layer_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_recommended_sampling(
        inspection: *const gemma4_inspection,
        out: *mut gemma4_sampling,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_inspection_describe_tensor(
        inspection: *const gemma4_inspection,
        tensor: u64,
        out: *mut gemma4_tensor_info,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_pack(
        path: *const c_char,
        path_bytes: usize,
        out_path: *const c_char,
        out_path_bytes: usize,
        options: *const gemma4_pack_options,
        bytes: *mut u64,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_verify_packed(
        path: *const c_char,
        path_bytes: usize,
        options: *const gemma4_pack_options,
        bytes: *mut u64,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_tokenizer_load(
        path: *const c_char,
        path_bytes: usize,
        out: *mut *mut gemma4_tokenizer,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_tokenizer_of(
        model: *const gemma4_model,
        out: *mut *mut gemma4_tokenizer,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_tokenizer_destroy(tokenizer: *mut gemma4_tokenizer);
    pub fn gemma4_tokenizer_encode(
        tokenizer: *const gemma4_tokenizer,
        text: *const c_char,
        text_bytes: usize,
        special: i32,
        tokens: *mut gemma4_token,
        capacity: usize,
        count: *mut usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_tokenizer_decode(
        tokenizer: *const gemma4_tokenizer,
        tokens: *const gemma4_token,
        count: usize,
        special: i32,
        text: *mut c_char,
        capacity: usize,
        bytes: *mut usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_tokenizer_vocabulary_size(tokenizer: *const gemma4_tokenizer) -> i32;
    pub fn gemma4_tokenizer_bos(tokenizer: *const gemma4_tokenizer) -> gemma4_token;
    pub fn gemma4_tokenizer_ends_generation(
        tokenizer: *const gemma4_tokenizer,
        token: gemma4_token,
    ) -> i32;
    pub fn gemma4_chat_create(
        out: *mut *mut gemma4_chat,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_chat_destroy(chat: *mut gemma4_chat);
    pub fn gemma4_chat_add(
        chat: *mut gemma4_chat,
        role: *const c_char,
        role_bytes: usize,
        content: *const c_char,
        content_bytes: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_chat_add_tool_response(
        chat: *mut gemma4_chat,
        name: *const c_char,
        name_bytes: usize,
        response: *const c_char,
        response_bytes: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_chat_add_json(
        chat: *mut gemma4_chat,
        json: *const c_char,
        json_bytes: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_chat_declare_tool(
        chat: *mut gemma4_chat,
        json: *const c_char,
        json_bytes: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_chat_set_options(
        chat: *mut gemma4_chat,
        options: *const gemma4_chat_options,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_create(
        model: *const gemma4_model,
        options: *const gemma4_session_options,
        out: *mut *mut gemma4_session,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_destroy(session: *mut gemma4_session);
    pub fn gemma4_session_append_chat(
        session: *mut gemma4_session,
        chat: *const gemma4_chat,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_append_message(
        session: *mut gemma4_session,
        role: *const c_char,
        role_bytes: usize,
        content: *const c_char,
        content_bytes: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_append_text(
        session: *mut gemma4_session,
        text: *const c_char,
        text_bytes: usize,
        special: i32,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_append_tokens(
        session: *mut gemma4_session,
        tokens: *const gemma4_token,
        count: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_activations_name(activations: i32) -> *const c_char;
    pub fn gemma4_finish_reason_name(finish_reason: i32) -> *const c_char;
    pub fn gemma4_session_generate(
        session: *mut gemma4_session,
        options: *const gemma4_generate_options,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_next(
        session: *mut gemma4_session,
        event: *mut gemma4_event,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_next_ready(
        session: *mut gemma4_session,
        event: *mut gemma4_event,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_stop(
        session: *mut gemma4_session,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_stream(
        session: *mut gemma4_session,
        options: *const gemma4_generate_options,
        on_event: Option<gemma4_on_event>,
        user: *mut c_void,
        finish_reason: *mut i32,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_prefill(
        session: *mut gemma4_session,
        on_tokens: Option<gemma4_on_tokens>,
        user: *mut c_void,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_prefill_tokens(
        session: *mut gemma4_session,
        tokens: *const gemma4_token,
        count: usize,
        on_logits: Option<gemma4_on_logits>,
        user: *mut c_void,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_logits(
        session: *mut gemma4_session,
        logits: *mut *const f32,
        count: *mut usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_decode_step(
        session: *mut gemma4_session,
        sampling: *const gemma4_sampling,
        token: *mut gemma4_token,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_rewind(
        session: *mut gemma4_session,
        position: u32,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_earliest_rewind(
        session: *mut gemma4_session,
        position: *mut u32,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_fork(
        session: *mut gemma4_session,
        out: *mut *mut gemma4_session,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_save(
        session: *mut gemma4_session,
        path: *const c_char,
        path_bytes: usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_save_to(
        session: *mut gemma4_session,
        write: Option<gemma4_write>,
        user: *mut c_void,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_restore(
        model: *const gemma4_model,
        path: *const c_char,
        path_bytes: usize,
        options: *const gemma4_session_options,
        canceller: *const gemma4_canceller,
        out: *mut *mut gemma4_session,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_restore_from(
        model: *const gemma4_model,
        read: Option<gemma4_read>,
        user: *mut c_void,
        options: *const gemma4_session_options,
        canceller: *const gemma4_canceller,
        out: *mut *mut gemma4_session,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_cancel(session: *const gemma4_session);
    pub fn gemma4_session_tokens(
        session: *mut gemma4_session,
        tokens: *mut *const gemma4_token,
        count: *mut usize,
        error: *mut gemma4_error,
    ) -> gemma4_status;
    pub fn gemma4_session_context_tokens(session: *const gemma4_session) -> u32;
    pub fn gemma4_session_statistics(
        session: *mut gemma4_session,
        out: *mut gemma4_statistics,
        error: *mut gemma4_error,
    ) -> gemma4_status;
}
