/* Cancelling from another thread, and a second call while one is inside. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"

typedef struct shared {
  gemma4_session* session;
  atomic_int inside; /* the callback waits in the session */
  atomic_int go_on;
} shared;

/* Cancels as soon as the answer has begun, after trying to get in between. */
static void* cancel_it(void* user) {
  shared* with = user;
  while (atomic_load(&with->inside) == 0) {
  }
  gemma4_error error = {.struct_size = sizeof error};
  const gemma4_token token = 5;
  CHECK_FAILS(gemma4_session_append_tokens(with->session, &token, 1, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "one call at a time");
  gemma4_session_cancel(with->session);
  atomic_store(&with->go_on, 1);
  return NULL;
}

static int32_t wait_for_cancel(void* user, const gemma4_event* event) {
  shared* with = user;
  if (event->kind == GEMMA4_EVENT_END) return 0;
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_event inner = {.struct_size = sizeof inner};
  CHECK_FAILS(gemma4_session_next(with->session, &inner, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "one call at a time");
  atomic_store(&with->inside, 1);
  while (atomic_load(&with->go_on) == 0) {
  }
  return 0;
}

/* Cancelled by its own callback while a prompt is evaluated. */
static int32_t cancel_prefill(void* user, uint32_t done, uint32_t total) {
  CHECK(done < total);
  gemma4_session_cancel(user);
  return 0;
}

/* A load or a packing that another thread cancels while it is at work. */
typedef struct work {
  gemma4_canceller* canceller;
  int calls, cancel_at;
} work;

static void* fire(void* canceller) {
  gemma4_canceller_cancel(canceller);
  return NULL;
}

static int32_t cancel_midway(void* user, uint64_t done, uint64_t total) {
  work* at = user;
  pthread_t thread;
  if (++at->calls != at->cancel_at) return 0;
  CHECK(done < total);
  CHECK(pthread_create(&thread, NULL, fire, at->canceller) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  return 0; /* the callback itself does not object */
}

static void test_cancelled_work(void) {
  gemma4_error error = {.struct_size = sizeof error};
  char path[64];
  snprintf(path, sizeof path, "/tmp/gemma4-cancelled-%ld", (long)getpid());
  for (int cancel_at = 1; cancel_at <= 41; cancel_at += 10) {
    work at = {NULL, 0, cancel_at};
    gemma4_model* model = NULL;
    CHECK_OK(gemma4_canceller_create(&at.canceller, &error));
    const gemma4_load_options load = {.struct_size = sizeof load,
                                      .on_progress = cancel_midway,
                                      .on_progress_user = &at,
                                      .canceller = at.canceller};
    CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error), GEMMA4_ERROR_CANCELLED,
                TINY);
    CHECK(model == NULL && at.calls == cancel_at); /* nothing more was read */
    gemma4_canceller_destroy(at.canceller);

    at.calls = 0;
    CHECK_OK(gemma4_canceller_create(&at.canceller, &error));
    const gemma4_pack_options pack = {.struct_size = sizeof pack,
                                      .on_progress = cancel_midway,
                                      .on_progress_user = &at,
                                      .canceller = at.canceller};
    CHECK_FAILS(gemma4_pack(TINY, GEMMA4_TEXT, path, GEMMA4_TEXT, &pack, NULL, &error),
                GEMMA4_ERROR_CANCELLED, TINY);
    CHECK(at.calls == cancel_at && access(path, F_OK) != 0);
    gemma4_canceller_destroy(at.canceller);
  }
}

void test_cancel(void) {
  test_cancelled_work();
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(0);
  shared with = {NULL, 0, 0};
  gemma4_session_options options = {
      .struct_size = sizeof options, .context_tokens = 512, .prefill_chunk_tokens = 16};
  CHECK_OK(gemma4_session_create(model, &options, &with.session, &error));
  CHECK_OK(gemma4_session_append_message(with.session, "user", 4, "Write a story.", GEMMA4_TEXT,
                                         &error));
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, cancel_it, &with) == 0);
  int32_t reason = 0;
  CHECK_OK(gemma4_session_stream(with.session, NULL, wait_for_cancel, &with, &reason, &error));
  CHECK(reason == GEMMA4_FINISH_CANCELLED);
  CHECK(pthread_join(thread, NULL) == 0);

  /* the same session answers on */
  answer given;
  CHECK_OK(gemma4_session_rewind(with.session, 0, &error));
  CHECK_OK(ask(with.session, "What is 34 + 17?", NULL, &given, &error));
  CHECK(strstr(given.text, "51") != NULL);

  gemma4_token many[100];
  for (int i = 0; i < 100; ++i) many[i] = 5 + i;
  CHECK_OK(gemma4_session_append_tokens(with.session, many, 100, &error));
  CHECK_FAILS(gemma4_session_prefill(with.session, cancel_prefill, with.session, &error),
              GEMMA4_ERROR_CANCELLED, "cancelled");
  CHECK_OK(gemma4_session_prefill(with.session, NULL, NULL, &error));
  gemma4_session_cancel(NULL);
  gemma4_session_destroy(with.session);
  gemma4_model_destroy(model);
}
