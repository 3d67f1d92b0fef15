/* Loading, describing, planning, packing. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static int is_text(gemma4_text text, const char* expected) {
  return text.bytes == strlen(expected) && memcmp(text.data, expected, text.bytes) == 0;
}

/* A folder whose embedding is BF16, as it is and quantised while it is read: the inspection says
 * what the load then takes. */
static void test_storage(void) {
  const char* const folder = GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny";
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_load_options load = {
      .struct_size = sizeof load, .threads = 2, .prefix_cache_bytes = 1 << 20};
  uint64_t weights_bytes[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    gemma4_inspection* inspection = NULL;
    gemma4_model* model = NULL;
    gemma4_memory_plan plan = {.struct_size = sizeof plan}, loaded = {.struct_size = sizeof loaded};
    gemma4_tensor_info embedding = {.struct_size = sizeof embedding};
    load.embedding_storage = i == 0 ? GEMMA4_STORED_EXACT : GEMMA4_STORED_Q8_0;
    CHECK_OK(gemma4_inspection_create_for(folder, GEMMA4_TEXT, &load, NULL, &inspection, &error));
    CHECK_OK(gemma4_inspection_plan(inspection, &plan, &error));
    CHECK_OK(gemma4_inspection_describe_embedding(inspection, &embedding, &error));
    CHECK(is_text(embedding.type, i == 0 ? "BF16" : "Q8_0") && embedding.bytes > 0);
    gemma4_text note = {NULL, 1};
    size_t count = 77;
    CHECK_OK(gemma4_inspection_note(inspection, 1000, &note, &count, &error));
    CHECK(note.data != NULL && note.bytes == 0 && count < 1000);
    CHECK_OK(gemma4_model_load(folder, GEMMA4_TEXT, &load, &model, &error));
    CHECK_OK(gemma4_model_plan(model, NULL, &loaded, &error));
    CHECK(memcmp(&plan, &loaded, sizeof plan) == 0);
    weights_bytes[i] = plan.weights_bytes;
    gemma4_model_destroy(model);
    gemma4_inspection_destroy(inspection);
  }
  CHECK(weights_bytes[1] < weights_bytes[0]);
}

void test_files(void) {
  test_storage();
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_inspection* inspection = NULL;
  CHECK_OK(gemma4_inspection_create(TINY, GEMMA4_TEXT, TINY_ASSISTANT, GEMMA4_TEXT, NULL,
                                    &inspection, &error));
  gemma4_model_info info = {.struct_size = sizeof info};
  CHECK_OK(gemma4_inspection_describe(inspection, &info, &error));
  CHECK(info.architecture.bytes == 6 && memcmp(info.architecture.data, "gemma4", 6) == 0);
  CHECK(info.activations == GEMMA4_ACTIVATIONS_INT8);
  CHECK(info.has_assistant == 1 && info.vocabulary_size == 1536 && info.threads == 0);
  gemma4_assistant_info assistant = {.struct_size = sizeof assistant};
  CHECK_OK(gemma4_inspection_describe_assistant(inspection, &assistant, &error));
  CHECK(assistant.layers > 0 && assistant.tensors > 0 && assistant.parameters < info.parameters);
  gemma4_layer_info layer = {.struct_size = sizeof layer};
  CHECK_OK(gemma4_inspection_describe_layer(inspection, info.layers - 1, &layer, &error));
  CHECK(layer.full_attention == 1);
  CHECK_FAILS(gemma4_inspection_describe_layer(inspection, info.layers, &layer, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "layer");
  CHECK_OK(
      gemma4_inspection_describe_assistant_layer(inspection, assistant.layers - 1, &layer, &error));
  CHECK(layer.full_attention == 1 && layer.head_size > 0 && layer.feed_forward > 0);
  CHECK_FAILS(
      gemma4_inspection_describe_assistant_layer(inspection, assistant.layers, &layer, &error),
      GEMMA4_ERROR_INVALID_ARGUMENT, "layer: expected less than");
  gemma4_sampling sampling = {.struct_size = sizeof sampling};
  CHECK_OK(gemma4_inspection_recommended_sampling(inspection, &sampling, &error));
  CHECK(sampling.temperature > 0 && sampling.top_k > 0 && sampling.penalty_window == 64);
  gemma4_tensor_info tensor = {.struct_size = sizeof tensor};
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < info.tensors; ++i) {
    CHECK_OK(gemma4_inspection_describe_tensor(inspection, i, &tensor, &error));
    CHECK(tensor.name.bytes > 0 && tensor.type.bytes > 0 && tensor.shape[0] > 0);
    bytes += tensor.bytes;
  }
  CHECK(bytes > 0 && bytes < info.file_bytes);
  CHECK_FAILS(gemma4_inspection_describe_tensor(inspection, info.tensors, &tensor, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "tensor");
  gemma4_memory_plan plan = {.struct_size = sizeof plan};
  CHECK_OK(gemma4_inspection_plan(inspection, &plan, &error));
  CHECK(plan.weights_bytes > 0 && plan.assistant_bytes > 0 && plan.kv_bytes > 0);
  gemma4_inspection_destroy(inspection);

  CHECK_FAILS(gemma4_inspection_create("/nowhere/model.gguf", GEMMA4_TEXT, NULL, 0, NULL,
                                       &inspection, &error),
              GEMMA4_ERROR_IO, "/nowhere/model.gguf");
  CHECK(inspection == NULL);

  char folder[] = "/tmp/gemma4-capi-XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  uint64_t packed_bytes = 0, verified_bytes = 0;
  CHECK_OK(gemma4_pack(TINY, GEMMA4_TEXT, folder, GEMMA4_TEXT, NULL, &packed_bytes, &error));
  char packed[128];
  snprintf(packed, sizeof packed, "%s/gemma4-tiny-q4_0.g4pack", folder);
  CHECK_OK(gemma4_verify_packed(packed, strlen(packed), NULL, &verified_bytes, &error));
  CHECK(packed_bytes > 0 && packed_bytes == verified_bytes);
  gemma4_load_options options = {.struct_size = sizeof options,
                                 .threads = 1,
                                 .packed_path = folder,
                                 .packed_path_bytes = GEMMA4_TEXT};
  gemma4_model* model = NULL;
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &options, &model, &error));
  CHECK_OK(gemma4_model_describe(model, &info, &error));
  CHECK(info.packed_path.bytes == strlen(packed));
  gemma4_model_destroy(model);
  CHECK_FAILS(gemma4_verify_packed(TINY, GEMMA4_TEXT, NULL, NULL, &error), GEMMA4_ERROR_FORMAT,
              "packed");
  unlink(packed);
  rmdir(folder);
}

