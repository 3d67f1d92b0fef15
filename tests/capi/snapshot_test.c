/* Sessions that are forked, saved, restored and rewound go on with the same bits. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

enum { kVocabulary = 1536, kSteps = 6 };

/* What follows a session: the logits, and some tokens drawn behind them. */
typedef struct future {
  float logits[kVocabulary];
  gemma4_token tokens[kSteps];
} future;

static void look_ahead(gemma4_session* session, future* out) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_sampling sampling = {.struct_size = sizeof sampling, .seed = 11, .temperature = 1.2f};
  const float* logits = NULL;
  size_t count = 0;
  memset(out, 0, sizeof *out);
  CHECK_OK(gemma4_session_logits(session, &logits, &count, &error));
  CHECK(count == kVocabulary);
  if (count == kVocabulary) memcpy(out->logits, logits, sizeof out->logits);
  for (int i = 0; i < kSteps; ++i)
    CHECK_OK(gemma4_session_decode_step(session, &sampling, &out->tokens[i], &error));
}

static void check_same_future(gemma4_session* session, const future* expected) {
  future found;
  look_ahead(session, &found);
  CHECK(memcmp(&found, expected, sizeof found) == 0);
}

/* A snapshot in memory, and where something goes wrong with it. */
typedef struct memory {
  unsigned char* data;
  size_t bytes, capacity, at;
  size_t refuse_after; /* a write beyond is refused; 0: none */
  size_t most_at_once;
} memory;

static int32_t keep(void* user, const void* data, size_t bytes) {
  memory* to = user;
  CHECK(bytes > 0 && bytes <= 1 << 20);
  if (to->refuse_after != 0 && to->bytes + bytes > to->refuse_after) return 1;
  if (to->bytes + bytes > to->capacity) {
    to->capacity = 2 * (to->bytes + bytes);
    unsigned char* larger = realloc(to->data, to->capacity);
    if (larger == NULL) return 1;
    to->data = larger;
  }
  memcpy(to->data + to->bytes, data, bytes);
  to->bytes += bytes;
  return 0;
}

/* Cancels its own session. */
static int32_t cancel_save(void* user, const void* data, size_t bytes) {
  (void)data, (void)bytes;
  gemma4_session_cancel(user);
  return 0;
}

static size_t give_back(void* user, void* data, size_t bytes) {
  memory* from = user;
  size_t given = from->bytes - from->at;
  if (given > bytes) given = bytes;
  if (from->most_at_once != 0 && given > from->most_at_once) given = from->most_at_once;
  memcpy(data, from->data + from->at, given);
  from->at += given;
  return given;
}

static size_t give_too_much(void* user, void* data, size_t bytes) {
  (void)user, (void)data;
  return bytes + 1;
}

