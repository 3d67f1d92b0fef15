/* A chat with streamed answers: chat_c MODEL.gguf [ASSISTANT.gguf] */
#include <gemma4.h>
#include <stdio.h>
#include <string.h>

static int32_t on_progress(void* user, uint64_t done_bytes, uint64_t total_bytes) {
  (void)user;
  fprintf(stderr, "\rloading: %3.0f %%", 100.0 * (double)done_bytes / (double)total_bytes);
  return 0; /* 1 would cancel */
}

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: chat_c MODEL.gguf [ASSISTANT.gguf]\n");
    return 2;
  }
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_load_options load = {.struct_size = sizeof load, .on_progress = on_progress};
  if (argc == 3) { /* guesses tokens ahead: the same answers, sooner */
    load.assistant_path = argv[2];
    load.assistant_path_bytes = GEMMA4_TEXT;
  }
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 4096};
  gemma4_sampling sampling = {.struct_size = sizeof sampling};
  gemma4_generate_options generate = {.struct_size = sizeof generate, .sampling = &sampling};
  gemma4_event event = {.struct_size = sizeof event};
  gemma4_model* model = NULL;
  gemma4_session* session = NULL;

  gemma4_status status = gemma4_model_load(argv[1], GEMMA4_TEXT, &load, &model, &error);
  if (!status) status = gemma4_session_create(model, &options, &session, &error);
  if (!status) status = gemma4_model_recommended_sampling(model, &sampling, &error);
  sampling.seed = 7; /* the same seed gives the same answers, on any number of threads */

  char line[4096];
  while (!status && printf("\n> ") && !fflush(stdout) && fgets(line, sizeof line, stdin)) {
    const size_t bytes = strcspn(line, "\n");
    status = gemma4_session_append_message(session, "user", GEMMA4_TEXT, line, bytes, &error);
    if (!status) status = gemma4_session_generate(session, &generate, &error);
    while (!status) {
      status = gemma4_session_next(session, &event, &error);
      if (status || event.kind == GEMMA4_EVENT_END) break;
      if (event.kind == GEMMA4_EVENT_TEXT) fwrite(event.text.data, 1, event.text.bytes, stdout);
      fflush(stdout);
    }
  }
  if (status) fprintf(stderr, "\n%s\n", error.message);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  return status != GEMMA4_OK;
}