typedef struct progress {
  int calls, stop_at;
  uint64_t done, total;
} progress;

static int32_t on_progress(void* user, uint64_t done_bytes, uint64_t total_bytes) {
  progress* seen = user;
  CHECK(done_bytes >= seen->done && done_bytes <= total_bytes);
  seen->done = done_bytes;
  seen->total = total_bytes;
  return ++seen->calls == seen->stop_at;
}

/* The host's threads: here the caller's own, one call after another. */
typedef struct host {
  int jobs, released;
} host;

static void run_in_turn(void* user, int32_t count, void (*call)(void* context, int32_t index),
                        void* context) {
  ++((host*)user)->jobs;
  for (int32_t i = 0; i < count; ++i) call(context, i);
}

static void released(void* user) { ++((host*)user)->released; }

static void test_loading(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = NULL;
  progress seen = {0, 0, 0, 0};
  gemma4_load_options options = {.struct_size = sizeof options,
                                 .threads = 1,
                                 .on_progress = on_progress,
                                 .on_progress_user = &seen};
  CHECK_OK(gemma4_model_load(TINY, strlen(TINY), &options, &model, &error));
  CHECK(seen.calls > 1 && seen.done == seen.total && seen.total > 0);
  gemma4_model_destroy(model);

  const progress stopped = {0, 2, 0, 0};
  seen = stopped;
  CHECK_FAILS(gemma4_model_load(TINY, strlen(TINY), &options, &model, &error),
              GEMMA4_ERROR_CANCELLED, "");
  CHECK(model == NULL && seen.calls == 2);

  gemma4_canceller* canceller = NULL;
  CHECK_OK(gemma4_canceller_create(&canceller, &error));
  gemma4_load_options cancelled = {.struct_size = sizeof cancelled, .canceller = canceller};
  CHECK_OK(gemma4_model_load(TINY, strlen(TINY), &cancelled, &model, &error));
  gemma4_model_destroy(model);
  gemma4_canceller_cancel(canceller);
  CHECK_FAILS(gemma4_model_load(TINY, strlen(TINY), &cancelled, &model, &error),
              GEMMA4_ERROR_CANCELLED, "");
  gemma4_canceller_destroy(canceller);

  gemma4_load_options poor = {.struct_size = sizeof poor, .memory_budget_bytes = 1000};
  CHECK_FAILS(gemma4_model_load(TINY, strlen(TINY), &poor, &model, &error),
              GEMMA4_ERROR_BUDGET_EXCEEDED, "1000 bytes");
  CHECK_FAILS(gemma4_model_load(GEMMA4_SOURCE_DIR "/LICENSE", GEMMA4_TEXT, NULL, &model, &error),
              GEMMA4_ERROR_FORMAT, "LICENSE");
  gemma4_load_options strange = {.struct_size = sizeof strange, .isa = 99};
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &strange, &model, &error),
              GEMMA4_ERROR_UNSUPPORTED, "isa");

  gemma4_load_options finer = {.struct_size = sizeof finer,
                               .activations = GEMMA4_ACTIVATIONS_INT16};
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &finer, &model, &error));
  gemma4_model_info fine = {.struct_size = sizeof fine};
  CHECK_OK(gemma4_model_describe(model, &fine, &error));
  CHECK(fine.activations == GEMMA4_ACTIVATIONS_INT16);
  gemma4_model_destroy(model);
  finer.activations = 9;
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &finer, &model, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "activations");

  /* the host's executor gives the same answer and is given back */
  host threads = {0, 0};
  gemma4_executor executor = {.struct_size = sizeof executor,
                              .user = &threads,
                              .concurrency = 3,
                              .parallel_for = run_in_turn,
                              .release = released};
  gemma4_load_options hosted = {.struct_size = sizeof hosted, .executor = &executor};
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &hosted, &model, &error));
  gemma4_model_info info = {.struct_size = sizeof info};
  CHECK_OK(gemma4_model_describe(model, &info, &error));
  CHECK(info.threads == 3);
  gemma4_session* session = NULL;
  gemma4_session_options small = {.struct_size = sizeof small, .context_tokens = 256};
  CHECK_OK(gemma4_session_create(model, &small, &session, &error));
  gemma4_model_destroy(model); /* the session keeps it */
  answer given;
  CHECK_OK(ask(session, "What is 34 + 17?", NULL, &given, &error));
  CHECK(strstr(given.text, "51") != NULL && given.finish_reason == GEMMA4_FINISH_STOP);
  CHECK(threads.jobs > 0 && threads.released == 0);
  gemma4_session_destroy(session);
  CHECK(threads.released == 1);
  hosted.memory_budget_bytes = 1;
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &hosted, &model, &error),
              GEMMA4_ERROR_BUDGET_EXCEEDED, "budget");
  CHECK(threads.released == 2);
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &hosted, NULL, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "out");
  CHECK(threads.released == 3);
  executor.concurrency = 0;
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &hosted, &model, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "executor.concurrency");
}

