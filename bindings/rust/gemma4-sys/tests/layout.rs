//! The declarations against the tables that the library's own tests keep.
use gemma4_sys::*;
use std::mem::{offset_of, size_of};

const LAYOUT: &str = include_str!("../../../../tests/capi/layout.txt");
const EXPORTS: &str = include_str!("../../../../tests/capi/exports.txt");
const DECLARATIONS: &str = include_str!("../src/lib.rs");

/// The table's lines of one struct: its size, then fields by name and offset.
fn expected(name: &str) -> Vec<(String, usize)> {
    let mut lines = LAYOUT.lines().skip_while(|line| line.split(' ').next() != Some(name));
    let number = |word: Option<&str>| word.and_then(|word| word.parse().ok()).expect("a number");
    let size = number(lines.next().expect("the struct").split(' ').nth(1));
    let mut table = vec![("size".to_string(), size)];
    for line in lines.take_while(|line| line.starts_with("  ")) {
        let mut words = line.trim().split(' ');
        table.push((words.next().unwrap().to_string(), number(words.next())));
    }
    table
}

macro_rules! compare {
    ($name:ident: $($field:ident),+) => {
        let found = vec![
            ("size".to_string(), size_of::<$name>()),
            $((stringify!($field).trim_start_matches("r#").to_string(), offset_of!($name, $field))),+
        ];
        assert_eq!(found, expected(stringify!($name)), stringify!($name));
    };
}

#[test]
fn structs_lie_as_in_the_library() {
    compare!(gemma4_error: struct_size, status, message_bytes, message);
    compare!(gemma4_text: data, bytes);
    compare!(gemma4_executor: struct_size, user, concurrency, reserved, parallel_for, release);
    compare!(gemma4_allocator: struct_size, user, allocate, deallocate, release);
    compare!(gemma4_load_options: struct_size, threads, isa, memory_budget_bytes, assistant_path, assistant_path_bytes, packed_path, packed_path_bytes, on_progress, on_progress_user, canceller, executor, prefill, activations, prefix_cache_bytes, embedding_storage, layer_storage, assistant_embedding_storage, assistant_layer_storage, allocator, log, log_user);
    compare!(gemma4_model_info: struct_size, architecture, name, path, packed_path, parameters, file_bytes, tensors, layers, hidden_size, query_heads, vocabulary_size, context_limit, sliding_window, logit_softcap, norm_epsilon, rope_base, rope_base_sliding, isa, threads, has_assistant, activations);
    compare!(gemma4_assistant_info: struct_size, name, path, packed_path, parameters, file_bytes, tensors, layers, hidden_size, query_heads, centroids, activations, reserved);
    compare!(gemma4_layer_info: struct_size, full_attention, shares_kv_projection, kv_heads, head_size, feed_forward, reserved);
    compare!(gemma4_logit_bias: token, bias);
    compare!(gemma4_sampling: struct_size, seed, temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, penalty_window, logit_bias, logit_bias_count, suppress, suppress_count);
    compare!(gemma4_draft_request: struct_size, tokens, token_count, temperature, most, sampling);
    compare!(gemma4_drafter: struct_size, user, propose, verified, rewound, release);
    compare!(gemma4_session_options: struct_size, context_tokens, kv, prefill_chunk_tokens, depth, memory_budget_bytes, drafter, reserved, drafter_functions, context_policy, keep_first_tokens);
    compare!(gemma4_memory_plan: struct_size, weights_bytes, assistant_bytes, kv_bytes, workspace_bytes, total_bytes, prefix_cache_bytes);
    compare!(gemma4_prefix_statistics: struct_size, budget_bytes, held_bytes, held_tokens, lookups, hits, reused_tokens, evicted_tokens);
    compare!(gemma4_tensor_info: struct_size, name, r#type, shape, bytes);
    compare!(gemma4_pack_options: struct_size, threads, reserved, on_progress, on_progress_user, canceller, embedding_storage, layer_storage, log, log_user);
    compare!(gemma4_chat_options: struct_size, thinking, preserve_thinking, no_generation_prompt, reserved);
    compare!(gemma4_generate_options: struct_size, sampling, max_tokens, ignore_end_of_generation, stop, stop_count);
    compare!(gemma4_event: struct_size, kind, finish_reason, text, tool_name);
    compare!(gemma4_statistics: struct_size, prefill_tokens, prefill_ns, decode_tokens, decode_ns, target_steps, drafted, accepted, draft_ns, verify_ns, offered_at, accepted_at, depths, prefill_tokens_per_second, decode_tokens_per_second, tokens_per_target_step, speedup_over_plain, reused_tokens, shifts, dropped_tokens, reprocessed_tokens);
    compare!(gemma4_batch_options: struct_size, rows, context_tokens);
}

#[test]
fn every_exported_function_is_declared() {
    for name in EXPORTS.lines() {
        assert!(DECLARATIONS.contains(&format!("pub fn {name}(")), "{name}");
    }
    assert_eq!(DECLARATIONS.matches("pub fn ").count(), EXPORTS.lines().count());
}

#[test]
fn constants_are_those_of_the_header() {
    for line in LAYOUT.lines().filter(|line| line.contains(" = ")) {
        let (name, value) = line.split_once(" = ").unwrap();
        assert!(DECLARATIONS.contains(&format!("pub const {name}: i32 = {value};")), "{line}");
    }
}
