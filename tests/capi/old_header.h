/* The declarations that older_test.c needs, as the first version of gemma4.h had them. Kept as they
 * were, for ever: programs compiled with them are in use, and the structs of the present header,
 * which have grown since, run with them. Do not include gemma4.h beside it. */
#ifndef GEMMA4_OLD_HEADER_H
#define GEMMA4_OLD_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define GEMMA4_TEXT SIZE_MAX
#define GEMMA4_ABI_VERSION 1
enum { GEMMA4_OK = 0, GEMMA4_EVENT_TEXT = 1, GEMMA4_EVENT_END = 4, GEMMA4_FINISH_STOP = 1 };

typedef int32_t gemma4_status;
typedef int32_t gemma4_token;
typedef struct gemma4_canceller gemma4_canceller;
typedef struct gemma4_model gemma4_model;
typedef struct gemma4_session gemma4_session;
typedef struct gemma4_executor gemma4_executor;
typedef int32_t (*gemma4_progress)(void* user, uint64_t done_bytes, uint64_t total_bytes);

typedef struct gemma4_error {
  uint64_t struct_size;
  gemma4_status status;
  uint32_t message_bytes;
  char message[1008];
} gemma4_error;

typedef struct gemma4_text {
  const char* data;
  size_t bytes;
} gemma4_text;

typedef struct gemma4_load_options {
  uint64_t struct_size;
  int32_t threads;
  int32_t isa;
  uint64_t memory_budget_bytes;
  const char* assistant_path;
  size_t assistant_path_bytes;
  const char* packed_path;
  size_t packed_path_bytes;
  gemma4_progress on_progress;
  void* on_progress_user;
  const gemma4_canceller* canceller;
  const gemma4_executor* executor;
  int32_t prefill;
  int32_t reserved;
} gemma4_load_options;

typedef struct gemma4_session_options {
  uint64_t struct_size;
  uint32_t context_tokens;
  int32_t kv;
  uint32_t prefill_chunk_tokens;
  int32_t depth;
  uint64_t memory_budget_bytes;
  int32_t drafter;
  int32_t reserved;
  const void* drafter_functions;
} gemma4_session_options;

typedef struct gemma4_memory_plan {
  uint64_t struct_size;
  uint64_t weights_bytes;
  uint64_t assistant_bytes;
  uint64_t kv_bytes;
  uint64_t workspace_bytes;
  uint64_t total_bytes;
} gemma4_memory_plan;

typedef struct gemma4_generate_options {
  uint64_t struct_size;
  const void* sampling;
  uint32_t max_tokens;
  int32_t ignore_end_of_generation;
  const gemma4_text* stop;
  size_t stop_count;
} gemma4_generate_options;

typedef struct gemma4_event {
  uint64_t struct_size;
  int32_t kind;
  int32_t finish_reason;
  gemma4_text text;
  gemma4_text tool_name;
} gemma4_event;

typedef struct gemma4_statistics {
  uint64_t struct_size;
  uint64_t prefill_tokens;
  uint64_t prefill_ns;
  uint64_t decode_tokens;
  uint64_t decode_ns;
  uint64_t target_steps;
  uint64_t drafted;
  uint64_t accepted;
  uint64_t draft_ns;
  uint64_t verify_ns;
  uint64_t offered_at[16], accepted_at[16];
  uint64_t depths[16];
  double prefill_tokens_per_second, decode_tokens_per_second;
  double tokens_per_target_step;
  double speedup_over_plain;
} gemma4_statistics;

uint32_t gemma4_abi_version(void);
gemma4_status gemma4_model_load(const char* path, size_t path_bytes,
                                const gemma4_load_options* options, gemma4_model** out,
                                gemma4_error* error);
void gemma4_model_destroy(gemma4_model* model);
gemma4_status gemma4_model_plan(const gemma4_model* model, const gemma4_session_options* options,
                                gemma4_memory_plan* out, gemma4_error* error);
gemma4_status gemma4_session_create(const gemma4_model* model,
                                    const gemma4_session_options* options, gemma4_session** out,
                                    gemma4_error* error);
void gemma4_session_destroy(gemma4_session* session);
gemma4_status gemma4_session_append_message(gemma4_session* session, const char* role,
                                            size_t role_bytes, const char* content,
                                            size_t content_bytes, gemma4_error* error);
gemma4_status gemma4_session_generate(gemma4_session* session,
                                      const gemma4_generate_options* options, gemma4_error* error);
gemma4_status gemma4_session_next(gemma4_session* session, gemma4_event* event,
                                  gemma4_error* error);
gemma4_status gemma4_session_rewind(gemma4_session* session, uint32_t position,
                                    gemma4_error* error);
gemma4_status gemma4_session_statistics(gemma4_session* session, gemma4_statistics* out,
                                        gemma4_error* error);

#endif
