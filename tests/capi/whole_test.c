/* A program that knows the library by gemma4.h alone, from loading to the last error:
 * whole_test MODEL.gguf ASSISTANT.gguf FOLDER */
#include <gemma4.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gemma4_error error = {.struct_size = sizeof error};

/* Ends the program unless what the header promises is so. */
static void must(int so, const char* what) {
  if (so) return;
  fprintf(stderr, "whole_test: not so: %s (last error: %s)\n", what, error.message);
  exit(1);
}

typedef struct loading {
  int calls, cancel;
  uint64_t done, total;
} loading;

static int32_t on_progress(void* user, uint64_t done_bytes, uint64_t total_bytes) {
  loading* seen = user;
  must(done_bytes >= seen->done && done_bytes <= total_bytes, "progress grows up to the total");
  ++seen->calls;
  seen->done = done_bytes;
  seen->total = total_bytes;
  return seen->cancel;
}

typedef struct conversation {
  gemma4_session* session;
  atomic_int pieces; /* of the answer that runs */
  char text[4096];
  int32_t finish_reason;
} conversation;

static gemma4_status say(conversation* with, const char* message) {
  return gemma4_session_append_message(with->session, "user", GEMMA4_TEXT, message, GEMMA4_TEXT,
                                       &error);
}

static void answer(conversation* with, const gemma4_generate_options* options) {
  gemma4_event event = {.struct_size = sizeof event};
  size_t bytes = 0;
  with->text[0] = '\0';
  must(!gemma4_session_generate(with->session, options, &error), "an answer begins");
  while (event.kind != GEMMA4_EVENT_END) {
    must(!gemma4_session_next(with->session, &event, &error), "the next piece");
    if (event.kind == GEMMA4_EVENT_TEXT && event.text.bytes < sizeof with->text - bytes) {
      memcpy(with->text + bytes, event.text.data, event.text.bytes);
      with->text[bytes += event.text.bytes] = '\0';
    }
    atomic_fetch_add(&with->pieces, 1);
  }
  with->finish_reason = event.finish_reason;
}

static void* cancel_when_it_answers(void* user) {
  conversation* with = user;
  while (atomic_load(&with->pieces) == 0) {
  }
  gemma4_session_cancel(with->session);
  return NULL;
}

/* What a program does about each kind of failure. */
static const char* remedy(gemma4_status status) {
  switch (status) {
    case GEMMA4_ERROR_IO:
      return "choose another file";
    case GEMMA4_ERROR_FORMAT:
      return "fetch the file again";
    case GEMMA4_ERROR_CANCELLED:
      return "nothing: it was the user's wish";
    case GEMMA4_ERROR_BUDGET_EXCEEDED:
      return "take a smaller context";
    case GEMMA4_ERROR_CONTEXT_FULL:
      return "forget the oldest turns";
    case GEMMA4_ERROR_INVALID_ARGUMENT:
      return "mend the program";
    default:
      return "";
  }
}

static void must_fail(gemma4_status found, gemma4_status expected, const char* text) {
  must(found == expected && error.status == expected, gemma4_status_name(expected));
  must(strstr(error.message, text) != NULL && strlen(error.message) == error.message_bytes, text);
  must(remedy(found)[0] != '\0', "a remedy is known");
}

static void check_failed_loads(const char* path, const char* folder) {
  gemma4_model* model = NULL;
  loading seen = {.cancel = 1};
  const gemma4_load_options cancelled = {
      .struct_size = sizeof cancelled, .on_progress = on_progress, .on_progress_user = &seen};
  must_fail(gemma4_model_load(path, GEMMA4_TEXT, &cancelled, &model, &error),
            GEMMA4_ERROR_CANCELLED, path);
  must(seen.calls == 1 && model == NULL, "a cancelled load asks no more and gives no model");
  must_fail(gemma4_model_load("missing.gguf", GEMMA4_TEXT, NULL, &model, &error), GEMMA4_ERROR_IO,
            "missing.gguf");

  char damaged[512];
  snprintf(damaged, sizeof damaged, "%s/damaged.gguf", folder);
  FILE* file = fopen(damaged, "wb");
  must(file != NULL && fwrite("GGUF\3\0\0\0 and no more", 1, 20, file) == 20 && !fclose(file),
       "a damaged file is written");
  must_fail(gemma4_model_load(damaged, GEMMA4_TEXT, NULL, &model, &error), GEMMA4_ERROR_FORMAT,
            damaged);
  must(model == NULL && !remove(damaged), "no model of a damaged file");
}