static void test_fork(gemma4_session* session, uint32_t end, const future* expected) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session *fork = NULL, *second = NULL;
  CHECK_OK(gemma4_session_rewind(session, end, &error));
  CHECK_OK(gemma4_session_fork(session, &fork, &error));
  CHECK_OK(gemma4_session_fork(fork, &second, &error));
  const gemma4_token other = 300;
  CHECK_OK(
      gemma4_session_append_tokens(session, &other, 1, &error)); /* of no concern to the fork */
  check_same_future(fork, expected);
  gemma4_session_destroy(fork);
  check_same_future(second, expected);
  gemma4_session_destroy(second);

  /* not while an answer is made */
  memory snapshot = {0};
  gemma4_event event = {.struct_size = sizeof event};
  CHECK_OK(gemma4_session_generate(session, NULL, &error));
  CHECK_OK(gemma4_session_next(session, &event, &error));
  fork = session;
  CHECK_FAILS(gemma4_session_fork(session, &fork, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "generation");
  CHECK(fork == NULL);
  CHECK_FAILS(gemma4_session_save_to(session, keep, &snapshot, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "generation");
  CHECK(snapshot.bytes == 0);
  CHECK_OK(gemma4_session_stop(session, &error));
  CHECK_OK(gemma4_session_fork(session, &fork, &error));
  gemma4_session_destroy(fork);
}

static void test_file(gemma4_model* model, gemma4_session* session, uint32_t end,
                      const gemma4_session_options* options, const future* expected) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session* restored = NULL;
  gemma4_canceller* canceller = NULL;
  char path[64];
  snprintf(path, sizeof path, "/tmp/gemma4-snapshot-%ld", (long)getpid());
  CHECK_FAILS(gemma4_session_restore(model, path, GEMMA4_TEXT, options, NULL, &restored, &error),
              GEMMA4_ERROR_IO, path);
  CHECK(restored == NULL);
  CHECK_FAILS(gemma4_session_save(session, "/nowhere/snapshot", GEMMA4_TEXT, &error),
              GEMMA4_ERROR_IO, "/nowhere/snapshot");
  CHECK_OK(gemma4_session_rewind(session, end, &error));
  CHECK_OK(gemma4_session_save(session, path, GEMMA4_TEXT, &error));
  CHECK_OK(gemma4_session_restore(model, path, GEMMA4_TEXT, options, NULL, &restored, &error));
  CHECK(gemma4_session_context_tokens(restored) == options->context_tokens);
  check_same_future(restored, expected);
  gemma4_session_destroy(restored);

  /* options that do not fit, and a canceller that was used */
  gemma4_session_options other = *options;
  other.kv = options->kv == GEMMA4_KV_F32 ? GEMMA4_KV_Q8_0 : GEMMA4_KV_F32;
  CHECK_FAILS(gemma4_session_restore(model, path, GEMMA4_TEXT, &other, NULL, &restored, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "kv: expected");
  CHECK_OK(gemma4_canceller_create(&canceller, &error));
  gemma4_canceller_cancel(canceller);
  CHECK_FAILS(
      gemma4_session_restore(model, path, GEMMA4_TEXT, options, canceller, &restored, &error),
      GEMMA4_ERROR_CANCELLED, "");
  gemma4_canceller_destroy(canceller);
  CHECK(unlink(path) == 0);
}

static void test_memory(gemma4_model* model, gemma4_session* session, uint32_t end,
                        const gemma4_session_options* options, const future* expected) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session* restored = NULL;
  memory snapshot = {0};
  CHECK_OK(gemma4_session_rewind(session, end, &error));
  CHECK_OK(gemma4_session_save_to(session, keep, &snapshot, &error));
  CHECK(snapshot.bytes > 0);
  unsigned char* longer = realloc(snapshot.data, snapshot.bytes + 1);
  CHECK(longer != NULL);
  if (longer == NULL) return;
  snapshot.data = longer;

  /* in pieces; bytes behind it are not asked for */
  const size_t bytes = snapshot.bytes++;
  snapshot.data[bytes] = 0;
  snapshot.most_at_once = 1000;
  CHECK_OK(
      gemma4_session_restore_from(model, give_back, &snapshot, options, NULL, &restored, &error));
  CHECK(snapshot.at == bytes);
  check_same_future(restored, expected);
  gemma4_session_destroy(restored);
  snapshot.most_at_once = 0;

  /* cut, changed, refused */
  for (size_t cut = 0; cut < bytes; cut += bytes / 40 + 1) {
    snapshot.bytes = cut, snapshot.at = 0;
    CHECK_FAILS(
        gemma4_session_restore_from(model, give_back, &snapshot, options, NULL, &restored, &error),
        GEMMA4_ERROR_FORMAT, "");
    CHECK(restored == NULL);
  }
  snapshot.bytes = bytes;
  for (size_t place = 0; place < bytes; place += bytes / 40 + 1) {
    snapshot.at = 0;
    snapshot.data[place] ^= 0x10;
    const gemma4_status status =
        gemma4_session_restore_from(model, give_back, &snapshot, options, NULL, &restored, &error);
    CHECK(status == GEMMA4_ERROR_FORMAT || status == GEMMA4_ERROR_UNSUPPORTED);
    snapshot.data[place] ^= 0x10;
  }
  CHECK_FAILS(
      gemma4_session_restore_from(model, give_too_much, NULL, options, NULL, &restored, &error),
      GEMMA4_ERROR_INVALID_ARGUMENT, "read: expected at most");
  snapshot.bytes = 0;
  snapshot.refuse_after = 1000;
  CHECK_FAILS(gemma4_session_save_to(session, keep, &snapshot, &error), GEMMA4_ERROR_CANCELLED, "");
  CHECK_FAILS(gemma4_session_save_to(session, cancel_save, session, &error), GEMMA4_ERROR_CANCELLED,
              "");
  check_same_future(session, expected); /* unharmed */
  free(snapshot.data);
}

