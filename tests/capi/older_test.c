/* A program that was compiled with the first header runs with the present library: its structs end
 * earlier, and what lies behind them on its stack is neither read nor written. */
#include <stdio.h>
#include <string.h>

#include "first_gemma4.h"

/* A struct and what happens to lie behind it: no zeros, so that a read of them would be noticed. */
#define BEHIND(type)          \
  struct {                    \
    type known;               \
    unsigned char behind[64]; \
  }
#define PREPARE(object)                                  \
  do {                                                   \
    memset(&(object), 0xA5, sizeof(object));             \
    memset(&(object).known, 0, sizeof((object).known));  \
    (object).known.struct_size = sizeof((object).known); \
  } while (0)
#define UNTOUCHED(object) untouched((object).behind)

static int untouched(const unsigned char* behind) {
  for (int i = 0; i < 64; ++i)
    if (behind[i] != 0xA5) return 0;
  return 1;
}

static gemma4_error error;

static int failed(const char* what) {
  fprintf(stderr, "older_test: %s: %s\n", what, error.message);
  return 1;
}

static int32_t count_calls(void* user, uint64_t done_bytes, uint64_t total_bytes) {
  ++*(int*)user;
  return done_bytes > total_bytes;
}

int main(void) {
  error.struct_size = sizeof error;
  BEHIND(gemma4_load_options) load;
  BEHIND(gemma4_session_options) options;
  BEHIND(gemma4_memory_plan) plan;
  BEHIND(gemma4_generate_options) generate;
  BEHIND(gemma4_event) event;
  BEHIND(gemma4_statistics) done;
  PREPARE(load);
  PREPARE(options);
  PREPARE(plan);
  PREPARE(generate);
  PREPARE(event);
  PREPARE(done);
  int calls = 0;
  load.known.threads = 2;
  load.known.on_progress = count_calls;
  load.known.on_progress_user = &calls;
  options.known.context_tokens = 256;
  gemma4_model* model = NULL;
  gemma4_session* session = NULL;
  char text[256] = "";
  if (gemma4_abi_version() != GEMMA4_ABI_VERSION) return failed("another ABI version");
  if (gemma4_model_load(GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf", GEMMA4_TEXT,
                        &load.known, &model, &error))
    return failed("load");
  if (gemma4_model_plan(model, &options.known, &plan.known, &error)) return failed("plan");
  options.known.memory_budget_bytes = plan.known.total_bytes;
  if (gemma4_session_create(model, &options.known, &session, &error)) return failed("create");
  if (gemma4_session_append_message(session, "user", 4, "What is 34 + 17?", GEMMA4_TEXT, &error))
    return failed("append");
  if (gemma4_session_generate(session, &generate.known, &error)) return failed("generate");
  while (event.known.kind != GEMMA4_EVENT_END) {
    if (gemma4_session_next(session, &event.known, &error)) return failed("next");
    if (event.known.kind == GEMMA4_EVENT_TEXT)
      strncat(text, event.known.text.data,
              event.known.text.bytes < sizeof text - strlen(text) - 1
                  ? event.known.text.bytes
                  : sizeof text - strlen(text) - 1);
  }
  if (gemma4_session_statistics(session, &done.known, &error)) return failed("statistics");
  if (gemma4_session_rewind(session, 0, &error)) return failed("rewind");
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  if (calls == 0) return failed("no progress was told");
  if (strstr(text, "51") == NULL || event.known.finish_reason != GEMMA4_FINISH_STOP)
    return failed(text);
  if (plan.known.total_bytes != plan.known.weights_bytes + plan.known.assistant_bytes +
                                    plan.known.kv_bytes + plan.known.workspace_bytes)
    return failed("the plan's sum");
  if (done.known.prefill_tokens == 0 || done.known.decode_ns == 0) return failed("statistics");
  if (!UNTOUCHED(load) || !UNTOUCHED(options) || !UNTOUCHED(plan) || !UNTOUCHED(generate) ||
      !UNTOUCHED(event) || !UNTOUCHED(done))
    return failed("bytes behind a struct were written");
  puts("as ever");
  return 0;
}
