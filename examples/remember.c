/* A conversation that goes on in the next process: remember_c MODEL.gguf SNAPSHOT "question" */
#include <gemma4.h>
#include <stdio.h>

static int32_t print_text(void* user, const gemma4_event* event) {
  (void)user;
  if (event->kind == GEMMA4_EVENT_TEXT) fwrite(event->text.data, 1, event->text.bytes, stdout);
  return fflush(stdout) != 0; /* nobody reads: stop */
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: remember_c MODEL.gguf SNAPSHOT \"question\"\n");
    return 2;
  }
  const char* snapshot = argv[2];
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 4096};
  gemma4_model* model = NULL;
  gemma4_session* session = NULL;

  gemma4_status status = gemma4_model_load(argv[1], GEMMA4_TEXT, NULL, &model, &error);
  if (!status) {
    /* where the last process stopped: nothing of it is evaluated again */
    status = gemma4_session_restore(model, snapshot, GEMMA4_TEXT, &options, NULL, &session, &error);
    if (status == GEMMA4_ERROR_IO) { /* there was none */
      status = gemma4_session_create(model, &options, &session, &error);
    } else if (!status) {
      const gemma4_token* tokens = NULL;
      size_t count = 0;
      status = gemma4_session_tokens(session, &tokens, &count, &error);
      fprintf(stderr, "goes on after %zu tokens\n", count);
    }
  }
  if (!status) {
    status =
        gemma4_session_append_message(session, "user", GEMMA4_TEXT, argv[3], GEMMA4_TEXT, &error);
  }
  if (!status) status = gemma4_session_stream(session, NULL, print_text, NULL, NULL, &error);
  if (!status) puts("");
  /* whole or not at all, whatever happens to this process or its machine */
  if (!status) status = gemma4_session_save(session, snapshot, GEMMA4_TEXT, &error);
  if (status) fprintf(stderr, "%s\n", error.message);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  return status != GEMMA4_OK;
}
