/* Values that cannot be, field by field, and a struct_size that cannot be, struct by struct: a
 * status that names the field, and nothing else happens. */
#include <math.h>

#include "check.h"

static void in_turn(void* user, int32_t count, void (*call)(void* context, int32_t index),
                    void* context) {
  (void)user;
  for (int32_t i = 0; i < count; ++i) call(context, i);
}

static void* allocate(void* user, uint64_t bytes, uint64_t alignment) {
  (void)user, (void)bytes, (void)alignment;
  return NULL;
}

static void deallocate(void* user, void* memory, uint64_t bytes, uint64_t alignment) {
  (void)user, (void)memory, (void)bytes, (void)alignment;
}

/* GARBAGE(struct, how it is used, field, value, what the message names) */
#define GARBAGE(type, use, field, value, text)                      \
  do {                                                              \
    type with = {.struct_size = sizeof with};                       \
    with.field = (value);                                           \
    CHECK_FAILS(use(&with), GEMMA4_ERROR_INVALID_ARGUMENT, (text)); \
  } while (0)

static gemma4_model* model;
static gemma4_session* session;
static gemma4_chat* chat;
static gemma4_error error = {.struct_size = sizeof error};

static gemma4_status load(const gemma4_load_options* options) {
  gemma4_model* out = NULL;
  const gemma4_status status = gemma4_model_load(TINY, GEMMA4_TEXT, options, &out, &error);
  CHECK(out == NULL);
  return status;
}

static gemma4_status load_on(const gemma4_executor* executor) {
  const gemma4_load_options options = {.struct_size = sizeof options, .executor = executor};
  return load(&options);
}

static gemma4_status load_in(const gemma4_allocator* allocator) {
  const gemma4_load_options options = {.struct_size = sizeof options, .allocator = allocator};
  return load(&options);
}

static gemma4_status inspect(const gemma4_load_options* options) {
  gemma4_inspection* out = NULL;
  return gemma4_inspection_create_for(TINY, GEMMA4_TEXT, options, NULL, &out, &error);
}

static gemma4_status pack(const gemma4_pack_options* options) {
  return gemma4_pack(TINY, GEMMA4_TEXT, "/nowhere/model.g4pack", GEMMA4_TEXT, options, NULL,
                     &error);
}

static gemma4_status verify(const gemma4_pack_options* options) {
  return gemma4_verify_packed(TINY, GEMMA4_TEXT, options, NULL, &error);
}

static gemma4_status create(const gemma4_session_options* options) {
  gemma4_session* out = NULL;
  const gemma4_status status = gemma4_session_create(model, options, &out, &error);
  CHECK(out == NULL);
  return status;
}

static gemma4_status plan(const gemma4_session_options* options) {
  gemma4_memory_plan out = {.struct_size = sizeof out};
  return gemma4_model_plan(model, options, &out, &error);
}

static gemma4_status create_with(const gemma4_drafter* drafter) {
  const gemma4_session_options options = {.struct_size = sizeof options,
                                          .depth = 1,
                                          .drafter = GEMMA4_DRAFTER_CUSTOM,
                                          .drafter_functions = drafter};
  return create(&options);
}

static gemma4_status step(const gemma4_sampling* sampling) {
  gemma4_token token = 0;
  return gemma4_session_decode_step(session, sampling, &token, &error);
}

static gemma4_status generate(const gemma4_generate_options* options) {
  return gemma4_session_generate(session, options, &error);
}

static gemma4_status generate_by(const gemma4_sampling* sampling) {
  const gemma4_generate_options options = {.struct_size = sizeof options, .sampling = sampling};
  return generate(&options);
}

static gemma4_status set_chat(const gemma4_chat_options* options) {
  return gemma4_chat_set_options(chat, options, &error);
}

static gemma4_status create_batch(const gemma4_batch_options* options) {
  gemma4_batch* out = NULL;
  return gemma4_batch_create(model, options, &out, &error);
}

static gemma4_status plan_batch(const gemma4_batch_options* options) {
  gemma4_memory_plan out = {.struct_size = sizeof out};
  return gemma4_batch_plan(model, options, &out, &error);
}