static void test_planning(gemma4_model* model) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_memory_plan small = {.struct_size = sizeof small}, large = {.struct_size = sizeof large};
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 128};
  CHECK_OK(gemma4_model_plan(model, &options, &small, &error));
  options.context_tokens = 1024;
  CHECK_OK(gemma4_model_plan(model, &options, &large, &error));
  CHECK(small.kv_bytes < large.kv_bytes && small.weights_bytes == large.weights_bytes);
  CHECK(large.total_bytes ==
        large.weights_bytes + large.assistant_bytes + large.kv_bytes + large.workspace_bytes);
  gemma4_session* session = NULL;
  options.memory_budget_bytes = large.total_bytes;
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  CHECK(gemma4_session_context_tokens(session) == 1024);
  gemma4_session_destroy(session);
  options.memory_budget_bytes = large.total_bytes - 1;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_BUDGET_EXCEEDED, "memory_budget_bytes");
  CHECK(session == NULL);
  options.kv = 77;
  CHECK_FAILS(gemma4_model_plan(model, &options, &small, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "kv");
}

void test_model(void) {
  CHECK(strcmp(gemma4_version(), GEMMA4_TEST_VERSION) == 0);
  CHECK(gemma4_abi_version() == GEMMA4_ABI_VERSION);
  CHECK(strstr(gemma4_build_info(), gemma4_version()) != NULL);
  CHECK(strcmp(gemma4_status_name(GEMMA4_OK), "ok") == 0);
  CHECK(strcmp(gemma4_status_name(GEMMA4_ERROR_BUDGET_EXCEEDED), "budget_exceeded") == 0);
  CHECK(strcmp(gemma4_status_name(12345), "unknown") == 0);
  CHECK(strcmp(gemma4_isa_name(GEMMA4_ISA_SCALAR), "scalar") == 0);
  CHECK(strcmp(gemma4_isa_name(-1), "unknown") == 0);
  CHECK(strcmp(gemma4_finish_reason_name(GEMMA4_FINISH_LENGTH), "length") == 0);
  CHECK(strcmp(gemma4_finish_reason_name(99), "unknown") == 0);
  CHECK(strcmp(gemma4_activations_name(GEMMA4_ACTIVATIONS_INT16), "int16") == 0);
  CHECK(strcmp(gemma4_activations_name(7), "unknown") == 0);

  test_loading();
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(0);
  gemma4_assistant_info assistant = {.struct_size = sizeof assistant};
  CHECK_FAILS(gemma4_model_describe_assistant(model, &assistant, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "assistant");
  gemma4_layer_info layer = {.struct_size = sizeof layer};
  CHECK_FAILS(gemma4_model_describe_assistant_layer(model, 0, &layer, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "assistant");
  CHECK_OK(gemma4_model_describe_layer(model, 0, &layer, &error));
  CHECK(layer.full_attention == 0 && layer.kv_heads > 0 && layer.head_size > 0);
  gemma4_sampling sampling = {.struct_size = sizeof sampling};
  CHECK_OK(gemma4_model_recommended_sampling(model, &sampling, &error));
  CHECK(sampling.temperature > 0 && sampling.top_k > 0 && sampling.top_p > 0);
  test_planning(model);
  gemma4_model_destroy(model);
}
