/* How long it takes from a cancel to the return of the call it stops, through the C interface. Each
 * trial cancels at a random moment of a load, a packing, a prompt, an answer, or an answer with
 * drafts. */
#include <gemma4.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kPromptTokens = 1024, kContextTokens = 4096, kMostTrials = 10000 };

typedef struct bench {
  const char *model_path, *assistant_path;
  char packed_path[512];
  int trials, threads;
  double within; /* seconds: the latest moment of a cancel */
  uint64_t seed; /* of the random moments */
  gemma4_model* model;
  gemma4_session *empty, *plain, *drafting; /* the last two: with a prompt, evaluated */
  gemma4_token prompt[kPromptTokens];
  gemma4_error error;

  /* of a trial */
  gemma4_canceller* canceller;
  gemma4_model* loaded;
  gemma4_session* session;
  double delay, cancelled_at;
  atomic_int started, over;
} bench;

typedef struct phase {
  const char* name;
  gemma4_status (*prepare)(bench*);
  gemma4_status (*work)(bench*); /* GEMMA4_ERROR_CANCELLED when it was stopped */
} phase;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void wait_s(double seconds) {
  const struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  nanosleep(&time, NULL);
}

/* Uniform in 0 ... 1: splitmix64. */
static double random_share(bench* b) {
  uint64_t x = b->seed += UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

static gemma4_status prepare_file(bench* b) {
  return gemma4_canceller_create(&b->canceller, &b->error);
}

static gemma4_status load(bench* b) {
  gemma4_load_options options = {
      .struct_size = sizeof options, .threads = b->threads, .canceller = b->canceller};
  return gemma4_model_load(b->model_path, GEMMA4_TEXT, &options, &b->loaded, &b->error);
}

static gemma4_status pack(bench* b) {
  gemma4_pack_options options = {
      .struct_size = sizeof options, .threads = b->threads, .canceller = b->canceller};
  return gemma4_pack(b->model_path, GEMMA4_TEXT, b->packed_path, GEMMA4_TEXT, &options, NULL,
                     &b->error);
}

static gemma4_status prepare_prompt(bench* b) {
  const gemma4_status status = gemma4_session_fork(b->empty, &b->session, &b->error);
  return status ? status
                : gemma4_session_append_tokens(b->session, b->prompt, kPromptTokens, &b->error);
}

static gemma4_status prefill(bench* b) {
  return gemma4_session_prefill(b->session, NULL, NULL, &b->error);
}

static gemma4_status prepare_decode(bench* b) {
  return gemma4_session_fork(b->plain, &b->session, &b->error);
}

static gemma4_status prepare_drafts(bench* b) {
  return gemma4_session_fork(b->drafting, &b->session, &b->error);
}

static gemma4_status decode(bench* b) {
  const gemma4_generate_options options = {.struct_size = sizeof options,
                                           .ignore_end_of_generation = 1};
  gemma4_event event = {.struct_size = sizeof event};
  gemma4_status status = gemma4_session_generate(b->session, &options, &b->error);
  while (!status && event.kind != GEMMA4_EVENT_END)
    status = gemma4_session_next(b->session, &event, &b->error);
  if (!status && event.finish_reason == GEMMA4_FINISH_CANCELLED) return GEMMA4_ERROR_CANCELLED;
  return status;
}

/* Waits for the moment and cancels; again if the cancel came between two calls. */
static void* cancel_later(void* user) {
  bench* b = user;
  while (!atomic_load(&b->started)) {
  }
  const double at = now() + b->delay;
  for (double left = b->delay; left > 0 && !atomic_load(&b->over); left = at - now())
    wait_s(left < 1e-3 ? left : 1e-3);
  b->cancelled_at = now();
  while (!atomic_load(&b->over)) {
    gemma4_canceller_cancel(b->canceller);
    gemma4_session_cancel(b->session);
    wait_s(1e-3);
  }
  return NULL;
}

/* One trial: seconds from the cancel to the return; less than 0: the work was done before. */
static gemma4_status try_once(bench* b, const phase* p, double* latency, double* duration) {
  pthread_t thread;
  gemma4_status status = p->prepare(b);
  atomic_store(&b->started, 0);
  atomic_store(&b->over, 0);
  if (!status && pthread_create(&thread, NULL, cancel_later, b) != 0) {
    snprintf(b->error.message, sizeof b->error.message, "no thread could be made");
    status = GEMMA4_ERROR_INTERNAL;
  }
  if (!status) {
    const double begin = now();
    atomic_store(&b->started, 1);
    status = p->work(b);
    const double end = now();
    atomic_store(&b->over, 1);
    pthread_join(thread, NULL);
    *latency = status == GEMMA4_ERROR_CANCELLED ? end - b->cancelled_at : -1;
    *duration = end - begin;
  }
  gemma4_canceller_destroy(b->canceller);
  gemma4_model_destroy(b->loaded);
  gemma4_session_destroy(b->session);
  b->canceller = NULL;
  b->loaded = NULL;
  b->session = NULL;
  remove(b->packed_path);
  return status == GEMMA4_ERROR_CANCELLED ? GEMMA4_OK : status;
}

static int by_size(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static gemma4_status measure(bench* b, const phase* p) {
  static double latencies[kMostTrials];
  int count = 0, late = 0;
  double within = b->within;
  for (int i = 0; i < b->trials; ++i) {
    double latency = 0, duration = 0;
    b->delay = within * random_share(b);
    const gemma4_status status = try_once(b, p, &latency, &duration);
    if (status) return status;
    if (latency >= 0) {
      latencies[count++] = latency;
    } else {
      ++late;
      if (duration < within) within = duration; /* what comes later cancels nothing */
    }
  }
  qsort(latencies, (size_t)count, sizeof *latencies, by_size);
  if (count == 0) {
    printf("%-20s  done before any cancel, %d times\n", p->name, late);
  } else {
    const int p99 = (99 * count + 99) / 100 - 1;
    printf("%-20s  %6d  %6d  %8.3f  %8.3f  %8.3f\n", p->name, count, late,
           1e3 * latencies[count / 2], 1e3 * latencies[p99], 1e3 * latencies[count - 1]);
  }
  fflush(stdout);
  return GEMMA4_OK;
}

static gemma4_status open_sessions(bench* b) {
  gemma4_load_options options = {.struct_size = sizeof options,
                                 .threads = b->threads,
                                 .assistant_path = b->assistant_path,
                                 .assistant_path_bytes = GEMMA4_TEXT};
  gemma4_session_options plain = {
      .struct_size = sizeof plain, .context_tokens = kContextTokens, .depth = GEMMA4_DEPTH_OFF};
  gemma4_session_options drafting = {
      .struct_size = sizeof drafting, .context_tokens = kContextTokens, .depth = 4};
  gemma4_model_info info = {.struct_size = sizeof info};
  gemma4_status status =
      gemma4_model_load(b->model_path, GEMMA4_TEXT, &options, &b->model, &b->error);
  if (!status) status = gemma4_model_describe(b->model, &info, &b->error);
  if (!status) {
    printf("%s\n%s, %d threads, %d trials, prompt of %d tokens; milliseconds from the cancel\n\n",
           gemma4_build_info(), gemma4_isa_name(info.isa), info.threads, b->trials, kPromptTokens);
    printf("%-20s  %6s  %6s  %8s  %8s  %8s\n", "cancelled in", "times", "late", "p50", "p99",
           "max");
    for (int i = 0; i < kPromptTokens; ++i)
      b->prompt[i] = (gemma4_token)(random_share(b) * info.vocabulary_size);
  }
  if (!status) status = gemma4_session_create(b->model, &plain, &b->empty, &b->error);
  if (!status) status = gemma4_session_create(b->model, &plain, &b->plain, &b->error);
  if (!status) status = gemma4_session_create(b->model, &drafting, &b->drafting, &b->error);
  gemma4_session* const ready[] = {b->plain, b->drafting};
  for (int i = 0; i < 2; ++i) {
    const float* logits = NULL;
    if (!status) status = gemma4_session_append_tokens(ready[i], b->prompt, 64, &b->error);
    if (!status) status = gemma4_session_logits(ready[i], &logits, NULL, &b->error);
  }
  return status;
}

int main(int argc, char** argv) {
  static bench b = {
      .trials = 200, .within = 2, .seed = 1, .error = {.struct_size = sizeof b.error}};
  const char* folder = "/tmp";
  int i = 1;
  for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
    if (strcmp(argv[i], "--trials") == 0)
      b.trials = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--within") == 0)
      b.within = atof(argv[i + 1]);
    else if (strcmp(argv[i], "--threads") == 0)
      b.threads = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--folder") == 0)
      folder = argv[i + 1];
    else
      break;
  }
  if (i >= argc || argc - i > 2 || argv[i][0] == '-' || b.trials < 1 || b.trials > kMostTrials ||
      !(b.within > 0)) {
    fprintf(stderr,
            "usage: gemma4-cancel [options] MODEL [ASSISTANT]\n"
            "  --trials N        of each phase, 1 ... %d; default 200\n"
            "  --within SECONDS  the latest moment of a cancel; default 2\n"
            "  --threads N       default: the cores there are\n"
            "  --folder PATH     where a packing begins to write; default /tmp\n",
            kMostTrials);
    return 2;
  }
  b.model_path = argv[i];
  b.assistant_path = i + 1 < argc ? argv[i + 1] : NULL;
  const char* name = strrchr(b.model_path, '/');
  snprintf(b.packed_path, sizeof b.packed_path, "%s/%s.cancelled", folder,
           name != NULL ? name + 1 : b.model_path);
  const phase phases[] = {{"a load", prepare_file, load},
                          {"a packing", prepare_file, pack},
                          {"a prompt", prepare_prompt, prefill},
                          {"an answer", prepare_decode, decode},
                          {"an answer, drafts", prepare_drafts, decode}};
  gemma4_status status = open_sessions(&b);
  for (size_t p = 0; !status && p < sizeof phases / sizeof *phases; ++p)
    status = measure(&b, &phases[p]);
  if (status) fprintf(stderr, "gemma4-cancel: %s\n", b.error.message);
  gemma4_session_destroy(b.empty);
  gemma4_session_destroy(b.plain);
  gemma4_session_destroy(b.drafting);
  gemma4_model_destroy(b.model);
  return status != GEMMA4_OK;
}