static void test_loading(void) {
  const int32_t enums[] = {-1, 4, 99, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof enums / sizeof *enums; ++i) {
    GARBAGE(gemma4_load_options, load, prefill, enums[i], "prefill");
    GARBAGE(gemma4_load_options, load, activations, enums[i], "activations");
    GARBAGE(gemma4_load_options, load, embedding_storage, enums[i], "storage");
    GARBAGE(gemma4_load_options, load, layer_storage, enums[i], "storage");
    GARBAGE(gemma4_load_options, load, assistant_embedding_storage, enums[i], "storage");
    GARBAGE(gemma4_load_options, load, assistant_layer_storage, enums[i], "storage");
    GARBAGE(gemma4_load_options, inspect, activations, enums[i], "activations");
    GARBAGE(gemma4_load_options, inspect, layer_storage, enums[i], "storage");
    GARBAGE(gemma4_pack_options, pack, embedding_storage, enums[i], "storage");
    GARBAGE(gemma4_pack_options, pack, layer_storage, enums[i], "storage");
    gemma4_load_options isa = {.struct_size = sizeof isa, .isa = enums[i] == 4 ? 6 : enums[i]};
    CHECK_FAILS(load(&isa), GEMMA4_ERROR_UNSUPPORTED, "isa");
  }
  const int32_t threads[] = {-1, 1025, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof threads / sizeof *threads; ++i) {
    GARBAGE(gemma4_load_options, load, threads, threads[i], "threads");
    GARBAGE(gemma4_pack_options, pack, threads, threads[i], "threads");
    gemma4_executor executor = {
        .struct_size = sizeof executor, .concurrency = threads[i], .parallel_for = in_turn};
    CHECK_FAILS(load_on(&executor), GEMMA4_ERROR_INVALID_ARGUMENT, "executor.concurrency");
  }
  GARBAGE(gemma4_pack_options, pack, reserved, 1, "reserved");
  GARBAGE(gemma4_executor, load_on, concurrency, 1, "executor.parallel_for");
  const gemma4_executor reserved = {
      .struct_size = sizeof reserved, .concurrency = 1, .reserved = 1, .parallel_for = in_turn};
  CHECK_FAILS(load_on(&reserved), GEMMA4_ERROR_INVALID_ARGUMENT, "executor.reserved");
  GARBAGE(gemma4_load_options, load, packed_path, "", "packed_path");
  GARBAGE(gemma4_load_options, load, assistant_path, "", "assistant_path");
  const gemma4_load_options zero = {
      .struct_size = sizeof zero, .assistant_path = "a\0b", .assistant_path_bytes = 3};
  CHECK_FAILS(load(&zero), GEMMA4_ERROR_INVALID_ARGUMENT, "assistant_path");
}

static void test_sessions(void) {
  const int32_t enums[] = {-1, 5, 99, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof enums / sizeof *enums; ++i) {
    GARBAGE(gemma4_session_options, create, kv, enums[i], "kv");
    GARBAGE(gemma4_session_options, create, drafter, enums[i], "drafter");
    GARBAGE(gemma4_session_options, create, context_policy, enums[i], "context_policy");
    GARBAGE(gemma4_session_options, plan, kv, enums[i], "kv");
    GARBAGE(gemma4_session_options, plan, drafter, enums[i], "drafter");
    GARBAGE(gemma4_session_options, plan, context_policy, enums[i], "context_policy");
    GARBAGE(gemma4_session_options, create, reserved, enums[i], "reserved");
    gemma4_token token = 0;
    CHECK_FAILS(gemma4_session_append_text(session, "a", 1, enums[i], &error),
                GEMMA4_ERROR_INVALID_ARGUMENT, "special");
    token = enums[i] < 0 ? enums[i] : INT32_MAX;
    CHECK_FAILS(gemma4_session_append_tokens(session, &token, 1, &error),
                GEMMA4_ERROR_INVALID_ARGUMENT, "token");
  }
  const int32_t depths[] = {-2, GEMMA4_MOST_DRAFTS + 1, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof depths / sizeof *depths; ++i)
    GARBAGE(gemma4_session_options, create, depth, depths[i], "depth");
  GARBAGE(gemma4_session_options, create, context_tokens, UINT32_MAX, "context_tokens");
  GARBAGE(gemma4_session_options, create, prefill_chunk_tokens, 257, "prefill_chunk_tokens");
  GARBAGE(gemma4_session_options, create, prefill_chunk_tokens, UINT32_MAX, "prefill_chunk_tokens");
  const gemma4_session_options keep = {.struct_size = sizeof keep,
                                       .context_policy = GEMMA4_CONTEXT_SHIFT,
                                       .keep_first_tokens = UINT32_MAX};
  CHECK_FAILS(create(&keep), GEMMA4_ERROR_INVALID_ARGUMENT, "keep_first_tokens");
  GARBAGE(gemma4_drafter, create_with, user, NULL, "drafter_functions.propose");

  const uint32_t rows[] = {1, 7, 257, UINT32_MAX};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    GARBAGE(gemma4_batch_options, create_batch, rows, rows[i], "rows");
    GARBAGE(gemma4_batch_options, plan_batch, rows, rows[i], "rows");
  }
  GARBAGE(gemma4_batch_options, create_batch, context_tokens, UINT32_MAX, "context_tokens");
  GARBAGE(gemma4_chat_options, set_chat, thinking, 2, "thinking");
  GARBAGE(gemma4_chat_options, set_chat, preserve_thinking, -1, "preserve_thinking");
  GARBAGE(gemma4_chat_options, set_chat, no_generation_prompt, INT32_MAX, "no_generation_prompt");
  GARBAGE(gemma4_chat_options, set_chat, reserved, 1, "reserved");
}