static void test_rewind(gemma4_session* session, uint32_t end, const future* expected) {
  gemma4_error error = {.struct_size = sizeof error};
  uint32_t earliest = end + 1;
  CHECK_OK(gemma4_session_rewind(session, end, &error));
  CHECK_OK(gemma4_session_earliest_rewind(session, &earliest, &error));
  CHECK(earliest > 0 && earliest < end); /* the prompt is longer than the window */
  const gemma4_token* tokens = NULL;
  size_t count = 0;
  gemma4_token all[512];
  CHECK_OK(gemma4_session_tokens(session, &tokens, &count, &error));
  CHECK(count == end && count <= 512);
  memcpy(all, tokens, count * sizeof *all);
  const uint32_t places[] = {earliest, earliest - 1};
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(gemma4_session_rewind(session, places[i], &error));
    CHECK_OK(gemma4_session_append_tokens(session, all + places[i], count - places[i], &error));
    check_same_future(session, expected);
    CHECK_OK(gemma4_session_rewind(session, end, &error));
  }
}

/* A prompt that another session has evaluated comes from the prefix cache. */
static void test_prefixes(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = NULL;
  gemma4_load_options load = {
      .struct_size = sizeof load, .threads = 1, .prefix_cache_bytes = 8 << 20};
  gemma4_prefix_statistics prefixes = {.struct_size = sizeof prefixes};
  gemma4_memory_plan plan = {.struct_size = sizeof plan};
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error));
  CHECK_OK(gemma4_model_plan(model, NULL, &plan, &error));
  CHECK(plan.prefix_cache_bytes == load.prefix_cache_bytes);
  CHECK(plan.total_bytes == plan.weights_bytes + plan.assistant_bytes + plan.kv_bytes +
                                plan.workspace_bytes + plan.prefix_cache_bytes);
  future first, second;
  for (int i = 0; i < 2; ++i) {
    gemma4_session* session = NULL;
    gemma4_statistics done = {.struct_size = sizeof done};
    gemma4_token prompt[300];
    for (int t = 0; t < 300; ++t) prompt[t] = 300 + t % 97;
    CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
    CHECK_OK(gemma4_session_append_tokens(session, prompt, 300, &error));
    look_ahead(session, i == 0 ? &first : &second);
    CHECK_OK(gemma4_session_statistics(session, &done, &error));
    CHECK((done.reused_tokens > 0) == (i == 1));
    gemma4_session_destroy(session);
  }
  CHECK(memcmp(&first, &second, sizeof first) == 0);
  CHECK_OK(gemma4_model_prefix_statistics(model, &prefixes, &error));
  CHECK(prefixes.budget_bytes == load.prefix_cache_bytes && prefixes.held_bytes > 0);
  CHECK(prefixes.held_bytes <= prefixes.budget_bytes && prefixes.held_tokens >= 256);
  CHECK(prefixes.lookups == 2 && prefixes.hits == 1 && prefixes.reused_tokens >= 64);
  gemma4_model_destroy(model);
}

void test_snapshot(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(1);
  const int32_t kinds[] = {GEMMA4_KV_F16, GEMMA4_KV_F32, GEMMA4_KV_Q8_0};
  for (int i = 0; i < 3; ++i) {
    gemma4_session_options options = {.struct_size = sizeof options,
                                      .context_tokens = 512,
                                      .kv = kinds[i],
                                      .prefill_chunk_tokens = 16,
                                      .depth = i == 0 ? 2 : GEMMA4_DEPTH_OFF};
    gemma4_session* session = NULL;
    gemma4_token prompt[300];
    future expected;
    for (int t = 0; t < 300; ++t) prompt[t] = 300 + 7 * t % 501;
    CHECK_OK(gemma4_session_create(model, &options, &session, &error));
    CHECK_OK(gemma4_session_append_tokens(session, prompt, 300, &error));
    look_ahead(session, &expected);
    test_fork(session, 300, &expected);
    test_file(model, session, 300, &options, &expected);
    test_memory(model, session, 300, &options, &expected);
    test_rewind(session, 300, &expected);
    gemma4_session_destroy(session);
  }
  gemma4_model_destroy(model);
  test_prefixes();
}
