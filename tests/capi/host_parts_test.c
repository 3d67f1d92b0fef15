/* The host's memory and the host's log, from C. */
#include <stdlib.h>

#include "check.h"

enum { MOST_BLOCKS = 512 };

/* Counts, fills what it gives with nonsense, refuses block number `refused`. */
typedef struct host {
  struct {
    void* memory;
    uint64_t bytes, alignment;
  } blocks[MOST_BLOCKS];
  uint64_t held_bytes;
  int held, asked, refused, wrong, released;
} host;

static void* allocate(void* user, uint64_t bytes, uint64_t alignment) {
  host* with = user;
  if (with->asked++ == with->refused || with->held == MOST_BLOCKS) return NULL;
  void* memory = NULL;
  if (posix_memalign(&memory, (size_t)alignment, (size_t)bytes) != 0) return NULL;
  memset(memory, 0xff, (size_t)bytes);
  with->blocks[with->held].memory = memory;
  with->blocks[with->held].bytes = bytes;
  with->blocks[with->held++].alignment = alignment;
  with->held_bytes += bytes;
  return memory;
}

static void deallocate(void* user, void* memory, uint64_t bytes, uint64_t alignment) {
  host* with = user;
  int i = 0;
  while (i < with->held && with->blocks[i].memory != memory) ++i;
  if (i == with->held || with->blocks[i].bytes != bytes || with->blocks[i].alignment != alignment ||
      with->released > 0) {
    ++with->wrong;
    return;
  }
  with->blocks[i] = with->blocks[--with->held];
  with->held_bytes -= bytes;
  free(memory);
}

static void release(void* user) { ++((host*)user)->released; }

static void test_allocator(void) {
  gemma4_error error = {.struct_size = sizeof error};
  static host with;
  with.refused = -1;
  gemma4_allocator allocator = {.struct_size = sizeof allocator,
                                .user = &with,
                                .allocate = allocate,
                                .deallocate = deallocate,
                                .release = release};
  const gemma4_load_options load = {.struct_size = sizeof load,
                                    .threads = 2,
                                    .assistant_path = TINY_ASSISTANT,
                                    .assistant_path_bytes = GEMMA4_TEXT,
                                    .allocator = &allocator};
  gemma4_model *model = NULL, *plain = load_tiny(1);
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error));
  gemma4_memory_plan plan = {.struct_size = sizeof plan};
  CHECK_OK(gemma4_model_plan(model, NULL, &plan, &error));
  CHECK(with.held_bytes == plan.weights_bytes + plan.assistant_bytes);

  gemma4_session *session = NULL, *other = NULL;
  CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
  CHECK(with.held_bytes == plan.total_bytes);
  CHECK_OK(gemma4_session_create(plain, NULL, &other, &error));
  answer a, b;
  CHECK_OK(ask(session, "What is 34 + 17?", NULL, &a, &error));
  CHECK_OK(ask(other, "What is 34 + 17?", NULL, &b, &error));
  CHECK(same_answer(&a, &b) && strstr(a.text, "51") != NULL);
  CHECK(with.held_bytes == plan.total_bytes);

  /* a session that gets no memory leaves the model and the other session as they were */
  gemma4_session* none = NULL;
  for (int block = 0; block < 8; ++block) {
    const int held = with.held;
    with.asked = 0;
    with.refused = block;
    CHECK_FAILS(gemma4_session_create(model, NULL, &none, &error), GEMMA4_ERROR_OUT_OF_MEMORY,
                "the host's allocator gave no memory");
    CHECK(none == NULL && with.held == held);
  }
  with.refused = -1;
  CHECK_OK(ask(session, "And 2 + 3?", NULL, &a, &error));
  gemma4_model_destroy(model); /* the session keeps it */
  CHECK(with.held_bytes == plan.total_bytes && with.released == 0);
  gemma4_session_destroy(session);
  CHECK(with.held == 0 && with.wrong == 0 && with.released == 1);

  /* a load that gets no memory */
  with.released = with.asked = with.refused = 0;
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error),
              GEMMA4_ERROR_OUT_OF_MEMORY, "the host's allocator gave no memory");
  CHECK(model == NULL && with.held == 0 && with.released == 1);

  /* structs that are refused are not taken over */
  with.released = 0;
  allocator.deallocate = NULL;
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "allocator.deallocate");
  allocator.deallocate = deallocate;
  allocator.allocate = NULL;
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "allocator.allocate");
  CHECK(with.released == 0);
  gemma4_session_destroy(other);
  gemma4_model_destroy(plain);
}

typedef struct lines {
  int info, warnings, unended;
  char first[512], warning[512];
} lines;

static void log_line(void* user, int32_t level, const char* line, size_t bytes) {
  lines* to = user;
  to->unended += strlen(line) != bytes;
  if (level == GEMMA4_LOG_INFO && ++to->info == 1)
    snprintf(to->first, sizeof to->first, "%s", line);
  if (level == GEMMA4_LOG_WARNING && ++to->warnings == 1)
    snprintf(to->warning, sizeof to->warning, "%s", line);
}

static void test_log(void) {
  gemma4_error error = {.struct_size = sizeof error};
  lines told = {0};
  gemma4_model* model = NULL;
  gemma4_load_options load = {.struct_size = sizeof load,
                              .threads = 2,
                              .isa = GEMMA4_ISA_SCALAR,
                              .log = log_line,
                              .log_user = &told};
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error));
  CHECK(told.warnings == 0 && told.info == 1 && told.unended == 0);
  CHECK(strcmp(told.first, TINY ": computed with scalar kernels on 2 threads, activations int8") ==
        0);
  gemma4_session* session = NULL;
  answer given;
  CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
  CHECK_OK(ask(session, "What is 34 + 17?", NULL, &given, &error));
  CHECK(told.info == 1); /* only loads have something to say */
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);

  load.packed_path = TINY_ASSISTANT; /* no packed file */
  load.packed_path_bytes = GEMMA4_TEXT;
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error));
  CHECK(told.warnings == 1 &&
        strcmp(told.warning, "packed file ignored: " TINY_ASSISTANT
                             ": expected a packed file, found an ordinary model file") == 0);
  gemma4_model_destroy(model);

  lines packing = {0};
  const gemma4_pack_options pack = {
      .struct_size = sizeof pack, .threads = 1, .log = log_line, .log_user = &packing};
  char path[] = "/tmp/gemma4-log-XXXXXX";
  const int file = mkstemp(path);
  CHECK(file >= 0);
  CHECK_OK(gemma4_pack(TINY, GEMMA4_TEXT, path, GEMMA4_TEXT, &pack, NULL, &error));
  CHECK(packing.info == 1 && strstr(packing.first, path) != NULL);
  remove(path);
}

void test_host_parts(void) {
  test_allocator();
  test_log();
}
