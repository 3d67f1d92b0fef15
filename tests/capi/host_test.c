/* A host that loads the library as a plugin: host_test MODE LIBRARY
 *   unload  load it, use it, unload it, 100 times: no thread, file or memory is left
 *   closed  use it with the descriptors 0, 1 and 2 closed
 *   twice   use two copies of it in one process, turn by turn */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

int checks_made, checks_failed;

typedef struct api {
  void* library;
#define FUNCTIONS(X)               \
  X(gemma4_model_load)             \
  X(gemma4_model_destroy)          \
  X(gemma4_session_create)         \
  X(gemma4_session_destroy)        \
  X(gemma4_session_append_message) \
  X(gemma4_session_generate)       \
  X(gemma4_session_next)
#define POINTER(name) __typeof__(name)* name;
  FUNCTIONS(POINTER)
} api;

static int open_library(api* to, const char* path) {
  to->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (to->library == NULL) return 0;
#define LOOK_UP(name)                               \
  *(void**)(&to->name) = dlsym(to->library, #name); \
  if (to->name == NULL) return 0;
  FUNCTIONS(LOOK_UP)
  return 1;
}

typedef struct chat {
  const api* with;
  gemma4_model* model;
  gemma4_session* session;
  gemma4_event event;
  gemma4_error error;
  char text[256];
} chat;

static int begin(chat* with, const api* calls) {
  memset(with, 0, sizeof *with);
  with->with = calls;
  with->event.struct_size = sizeof with->event;
  with->error.struct_size = sizeof with->error;
  const gemma4_load_options load = {.struct_size = sizeof load, .threads = 3};
  const gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 256};
  return calls->gemma4_model_load(TINY, GEMMA4_TEXT, &load, &with->model, &with->error) == 0 &&
         calls->gemma4_session_create(with->model, &options, &with->session, &with->error) == 0 &&
         calls->gemma4_session_append_message(with->session, "user", 4, "What is 34 + 17?",
                                              GEMMA4_TEXT, &with->error) == 0 &&
         calls->gemma4_session_generate(with->session, NULL, &with->error) == 0;
}

/* One piece of the answer; false at its end. */
static int go_on(chat* with) {
  if (with->with->gemma4_session_next(with->session, &with->event, &with->error) != 0 ||
      with->event.kind != GEMMA4_EVENT_TEXT)
    return 0;
  strncat(with->text, with->event.text.data, with->event.text.bytes);
  return 1;
}

static int end(chat* with) {
  const int right = with->event.kind == GEMMA4_EVENT_END && strstr(with->text, "51") != NULL;
  with->with->gemma4_session_destroy(with->session);
  with->with->gemma4_model_destroy(with->model);
  return right;
}

static int answers(const api* calls) {
  chat with;
  if (!begin(&with, calls)) return 0;
  while (go_on(&with)) {
  }
  return end(&with);
}

static int entries(const char* folder) {
  int count = 0;
  DIR* opened = opendir(folder);
  while (readdir(opened) != NULL) ++count;
  closedir(opened);
  return count;
}

static int is_mapped(const char* name) {
  char line[4096];
  int found = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps) != NULL) found |= strstr(line, name) != NULL;
  fclose(maps);
  return found;
}

static void unload(const char* path) {
  const int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
  size_t in_use = 0;
  for (int i = 0; i < 100; ++i) {
    api calls;
    CHECK(open_library(&calls, path));
    CHECK(is_mapped("libgemma4_c"));
    CHECK(answers(&calls));
    CHECK(dlclose(calls.library) == 0);
    CHECK(!is_mapped("libgemma4_c") && !is_mapped("gemma4-tiny"));
    CHECK(entries("/proc/self/task") == threads && entries("/proc/self/fd") == files);
#if !defined(__SANITIZE_ADDRESS__)
    /* the first rounds fill what the C library keeps for later */
    if (i == 9) in_use = mallinfo2().uordblks;
    if (i > 9) CHECK(mallinfo2().uordblks <= in_use + 4096);
#endif
  }
  (void)in_use;
}

static void closed(const char* path) {
  const int out = dup(2);
  for (int i = 0; i < 3; ++i) close(i);
  api calls;
  const int right = open_library(&calls, path) && answers(&calls);
  char unused;
  const int untouched = read(0, &unused, 1) == -1 && write(1, "", 1) == -1 && write(2, "", 1) == -1;
  for (int i = 0; i < 3; ++i) dup2(out, i);
  CHECK(right);
  CHECK(untouched);
}

static void twice(const char* path) {
  char other[] = "/tmp/gemma4-copy-XXXXXX", command[4096];
  const int file = mkstemp(other);
  CHECK(file >= 0);
  close(file);
  snprintf(command, sizeof command, "cp '%s' '%s'", path, other);
  CHECK(system(command) == 0);
  api first, second;
  CHECK(open_library(&first, path) && open_library(&second, other));
  unlink(other);
  CHECK(first.gemma4_session_next != second.gemma4_session_next);
  chat a, b;
  CHECK(begin(&a, &first) && begin(&b, &second));
  for (int more_a = 1, more_b = 1; more_a || more_b;) {
    if (more_a) more_a = go_on(&a);
    if (more_b) more_b = go_on(&b);
  }
  CHECK(end(&a));
  CHECK(dlclose(first.library) == 0);
  CHECK(end(&b) && answers(&second)); /* goes on without the other */
  CHECK(dlclose(second.library) == 0);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (strcmp(argv[1], "unload") == 0) unload(argv[2]);
  if (strcmp(argv[1], "closed") == 0) closed(argv[2]);
  if (strcmp(argv[1], "twice") == 0) twice(argv[2]);
  printf("%d checks, %d failed\n", checks_made, checks_failed);
  return checks_made == 0 || checks_failed != 0;
}