/* The plan is a promise: one byte less is refused, so many are enough. */
static void open_session(const gemma4_model* model, gemma4_session_options* options,
                         gemma4_session** session) {
  gemma4_memory_plan plan = {.struct_size = sizeof plan};
  must(!gemma4_model_plan(model, options, &plan, &error), "there is a plan");
  must(plan.assistant_bytes > 0 && plan.total_bytes > plan.weights_bytes, "it holds all parts");
  options->memory_budget_bytes = plan.total_bytes - 1;
  must_fail(gemma4_session_create(model, options, session, &error), GEMMA4_ERROR_BUDGET_EXCEEDED,
            "memory_budget_bytes");
  options->memory_budget_bytes = plan.total_bytes;
  must(!gemma4_session_create(model, options, session, &error), "the planned bytes are enough");
}

/* Another thread ends an answer that would go on for thousands of tokens; the next one comes. */
static void check_cancel(conversation* with) {
  const gemma4_generate_options endless = {.struct_size = sizeof endless,
                                           .ignore_end_of_generation = 1};
  pthread_t thread;
  must(!say(with, "Write a story."), "a message is added");
  atomic_store(&with->pieces, 0);
  must(!pthread_create(&thread, NULL, cancel_when_it_answers, with), "there is a thread");
  answer(with, &endless);
  must(!pthread_join(thread, NULL), "the thread ends");
  must(with->finish_reason == GEMMA4_FINISH_CANCELLED, "the answer was cancelled");
  must(!gemma4_session_rewind(with->session, 0, &error), "all is forgotten");
}

static void check_full_context(conversation* with) {
  static gemma4_token many[4096];
  for (size_t i = 0; i < 4096; ++i) many[i] = 300;
  must_fail(gemma4_session_append_tokens(with->session, many, 4096, &error),
            GEMMA4_ERROR_CONTEXT_FULL, "context");
  many[0] = 1 << 30;
  must_fail(gemma4_session_append_tokens(with->session, many, 1, &error),
            GEMMA4_ERROR_INVALID_ARGUMENT, "token");
}

/* A copy made of the file goes on with the very answer of the session itself. */
static void check_save_and_restore(const gemma4_model* model, conversation* with,
                                   const gemma4_session_options* options, const char* folder) {
  char path[512];
  conversation copy = {.session = NULL};
  snprintf(path, sizeof path, "%s/conversation", folder);
  must(!gemma4_session_save(with->session, path, GEMMA4_TEXT, &error), "it is saved");
  must(!gemma4_session_restore(model, path, GEMMA4_TEXT, options, NULL, &copy.session, &error),
       "it is restored");
  must(!say(with, "What is the capital of Japan?"), "the session goes on");
  answer(with, NULL);
  must(!say(&copy, "What is the capital of Japan?"), "the copy goes on");
  answer(&copy, NULL);
  must(strstr(with->text, "Tokyo") != NULL, "the answer is right");
  must(strcmp(with->text, copy.text) == 0, "the copy's is the same");
  gemma4_session_destroy(copy.session);
  must(!remove(path), "the file is there");
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  loading seen = {.cancel = 0};
  const gemma4_load_options load = {.struct_size = sizeof load,
                                    .threads = 2,
                                    .assistant_path = argv[2],
                                    .assistant_path_bytes = GEMMA4_TEXT,
                                    .on_progress = on_progress,
                                    .on_progress_user = &seen};
  gemma4_model* model = NULL;
  check_failed_loads(argv[1], argv[3]);
  must(!gemma4_model_load(argv[1], GEMMA4_TEXT, &load, &model, &error), "the model is loaded");
  must(seen.calls > 1 && seen.done == seen.total, "progress was told to the end");

  conversation with = {.session = NULL};
  gemma4_session_options options = {.struct_size = sizeof options,
                                    .context_tokens = 4096,
                                    .depth = 3,
                                    .drafter = GEMMA4_DRAFTER_MTP};
  open_session(model, &options, &with.session);
  check_cancel(&with);

  must(!say(&with, "What is 34 + 17?"), "a message is added");
  answer(&with, NULL);
  must(strstr(with.text, "51") != NULL && with.finish_reason == GEMMA4_FINISH_STOP, "it is 51");
  gemma4_statistics done = {.struct_size = sizeof done};
  must(!gemma4_session_statistics(with.session, &done, &error), "there are statistics");
  must(done.accepted > 0 && done.target_steps < done.decode_tokens, "drafts saved passes");
  check_full_context(&with);
  check_save_and_restore(model, &with, &options, argv[3]);
  gemma4_model_destroy(model); /* the session keeps what it needs of it */
  must(!say(&with, "Name the planets."), "a message is added");
  answer(&with, NULL);
  must(strstr(with.text, "Mars") != NULL, "the session still answers");
  gemma4_session_destroy(with.session);
  return 0;
}