/* By both ways that take it. */
#define NEVER(field, value)                                      \
  do {                                                           \
    GARBAGE(gemma4_sampling, step, field, value, #field);        \
    GARBAGE(gemma4_sampling, generate_by, field, value, #field); \
  } while (0)

static void test_sampling(void) {
  const float never[] = {NAN, -NAN, INFINITY, -INFINITY, -1, -1e-30f};
  for (size_t i = 0; i < sizeof never / sizeof *never; ++i) {
    NEVER(temperature, never[i]);
    NEVER(top_p, never[i]);
    NEVER(min_p, never[i]);
    NEVER(repetition_penalty, never[i]);
    if (i < 4) NEVER(presence_penalty, never[i]);
    if (i < 4) NEVER(frequency_penalty, never[i]);
  }
  NEVER(top_p, 1.5f);
  NEVER(min_p, 1.5f);
  NEVER(top_k, -1);
  NEVER(top_k, INT32_MIN);
  NEVER(penalty_window, -2);
  NEVER(penalty_window, INT32_MIN);
  GARBAGE(gemma4_sampling, step, logit_bias_count, 1, "logit_bias");
  GARBAGE(gemma4_sampling, step, logit_bias_count, SIZE_MAX, "logit_bias");
  GARBAGE(gemma4_sampling, step, suppress_count, 1, "suppress");
  GARBAGE(gemma4_sampling, step, suppress_count, SIZE_MAX, "suppress");
  const float biases[] = {NAN, INFINITY};
  const gemma4_token tokens[] = {-1, 1536, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; ++i) {
    const gemma4_logit_bias bias = {i < 2 ? 1 : tokens[i], i < 2 ? biases[i] : 1.0f};
    const gemma4_sampling biased = {
        .struct_size = sizeof biased, .logit_bias = &bias, .logit_bias_count = 1};
    CHECK_FAILS(step(&biased), GEMMA4_ERROR_INVALID_ARGUMENT, "logit_bias");
    const gemma4_sampling suppressed = {
        .struct_size = sizeof suppressed, .suppress = &tokens[i], .suppress_count = 1};
    CHECK_FAILS(step(&suppressed), GEMMA4_ERROR_INVALID_ARGUMENT, "suppress");
  }
  GARBAGE(gemma4_generate_options, generate, ignore_end_of_generation, 2,
          "ignore_end_of_generation");
  GARBAGE(gemma4_generate_options, generate, stop_count, 1, "stop");
  GARBAGE(gemma4_generate_options, generate, stop_count, SIZE_MAX, "stop");
  const gemma4_text stops[] = {{"", 0}, {NULL, 1}, {"a", SIZE_MAX - 1}};
  for (size_t i = 0; i < sizeof stops / sizeof *stops; ++i) {
    const gemma4_generate_options stop = {
        .struct_size = sizeof stop, .stop = &stops[i], .stop_count = 1};
    CHECK_FAILS(generate(&stop), GEMMA4_ERROR_INVALID_ARGUMENT, "stop");
  }
}

/* SIZED(struct, how it is used): with a struct_size that cannot be. */
#define SIZED(type, ...)                                              \
  do {                                                                \
    static const uint64_t sizes[] = {0, 1, 7, 65537, UINT64_MAX};     \
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {       \
      type with = {.struct_size = sizes[i]};                          \
      CHECK_FAILS(__VA_ARGS__, GEMMA4_ERROR_INVALID_ARGUMENT, #type); \
      CHECK(with.struct_size == sizes[i]);                            \
    }                                                                 \
  } while (0)

static void test_sizes(gemma4_inspection* inspection, gemma4_model* paired) {
  SIZED(gemma4_load_options, load(&with));
  SIZED(gemma4_load_options, inspect(&with));
  SIZED(gemma4_executor, load_on(&with));
  SIZED(gemma4_allocator, load_in(&with));
  SIZED(gemma4_pack_options, pack(&with));
  SIZED(gemma4_pack_options, verify(&with));
  SIZED(gemma4_session_options, create(&with));
  SIZED(gemma4_session_options, plan(&with));
  SIZED(gemma4_drafter, create_with(&with));
  SIZED(gemma4_sampling, step(&with));
  SIZED(gemma4_sampling, generate_by(&with));
  SIZED(gemma4_generate_options, generate(&with));
  SIZED(gemma4_chat_options, set_chat(&with));
  SIZED(gemma4_batch_options, create_batch(&with));
  SIZED(gemma4_batch_options, plan_batch(&with));
  SIZED(gemma4_model_info, gemma4_model_describe(model, &with, &error));
  SIZED(gemma4_model_info, gemma4_inspection_describe(inspection, &with, &error));
  SIZED(gemma4_assistant_info, gemma4_model_describe_assistant(paired, &with, &error));
  SIZED(gemma4_layer_info, gemma4_model_describe_layer(model, 0, &with, &error));
  SIZED(gemma4_layer_info, gemma4_model_describe_assistant_layer(paired, 0, &with, &error));
  SIZED(gemma4_sampling, gemma4_model_recommended_sampling(model, &with, &error));
  SIZED(gemma4_memory_plan, gemma4_model_plan(model, NULL, &with, &error));
  SIZED(gemma4_memory_plan, gemma4_batch_plan(model, NULL, &with, &error));
  SIZED(gemma4_prefix_statistics, gemma4_model_prefix_statistics(model, &with, &error));
  SIZED(gemma4_tensor_info, gemma4_inspection_describe_tensor(inspection, 0, &with, &error));
  SIZED(gemma4_event, gemma4_session_next(session, &with, &error));
  SIZED(gemma4_event, gemma4_session_next_ready(session, &with, &error));
  SIZED(gemma4_statistics, gemma4_session_statistics(session, &with, &error));
}

void test_garbage(void) {
  gemma4_inspection* inspection = NULL;
  gemma4_model* paired = load_tiny(1);
  model = load_tiny(0);
  CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
  CHECK_OK(gemma4_chat_create(&chat, &error));
  CHECK_OK(gemma4_inspection_create(TINY, GEMMA4_TEXT, NULL, 0, NULL, &inspection, &error));
  CHECK_OK(gemma4_session_append_text(session, "Once", GEMMA4_TEXT, 0, &error));
  test_loading();
  test_sessions();
  test_sampling();
  test_sizes(inspection, paired);
  const gemma4_allocator none = {
      .struct_size = sizeof none, .allocate = allocate, .deallocate = deallocate};
  CHECK(load_in(&none) == GEMMA4_ERROR_OUT_OF_MEMORY);

  /* the session is as it was */
  const gemma4_token* tokens = NULL;
  size_t count = 0;
  CHECK_OK(gemma4_session_tokens(session, &tokens, &count, &error));
  CHECK(count > 1 && tokens[0] == 2);
  CHECK_OK(gemma4_session_rewind(session, 0, &error));
  answer given;
  CHECK_OK(ask(session, "What is 34 + 17?", NULL, &given, &error));
  CHECK(strstr(given.text, "51") != NULL);
  gemma4_inspection_destroy(inspection);
  gemma4_chat_destroy(chat);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  gemma4_model_destroy(paired);
}
