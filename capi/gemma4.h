/* gemma4.h - Gemma 4 on ordinary processors, for C and for every language that can call C.
 *
 *   gemma4_model* model = NULL;
 *   gemma4_session* session = NULL;
 *   gemma4_error error = {.struct_size = sizeof error};
 *   gemma4_event event = {.struct_size = sizeof event};
 *   if (gemma4_model_load("gemma-4-12b-it-qat-q4_0.gguf", GEMMA4_TEXT, NULL, &model, &error) ||
 *       gemma4_session_create(model, NULL, &session, &error) ||
 *       gemma4_session_append_message(session, "user", GEMMA4_TEXT, "Why is the sky blue?",
 *                                     GEMMA4_TEXT, &error) ||
 *       gemma4_session_generate(session, NULL, &error))
 *     fprintf(stderr, "%s\n", error.message);
 *   else
 *     while (!gemma4_session_next(session, &event, &error) && event.kind != GEMMA4_EVENT_END)
 *       if (event.kind == GEMMA4_EVENT_TEXT) fwrite(event.text.data, 1, event.text.bytes, stdout);
 *   gemma4_session_destroy(session);
 *   gemma4_model_destroy(model);
 *
 * The rules, once for all functions:
 *
 * Results. A function that can fail returns a gemma4_status: GEMMA4_OK, which is 0, or one of
 * GEMMA4_ERROR_*. Its last parameter, which may be NULL, is a gemma4_error of the caller's; it is
 * written only when the function fails. Nothing is kept per thread or per process. A handle that
 * could not be made is set to NULL. Nothing in the library prints, exits or aborts.
 *
 * Errors. Behind "Errors:" stand the statuses that a function can give besides GEMMA4_OK, without
 * their GEMMA4_ERROR_. INVALID_ARGUMENT is also what a NULL, a handle of another kind, a
 * struct_size that cannot be and a second call into a busy handle get. OUT_OF_MEMORY may come from
 * any function that makes or grows something; INTERNAL may come from any function and is a defect.
 *
 * Pointers. None may be NULL but those whose description says so, gemma4_error and the options:
 * NULL options are all defaults. A NULL where none is allowed gives GEMMA4_ERROR_INVALID_ARGUMENT,
 * or the result that the function names; a handle of another kind is treated like NULL.
 *
 * Structs. Each begins with struct_size, which the caller sets to sizeof the struct (not doing so
 * gives GEMMA4_ERROR_INVALID_ARGUMENT); all else is zero by default. Later
 * versions append fields and change nothing before them. The library takes what an older caller
 * does not know as zero, refuses an option that it does not know itself unless it is zero, writes
 * no byte behind struct_size, and sets results that it does not know to zero. Flags are int32_t, 0
 * or 1.
 *
 * Texts. UTF-8. Those given to the library are a pointer and a number of bytes, or GEMMA4_TEXT for
 * a text that ends at its first zero byte; they are copied. Those that the library gives are
 * gemma4_text, not terminated by a zero byte, and belong to the library.
 *
 * Ownership. What _create, _load and _of make, the matching _destroy frees, NULL does nothing. The
 * order does not matter: sessions, batches and tokenizers keep what they need of their model alive.
 *
 * Threads. A function that takes a handle as pointer to const may be called from any number of
 * threads at once; with other functions only one call at a time may be in the handle. A session
 * notices a second call and refuses it. Destroying a handle must be the last call that uses it.
 *
 * Callbacks. Get the caller's `user` first. They run on the thread that called the library unless
 * told otherwise, must return normally (no exception, no longjmp), and must not call the library
 * with the session or options they are called for, but for gemma4_session_cancel.
 *
 * fork(). A child of a process that holds a model must not use it: its threads are gone. It may
 * load its own.
 */
#ifndef GEMMA4_H
#define GEMMA4_H

#include <stddef.h>
#include <stdint.h>

/* Since 0.1 all functions are experimental: a later minor version may change them, and the shared
 * library's name then changes with it. */

#if defined(_WIN32) && !defined(GEMMA4_STATIC)
#if defined(GEMMA4_BUILDING)
#define GEMMA4_API __declspec(dllexport)
#else
#define GEMMA4_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define GEMMA4_API __attribute__((visibility("default")))
#else
#define GEMMA4_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------ basic types -- */

/** A number of bytes that says: up to the first zero byte. */
#define GEMMA4_TEXT SIZE_MAX

/** The result of a call. Values never change; new ones are appended. */
typedef int32_t gemma4_status;
enum {
  GEMMA4_OK = 0,
  GEMMA4_ERROR_INVALID_ARGUMENT = 1, /**< the caller's option, token, text or handle is unusable */
  GEMMA4_ERROR_IO = 2,               /**< a file cannot be opened, read or written */
  GEMMA4_ERROR_FORMAT = 3,           /**< a file is damaged, or its parts contradict each other */
  GEMMA4_ERROR_UNSUPPORTED = 4,      /**< a valid file or option that this build cannot handle */
  GEMMA4_ERROR_OUT_OF_MEMORY = 5,    /**< the operating system gave no memory */
  GEMMA4_ERROR_BUDGET_EXCEEDED = 6,  /**< the memory plan is larger than the budget */
  GEMMA4_ERROR_CONTEXT_FULL = 7,     /**< the tokens do not fit into the session's context */
  GEMMA4_ERROR_CANCELLED = 8,        /**< stopped by the caller or by one of its callbacks */
  GEMMA4_ERROR_INTERNAL = 9          /**< a defect of the library; please report it */
};

/** What went wrong, for people. The caller's own; only struct_size is to be set. */
typedef struct gemma4_error {
  uint64_t struct_size;
  gemma4_status status;   /**< what the function returned */
  uint32_t message_bytes; /**< of `message`, without its zero byte */
  /** Names the file, the item, the expected and the found value. Ends with a zero byte; a longer
   * message is cut between characters. */
  char message[1008];
} gemma4_error;

/** A text of the library's. How long it lives is said where it is given. */
typedef struct gemma4_text {
  const char* data; /**< never NULL in a result */
  size_t bytes;
} gemma4_text;

/** A token's id, 0 ... vocabulary size - 1. */
typedef int32_t gemma4_token;

typedef struct gemma4_canceller gemma4_canceller;   /**< cancels a load or a packing */
typedef struct gemma4_model gemma4_model;           /**< a checkpoint in memory */
typedef struct gemma4_inspection gemma4_inspection; /**< facts about a checkpoint on disk */
typedef struct gemma4_tokenizer gemma4_tokenizer;   /**< text to tokens and back */
typedef struct gemma4_chat gemma4_chat;             /**< messages, and tools the model may call */
typedef struct gemma4_session gemma4_session;       /**< a conversation with a model */
typedef struct gemma4_batch gemma4_batch;           /**< passes that several sessions share */

/* ---------------------------------------------------------------------------------- version -- */

#define GEMMA4_ABI_VERSION 1 /**< of this header; changes when old programs cannot run any more */

/** The library's version, "major.minor.patch"; a static string. */
GEMMA4_API const char* gemma4_version(void);

/** GEMMA4_ABI_VERSION of the header that the library was built with. */
GEMMA4_API uint32_t gemma4_abi_version(void);

/** Version, compiler, processor family and optional parts of the build; a static string for people,
 * on one line. */
GEMMA4_API const char* gemma4_build_info(void);

/** The name of a value, "invalid_argument", "ok" ...; a static string, "unknown" for others. */
GEMMA4_API const char* gemma4_status_name(gemma4_status status);

/* ------------------------------------------------------------------------------------ model -- */

/** Which kernels compute. All give the same bits; they differ in speed. */
enum {
  GEMMA4_ISA_AUTOMATIC = 0, /**< the best that the processor has */
  GEMMA4_ISA_SCALAR = 1,    /**< plain C++, everywhere */
  GEMMA4_ISA_AVX2 = 2,      /**< x86-64 with AVX2, FMA and F16C */
  GEMMA4_ISA_AVX512 = 3,    /**< x86-64 with AVX-512 F, BW, VL, DQ and VNNI */
  GEMMA4_ISA_NEON = 4,      /**< 64-bit Arm */
  GEMMA4_ISA_AVXVNNI = 5    /**< x86-64 with AVX2 and AVX-VNNI */
};

/** The name of an instruction set, "scalar", "avx2" ...; a static string, "unknown" for others. */
GEMMA4_API const char* gemma4_isa_name(int32_t isa);

/** Who computes the matrix products of long prompts. */
enum {
  GEMMA4_PREFILL_EXACT = 0, /**< the library: the same bits however the prompt is cut */
  GEMMA4_PREFILL_ONEDNN = 1 /**< oneDNN, whose rounding is its own; not in every build */
};

/** What quantised matrices meet: activations as integers in blocks of 32 that share a scale. Part
 * of the arithmetic, so the choice shows in the results. */
enum {
  GEMMA4_ACTIVATIONS_AUTOMATIC = 0, /**< what the checkpoint is made for */
  GEMMA4_ACTIVATIONS_INT8 = 1,      /**< what Q4_0 was trained with */
  GEMMA4_ACTIVATIONS_INT16 = 2      /**< finer, for twice the arithmetic */
};

/** The name of GEMMA4_ACTIVATIONS_*, "auto", "int8" ...; a static string, "unknown" for others. */
GEMMA4_API const char* gemma4_activations_name(int32_t activations);

/** How matrices are kept that the checkpoint has unquantised, as BF16, F16 or F32. */
enum {
  GEMMA4_STORED_EXACT = 0, /**< as they are */
  GEMMA4_STORED_Q4_0 = 1,  /**< 4.5 bits per weight */
  GEMMA4_STORED_Q8_0 = 2,  /**< 8.5 bits */
  GEMMA4_STORED_Q6_K = 3   /**< 6.6 bits, for rows of a multiple of 256; UNSUPPORTED for others */
};

enum {
  GEMMA4_LOG_INFO = 1,   /**< what was chosen: kernels, files, what of a file is not used */
  GEMMA4_LOG_WARNING = 2 /**< something asked for could not be had; the call went on without it */
};

/** Called with a line of text for people, without a line end; it lives during the call and ends
 * with a zero byte. `level`: GEMMA4_LOG_*. Some lines per file, never per token. Must not call the
 * library. */
typedef void (*gemma4_log)(void* user, int32_t level, const char* line, size_t line_bytes);

/** Called with the bytes done and the bytes there are; a result other than 0 cancels. */
typedef int32_t (*gemma4_progress)(void* user, uint64_t done_bytes, uint64_t total_bytes);

/** The host's threads instead of the library's. Results are the same bits with any executor. The
 * struct is copied; the functions are called as long as the model lives. */
typedef struct gemma4_executor {
  uint64_t struct_size;
  void* user;
  int32_t concurrency; /**< how many calls parallel_for may run at the same time, 1 ... 1024 */
  int32_t reserved;    /**< 0 */
  /** Calls call(context, index) once for every index < count (count <= concurrency), on any
   * threads, the calling one included, at the same time or one after another, and returns when all
   * calls have returned. The library never calls it from two threads at a time. */
  void (*parallel_for)(void* user, int32_t count, void (*call)(void* context, int32_t index),
                       void* context);
  /** May be NULL. Called once when the library is done with the executor: when the model is freed,
   * on whatever thread does that, or when gemma4_model_load fails; but not if it refuses this
   * struct or gemma4_allocator itself, or the struct_size or unknown fields of the options. */
  void (*release)(void* user);
} gemma4_executor;

/** The host's memory instead of the operating system's, for everything that gemma4_memory_plan
 * counts, to the byte: weights and tables when a model is loaded, KV cache (page by page) and
 * workspace when a session or a batch is made, pages of the prefix cache as it keeps them. Not for
 * the weights of a packed file, which are mapped, and not for small objects (vocabulary, file
 * headers, handles), which come from operator new. Results are the same bits. The struct is copied.
 * The functions are called on the threads that call the library, from several at a time; never
 * while tokens are generated, but for the prefix cache. They must not call the library. */
typedef struct gemma4_allocator {
  uint64_t struct_size;
  void* user;
  /** Gives `bytes` (at least 1) of memory aligned to `alignment` (a power of two: 64 in this
   * version), or NULL: the call that needed it ends with OUT_OF_MEMORY and leaves everything as it
   * was. What the memory holds does not matter: the library clears what must be zero. */
  void* (*allocate)(void* user, uint64_t bytes, uint64_t alignment);
  /** Takes back what allocate gave, with the same numbers: each block once, on any thread, the last
   * ones when the model and its last session are gone. */
  void (*deallocate)(void* user, void* memory, uint64_t bytes, uint64_t alignment);
  /** May be NULL. Called once when the library is done with the allocator, after the last
   * deallocate: when the model and all its memory is freed, on whatever thread does that, or when
   * gemma4_model_load fails; but not if it refuses this struct or gemma4_executor itself, or the
   * struct_size or unknown fields of the options. */
  void (*release)(void* user);
} gemma4_allocator;

typedef struct gemma4_load_options {
  uint64_t struct_size;
  int32_t threads; /**< threads that compute, the caller's included; 0 = the cores there are */
  int32_t isa;     /**< GEMMA4_ISA_*; one that the processor lacks gives UNSUPPORTED */
  uint64_t memory_budget_bytes; /**< BUDGET_EXCEEDED if the weights are larger; 0 = no limit */
  /** The model's MTP assistant, a GGUF file: it guesses tokens that the model then checks several
   * at a time. May be NULL. */
  const char* assistant_path;
  size_t assistant_path_bytes; /**< or GEMMA4_TEXT */
  /** A file that gemma4_pack made of this model, or the folder that holds it; used if it fits, else
   * ignored. May be NULL. */
  const char* packed_path;
  size_t packed_path_bytes;          /**< or GEMMA4_TEXT */
  gemma4_progress on_progress;       /**< may be NULL */
  void* on_progress_user;            /**< for on_progress */
  const gemma4_canceller* canceller; /**< stops the load from another thread; may be NULL */
  const gemma4_executor* executor;   /**< `threads` is ignored then; may be NULL */
  int32_t prefill;                   /**< GEMMA4_PREFILL_* */
  int32_t activations;               /**< GEMMA4_ACTIVATIONS_*, of the model and its assistant */
  /** Memory for rows of prompts that sessions have evaluated. A prompt that begins like an earlier
   * one (in pieces of 64 tokens) takes these rows and evaluates the rest: the same bits, sooner.
   * Whoever may send prompts to the model can find out by the time they take how others began. 0 =
   * none is kept. */
  uint64_t prefix_cache_bytes;
  int32_t
      embedding_storage; /**< GEMMA4_STORED_*: the embedding, and the head where it is another */
  int32_t layer_storage; /**< GEMMA4_STORED_*: all other matrices; neither for a packed file */
  int32_t assistant_embedding_storage; /**< the same of the assistant */
  int32_t assistant_layer_storage;
  const gemma4_allocator* allocator; /**< whose memory is taken; NULL = the operating system's */
  /** Told why a packed file was ignored, what of the files is not used, which kernels compute. May
   * be NULL: nobody is told. */
  gemma4_log log;
  void* log_user; /**< for log */
} gemma4_load_options;

/** Makes a canceller, for any number of loads, packings and restores; gemma4_canceller_destroy
 * frees it. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_canceller_create(gemma4_canceller** out, gemma4_error* error);

/** Cancels what uses the canceller, now and later. From any thread. NULL does nothing. */
GEMMA4_API void gemma4_canceller_cancel(const gemma4_canceller* canceller);

/** Frees the canceller; a load that uses it goes on. NULL does nothing. */
GEMMA4_API void gemma4_canceller_destroy(gemma4_canceller* canceller);

/** Reads a GGUF file (of a split checkpoint the first) or a Hugging Face folder (config.json,
 * tokenizer.json, safetensors), or maps a packed file, which then must not be changed while the
 * model lives. The thread comes back when all is read. A model is immutable: any number of sessions
 * on any threads may use it.
 * Errors: IO, FORMAT, UNSUPPORTED, OUT_OF_MEMORY, BUDGET_EXCEEDED, CANCELLED, INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_model_load(const char* path, size_t path_bytes,
                                           const gemma4_load_options* options, gemma4_model** out,
                                           gemma4_error* error);

/** Gives the handle back. The weights are freed with the last session or batch made of it. NULL
 * does nothing. */
GEMMA4_API void gemma4_model_destroy(gemma4_model* model);

/** Facts about a model. The texts live as long as the handle they were asked of. */
typedef struct gemma4_model_info {
  uint64_t struct_size;
  gemma4_text architecture; /**< "gemma4" */
  gemma4_text name;         /**< what the file calls itself; may be empty */
  gemma4_text path;
  gemma4_text packed_path; /**< the packed file that the weights are mapped from; empty: none */
  uint64_t parameters, file_bytes, tensors;
  uint32_t layers, hidden_size, query_heads, vocabulary_size, context_limit, sliding_window;
  float logit_softcap, norm_epsilon, rope_base, rope_base_sliding;
  int32_t isa;     /**< the kernels in use, GEMMA4_ISA_*; 0 of an inspection */
  int32_t threads; /**< threads that compute; 0 of an inspection */
  int32_t has_assistant;
  int32_t activations; /**< in use, GEMMA4_ACTIVATIONS_*; not automatic */
} gemma4_model_info;

/** Facts about a model's assistant. The texts live as long as the handle they were asked of. */
typedef struct gemma4_assistant_info {
  uint64_t struct_size;
  gemma4_text name; /**< what the file calls itself; may be empty */
  gemma4_text path;
  gemma4_text packed_path; /**< the packed file that the weights are mapped from; empty: none */
  uint64_t parameters, file_bytes, tensors;
  uint32_t layers, hidden_size, query_heads;
  uint32_t centroids;  /**< clusters its head chooses from first; 0: none */
  int32_t activations; /**< in use, GEMMA4_ACTIVATIONS_*; not automatic */
  int32_t reserved;
} gemma4_assistant_info;

/** Facts about one layer. */
typedef struct gemma4_layer_info {
  uint64_t struct_size;
  int32_t full_attention;       /**< 0: sliding window */
  int32_t shares_kv_projection; /**< V is made from the raw K projection */
  uint32_t kv_heads, head_size, feed_forward;
  uint32_t reserved;
} gemma4_layer_info;

/** Facts about the model, which it has from its file. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_model_describe(const gemma4_model* model, gemma4_model_info* out,
                                               gemma4_error* error);

/** Facts about the model's assistant. Errors: INVALID_ARGUMENT, also if it has none. */
GEMMA4_API gemma4_status gemma4_model_describe_assistant(const gemma4_model* model,
                                                         gemma4_assistant_info* out,
                                                         gemma4_error* error);

/** Facts about layer 0 ... layers - 1 of the model. Errors: INVALID_ARGUMENT, also for another
 * layer. */
GEMMA4_API gemma4_status gemma4_model_describe_layer(const gemma4_model* model, uint32_t layer,
                                                     gemma4_layer_info* out, gemma4_error* error);

/** Facts about layer 0 ... layers - 1 of the model's assistant; its KV heads are the model's, whose
 * cache it reads. Errors: INVALID_ARGUMENT, also for another layer or without an assistant. */
GEMMA4_API gemma4_status gemma4_model_describe_assistant_layer(const gemma4_model* model,
                                                               uint32_t layer,
                                                               gemma4_layer_info* out,
                                                               gemma4_error* error);

/* --------------------------------------------------------------------------------- sampling -- */

typedef struct gemma4_logit_bias {
  gemma4_token token;
  float bias; /**< added to the token's logit; -infinity forbids it */
} gemma4_logit_bias;

/** How the next token is chosen. A choice is a pure function of logits, options, seed, position and
 * earlier tokens. All zero: greedy. */
typedef struct gemma4_sampling {
  uint64_t struct_size;
  uint64_t seed;
  float temperature;        /**< 0 = the largest logit, the lowest id on ties */
  int32_t top_k;            /**< keep the k most probable; 0 = all */
  float top_p;              /**< keep the smallest set whose probability reaches p; 0 or 1 = all */
  float min_p;              /**< keep tokens with this share of the best probability; 0 = all */
  float repetition_penalty; /**< earlier tokens' logits: divided if positive, else multiplied; 0 or
                               1 = off */
  float presence_penalty;   /**< subtracted once from logits of earlier tokens */
  float frequency_penalty;  /**< subtracted once per earlier occurrence */
  int32_t penalty_window;   /**< how many of the latest tokens count as earlier; 0 = 64, -1 = all */
  const gemma4_logit_bias* logit_bias; /**< [logit_bias_count], copied; may be NULL if 0 */
  size_t logit_bias_count;
  const gemma4_token*
      suppress; /**< [suppress_count] never chosen, besides the model's own; copied */
  size_t suppress_count;
} gemma4_sampling;

/** What the file recommends, or Gemma 4's own: temperature 1, top_k 64, top_p 0.95. `suppress`
 * lives as long as the handle. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_model_recommended_sampling(const gemma4_model* model,
                                                           gemma4_sampling* out,
                                                           gemma4_error* error);

/* ------------------------------------------------------------------------------ speculation -- */

/** The longest draft. */
#define GEMMA4_MOST_DRAFTS 7

/** How many tokens are guessed before the model checks them. Changes speed, never results. */
enum {
  GEMMA4_DEPTH_AUTOMATIC = 0, /**< as many as pay, from measured times; none when none do */
  GEMMA4_DEPTH_OFF = -1       /**< one token after another */
  /* 1 ... GEMMA4_MOST_DRAFTS: always as many as the drafter gives, at most this many */
};

/** Who guesses. */
enum {
  GEMMA4_DRAFTER_AUTOMATIC = 0, /**< n-gram lookup, and the model's assistant if it has one */
  GEMMA4_DRAFTER_MTP = 1,       /**< the assistant; INVALID_ARGUMENT when the model has none */
  GEMMA4_DRAFTER_NGRAM = 2,     /**< repeats what followed the latest tokens earlier */
  GEMMA4_DRAFTER_NONE = 3,      /**< nobody */
  GEMMA4_DRAFTER_CUSTOM = 4     /**< gemma4_drafter alone */
};

/** For gemma4_draft_add: the drafter does not say how sure it is. */
#define GEMMA4_UNKNOWN_CONFIDENCE (-1.0f)

typedef struct gemma4_draft gemma4_draft; /**< the draft being made; lives during propose */

/** What a drafter may know. Lives during the call. */
typedef struct gemma4_draft_request {
  uint64_t struct_size;       /**< set by the library */
  const gemma4_token* tokens; /**< [token_count] the context; the model has not seen the last yet */
  size_t token_count;         /**< at least 1; the first token to propose stands here */
  float temperature;          /**< how the model's token will be chosen; 0 = greedy */
  uint32_t most;              /**< no more than this many are wanted, 1 ... GEMMA4_MOST_DRAFTS */
  const gemma4_sampling* sampling; /**< all of how it will be chosen; `suppress` without the model's
                                      own */
} gemma4_draft_request;

/** A drafter of the caller's. Copied; the functions are called while the session lives, on the
 * thread that generates, never two at a time. */
typedef struct gemma4_drafter {
  uint64_t struct_size;
  void* user;
  /** Proposes tokens with gemma4_draft_add, or none. Speed is its only duty: the model waits. A
   * result other than 0 ends the call in progress with CANCELLED; the session is as it was before
   * that call, and the next one asks again. */
  int32_t (*propose)(void* user, const gemma4_draft_request* request, gemma4_draft* draft);
  /** May be NULL. What became of the last draft of which something was checked: draft[count] is
   * what was checked, the model chose the first `accepted` of it too. rejected = 1: it chose
   * another token in place of the next; 0: it was not asked further. */
  void (*verified)(void* user, const gemma4_token* draft, uint32_t count, uint32_t accepted,
                   int32_t rejected);
  /** May be NULL. All tokens from `position` on were forgotten; others may stand there now. */
  void (*rewound)(void* user, uint32_t position);
  /** May be NULL. Called once: when the session is gone, or when gemma4_session_create fails; but
   * not if it refuses this struct itself, or the struct_size or unknown fields of the options. */
  void (*release)(void* user);
} gemma4_drafter;

/** Proposes the next token. `confidence`: how probable it is, 0 ... 1, that the model chooses it if
 * all before it are right, or GEMMA4_UNKNOWN_CONFIDENCE. Returns 1, or 0: enough, more are ignored.
 * Only during propose. */
GEMMA4_API int32_t gemma4_draft_add(gemma4_draft* draft, gemma4_token token, float confidence);

/** For a drafter around the session's own (gemma4_session_options.drafter_functions): the own
 * drafter's proposal. Writes up to `capacity` tokens and, unless `confidences` is NULL, as many
 * confidences; returns their number. 0 for a drafter that stands alone. Only during propose; once.
 */
GEMMA4_API uint32_t gemma4_draft_ask_own(gemma4_draft* draft, gemma4_token* tokens,
                                         float* confidences, uint32_t capacity);

/* ----------------------------------------------------------------------------------- memory -- */

/** How rows of the KV cache are stored. */
enum {
  GEMMA4_KV_DEFAULT = 0, /**< f16 */
  GEMMA4_KV_F16 = 1,     /**< IEEE half */
  GEMMA4_KV_F32 = 2,     /**< exact */
  GEMMA4_KV_Q8_0 = 3     /**< 8 bits and a scale for each 32 numbers: half of f16 */
};

enum {
  GEMMA4_CONTEXT_ERROR = 0, /**< CONTEXT_FULL; an answer ends with GEMMA4_FINISH_CONTEXT_FULL */
  /** Room is made: the first tokens stay, the oldest turns behind them go, at least half of the
   * rest; text without turns loses its older half. What is left is evaluated again, so that all
   * that follows is, to the bit, what a new session would give that got these tokens. Tokens that
   * are being added are never dropped and no turn is torn: what cannot fit this way is an error as
   * above. gemma4_statistics counts it. */
  GEMMA4_CONTEXT_SHIFT = 1
};

typedef struct gemma4_session_options {
  uint64_t struct_size;
  uint32_t context_tokens;       /**< tokens it can hold; 0 = 8192, or the model's limit if less */
  int32_t kv;                    /**< GEMMA4_KV_* */
  uint32_t prefill_chunk_tokens; /**< prompt tokens evaluated at once, 1 ... 256; 0 = 256 */
  int32_t depth;                 /**< GEMMA4_DEPTH_*, or tokens of a draft */
  uint64_t memory_budget_bytes;  /**< BUDGET_EXCEEDED if the plan's total is larger; 0 = no limit */
  int32_t drafter;               /**< GEMMA4_DRAFTER_* */
  int32_t reserved;              /**< 0 */
  /** The caller's drafter: alone with GEMMA4_DRAFTER_CUSTOM, around the session's own with any
   * other (gemma4_draft_ask_own). May be NULL. */
  const gemma4_drafter* drafter_functions;
  int32_t context_policy; /**< GEMMA4_CONTEXT_*: what becomes of tokens that do not fit any more */
  /** For GEMMA4_CONTEXT_SHIFT: tokens at the beginning that are never dropped, less than the
   * context; a turn that they end in is kept whole. 0 = bos, and the system's turn behind it. */
  uint32_t keep_first_tokens;
} gemma4_session_options;

/** Exact bytes by part. */
typedef struct gemma4_memory_plan {
  uint64_t struct_size;
  uint64_t weights_bytes;      /**< the model's, shared by all its sessions */
  uint64_t assistant_bytes;    /**< the assistant's, shared likewise */
  uint64_t kv_bytes;           /**< KV cache of one session at its full context */
  uint64_t workspace_bytes;    /**< activations, logits, drafter workspace of one session */
  uint64_t total_bytes;        /**< the sum */
  uint64_t prefix_cache_bytes; /**< gemma4_load_options.prefix_cache_bytes, shared likewise; in the
                                  sum */
} gemma4_memory_plan;

/** What a session with these options will take, to the byte. Takes nothing itself. Errors:
 * INVALID_ARGUMENT naming the option. */
GEMMA4_API gemma4_status gemma4_model_plan(const gemma4_model* model,
                                           const gemma4_session_options* options,
                                           gemma4_memory_plan* out, gemma4_error* error);

/** What a model's prefix cache holds and has done (gemma4_load_options.prefix_cache_bytes). */
typedef struct gemma4_prefix_statistics {
  uint64_t struct_size;
  uint64_t budget_bytes, held_bytes;
  uint64_t held_tokens;    /**< in pieces of 64; beginnings in common count once */
  uint64_t lookups;        /**< prompts of at least 64 new tokens */
  uint64_t hits;           /**< of those, prompts whose beginning was found */
  uint64_t reused_tokens;  /**< tokens that were not evaluated for it */
  uint64_t evicted_tokens; /**< given up for newer ones */
} gemma4_prefix_statistics;

/** What the prefix cache of a model did; all 0 without one. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_model_prefix_statistics(const gemma4_model* model,
                                                        gemma4_prefix_statistics* out,
                                                        gemma4_error* error);

/* ------------------------------------------------------------------------ files, unloaded -- */

/** What a file is and what a session on it will take, without reading its weights. `assistant_path`
 * may be NULL. Errors: IO, FORMAT, UNSUPPORTED, OUT_OF_MEMORY, INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_inspection_create(const char* path, size_t path_bytes,
                                                  const char* assistant_path,
                                                  size_t assistant_path_bytes,
                                                  const gemma4_session_options* options,
                                                  gemma4_inspection** out, gemma4_error* error);

/** The same as gemma4_model_load would take the file with these options, of which assistant_path,
 * prefix_cache_bytes, activations and the _storage fields count, and no other. Errors: as above. */
GEMMA4_API gemma4_status gemma4_inspection_create_for(const char* path, size_t path_bytes,
                                                      const gemma4_load_options* load,
                                                      const gemma4_session_options* options,
                                                      gemma4_inspection** out, gemma4_error* error);

/** Frees the inspection and the texts that it gave. NULL does nothing. */
GEMMA4_API void gemma4_inspection_destroy(gemma4_inspection* inspection);

/** What the model and a session with the options of the inspection will take. Errors:
 * INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_inspection_plan(const gemma4_inspection* inspection,
                                                gemma4_memory_plan* out, gemma4_error* error);

/** As gemma4_model_describe; isa and threads are 0. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_inspection_describe(const gemma4_inspection* inspection,
                                                    gemma4_model_info* out, gemma4_error* error);

/** As gemma4_model_describe_assistant. Errors: INVALID_ARGUMENT, also if no assistant was named. */
GEMMA4_API gemma4_status gemma4_inspection_describe_assistant(const gemma4_inspection* inspection,
                                                              gemma4_assistant_info* out,
                                                              gemma4_error* error);

/** As gemma4_model_describe_layer. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_inspection_describe_layer(const gemma4_inspection* inspection,
                                                          uint32_t layer, gemma4_layer_info* out,
                                                          gemma4_error* error);

/** As gemma4_model_describe_assistant_layer. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status
gemma4_inspection_describe_assistant_layer(const gemma4_inspection* inspection, uint32_t layer,
                                           gemma4_layer_info* out, gemma4_error* error);

/** As gemma4_model_recommended_sampling; `suppress` lives as long as the inspection. Errors:
 * INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_inspection_recommended_sampling(const gemma4_inspection* inspection,
                                                                gemma4_sampling* out,
                                                                gemma4_error* error);

/** One tensor of the file. The texts live as long as the inspection. */
typedef struct gemma4_tensor_info {
  uint64_t struct_size;
  gemma4_text name, type;
  uint64_t shape[4]; /**< contiguous dimension first; 0 behind the last */
  uint64_t bytes;
} gemma4_tensor_info;

/** Tensor 0 ... tensors - 1 of the model's file. Errors: INVALID_ARGUMENT, also for another one. */
GEMMA4_API gemma4_status gemma4_inspection_describe_tensor(const gemma4_inspection* inspection,
                                                           uint64_t tensor, gemma4_tensor_info* out,
                                                           gemma4_error* error);

/** The embedding as it will be held: its type and bytes are the plan's. Errors: INVALID_ARGUMENT.
 */
GEMMA4_API gemma4_status gemma4_inspection_describe_embedding(const gemma4_inspection* inspection,
                                                              gemma4_tensor_info* out,
                                                              gemma4_error* error);

/** What of the files is not used, for people: "vision: 434 tensors, ...". Writes text `note` of the
 * `count` there are, which lives as long as the inspection and is empty for note >= count. Errors:
 * INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_inspection_note(const gemma4_inspection* inspection, size_t note,
                                                gemma4_text* text, size_t* count,
                                                gemma4_error* error);

typedef struct gemma4_pack_options {
  uint64_t struct_size;
  int32_t threads;                   /**< 0 = the cores there are */
  int32_t reserved;                  /**< 0 */
  gemma4_progress on_progress;       /**< may be NULL */
  void* on_progress_user;            /**< for on_progress */
  const gemma4_canceller* canceller; /**< stops the work from another thread; may be NULL */
  int32_t embedding_storage;         /**< as in gemma4_load_options, which must ask for the same */
  int32_t layer_storage;
  gemma4_log log; /**< told what was written and what was left out; may be NULL */
  void* log_user; /**< for log */
} gemma4_pack_options;

/** Writes the weights of a model or an assistant as a file that loads in a moment and shares its
 * memory between processes. `out_path`: a file, a folder, or NULL: beside the model, its name with
 * the suffix .g4pack. The file appears whole or not at all; what an error or a cancel leaves
 * unfinished is gone on return, its space on the disk up to a second later. `bytes`, its size, may
 * be NULL.
 * Errors: as gemma4_model_load. */
GEMMA4_API gemma4_status gemma4_pack(const char* path, size_t path_bytes, const char* out_path,
                                     size_t out_path_bytes, const gemma4_pack_options* options,
                                     uint64_t* bytes, gemma4_error* error);

/** Reads a packed file to the last byte and compares it with its checksum, which loading does not.
 * `bytes`, its size, may be NULL. Of the options only on_progress and canceller count. Errors:
 * FORMAT when they differ or the file is none, IO, UNSUPPORTED, OUT_OF_MEMORY, CANCELLED,
 * INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_verify_packed(const char* path, size_t path_bytes,
                                              const gemma4_pack_options* options, uint64_t* bytes,
                                              gemma4_error* error);

/* -------------------------------------------------------------------------------- tokenizer -- */

/** What encoding makes of the texts of special tokens ("<bos>", "<|turn>" ...) inside the input. */
enum {
  GEMMA4_SPECIAL_USER_DEFINED = 0, /**< only the visible ones become tokens: for plain text */
  GEMMA4_SPECIAL_ALL = 1,          /**< all become tokens: for rendered prompts and trusted text */
  GEMMA4_SPECIAL_NONE = 2          /**< none does: for untrusted content */
};

/** The tokenizer of a GGUF file, which may hold a vocabulary only, or of a folder. Errors: IO,
 * FORMAT, UNSUPPORTED, OUT_OF_MEMORY, INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_tokenizer_load(const char* path, size_t path_bytes,
                                               gemma4_tokenizer** out, gemma4_error* error);

/** The tokenizer of a model: a handle of its own to the same vocabulary, which it keeps. Errors:
 * INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_tokenizer_of(const gemma4_model* model, gemma4_tokenizer** out,
                                             gemma4_error* error);

/** Gives the handle back. NULL does nothing. */
GEMMA4_API void gemma4_tokenizer_destroy(gemma4_tokenizer* tokenizer);

/** The tokens of a text of less than 4 GiB, without bos. Writes the first `capacity` of them to
 * `tokens` (may be NULL if 0) and their full number to `count`; call again if it is larger.
 * `special`: GEMMA4_SPECIAL_*. An invalid byte becomes its byte token. Errors: INVALID_ARGUMENT,
 * OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_tokenizer_encode(const gemma4_tokenizer* tokenizer,
                                                 const char* text, size_t text_bytes,
                                                 int32_t special, gemma4_token* tokens,
                                                 size_t capacity, size_t* count,
                                                 gemma4_error* error);

/** The bytes of tokens put together; control tokens give nothing unless `special` is 1. Writes the
 * first `capacity` bytes to `text` (may be NULL if 0), no zero byte after them, and the full number
 * to `bytes`; call again if it is larger. Byte tokens may leave incomplete UTF-8. Errors:
 * INVALID_ARGUMENT, also for an id outside the vocabulary, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_tokenizer_decode(const gemma4_tokenizer* tokenizer,
                                                 const gemma4_token* tokens, size_t count,
                                                 int32_t special, char* text, size_t capacity,
                                                 size_t* bytes, gemma4_error* error);

/** Number of tokens; 0 for NULL. */
GEMMA4_API int32_t gemma4_tokenizer_vocabulary_size(const gemma4_tokenizer* tokenizer);

/** The token every prompt begins with; -1 for NULL. */
GEMMA4_API gemma4_token gemma4_tokenizer_bos(const gemma4_tokenizer* tokenizer);

/** 1 for a token that ends an answer; 0 for others, and for NULL. */
GEMMA4_API int32_t gemma4_tokenizer_ends_generation(const gemma4_tokenizer* tokenizer,
                                                    gemma4_token token);

/* ------------------------------------------------------------------------------------- chat -- */

/** Makes an empty conversation, which knows no model. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_chat_create(gemma4_chat** out, gemma4_error* error);

/** Frees the conversation; sessions have what they took of it. NULL does nothing. */
GEMMA4_API void gemma4_chat_destroy(gemma4_chat* chat);

/** Adds a message. `role`: "system", "developer", "user", "assistant" or "model". What a session
 * makes of it is checked when it is appended there. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_chat_add(gemma4_chat* chat, const char* role, size_t role_bytes,
                                         const char* content, size_t content_bytes,
                                         gemma4_error* error);

/** Adds what a tool gave back: a text, which the model sees as a string. Errors: INVALID_ARGUMENT,
 * OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_chat_add_tool_response(gemma4_chat* chat, const char* name,
                                                       size_t name_bytes, const char* response,
                                                       size_t response_bytes, gemma4_error* error);

/** Adds messages given as OpenAI-style JSON: an array of {"role", "content", "reasoning",
 * "tool_calls", ...}, or an object with "messages" and optionally "tools". On an error nothing is
 * added. Errors: INVALID_ARGUMENT naming the place, UNSUPPORTED for images, audio and video,
 * OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_chat_add_json(gemma4_chat* chat, const char* json,
                                              size_t json_bytes, gemma4_error* error);

/** Declares a tool, OpenAI-style JSON: {"type":"function","function":{"name", "description",
 * "parameters"}} or the inner object alone. Errors: INVALID_ARGUMENT naming the place,
 * OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_chat_declare_tool(gemma4_chat* chat, const char* json,
                                                  size_t json_bytes, gemma4_error* error);

typedef struct gemma4_chat_options {
  uint64_t struct_size;
  int32_t thinking;          /**< the model may think before it answers */
  int32_t preserve_thinking; /**< keep the reasoning of tool calls before the last user message */
  int32_t no_generation_prompt; /**< do not open the model's turn at the end */
  int32_t reserved;             /**< 0 */
} gemma4_chat_options;

/** Replaces the conversation's options. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_chat_set_options(gemma4_chat* chat,
                                                 const gemma4_chat_options* options,
                                                 gemma4_error* error);

/* ---------------------------------------------------------------------------------- session -- */

/** Takes all the memory of gemma4_model_plan(options). After any error of a later call the session
 * is usable and holds what it held before that call, or the part of the prompt evaluated so far.
 * Errors: INVALID_ARGUMENT, BUDGET_EXCEEDED, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_create(const gemma4_model* model,
                                               const gemma4_session_options* options,
                                               gemma4_session** out, gemma4_error* error);

/** Frees the session, its memory and its drafter. NULL does nothing. */
GEMMA4_API void gemma4_session_destroy(gemma4_session* session);

/** Adds messages: all of a conversation to an empty session, later the new ones only. An open turn
 * is closed first; what the model generated stays exactly as it was. Evaluated when needed. This
 * and all that changes the context ends a running generation. Errors: CONTEXT_FULL,
 * INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_append_chat(gemma4_session* session,
                                                    const gemma4_chat* chat, gemma4_error* error);

/** The same with one message. Errors: CONTEXT_FULL, INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_append_message(gemma4_session* session, const char* role,
                                                       size_t role_bytes, const char* content,
                                                       size_t content_bytes, gemma4_error* error);

/** Adds raw text; an empty session gets bos first. `special`: GEMMA4_SPECIAL_*. Errors:
 * CONTEXT_FULL, INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_append_text(gemma4_session* session, const char* text,
                                                    size_t text_bytes, int32_t special,
                                                    gemma4_error* error);

/** Adds tokens[count] as they are. Errors: CONTEXT_FULL, INVALID_ARGUMENT, also for an id outside
 * the vocabulary. */
GEMMA4_API gemma4_status gemma4_session_append_tokens(gemma4_session* session,
                                                      const gemma4_token* tokens, size_t count,
                                                      gemma4_error* error);

typedef struct gemma4_generate_options {
  uint64_t struct_size;
  const gemma4_sampling* sampling;  /**< NULL = greedy */
  uint32_t max_tokens;              /**< 0 = until the model ends or the context is full */
  int32_t ignore_end_of_generation; /**< go on after end tokens (for measurements) */
  const gemma4_text* stop; /**< [stop_count] texts that end the answer and are not part of it */
  size_t stop_count;
} gemma4_generate_options;

enum {
  GEMMA4_EVENT_NONE = 0,      /**< nothing generates */
  GEMMA4_EVENT_TEXT = 1,      /**< `text`: part of the answer, whole UTF-8 characters */
  GEMMA4_EVENT_THINKING = 2,  /**< `text`: part of the thought before the answer */
  GEMMA4_EVENT_TOOL_CALL = 3, /**< `tool_name`, `text`: the arguments as a JSON object */
  GEMMA4_EVENT_END = 4,       /**< `finish_reason`; always the last event */
  GEMMA4_EVENT_WAITING = 5    /**< gemma4_session_next_ready: the next piece takes computing */
};

enum {
  GEMMA4_FINISH_NONE = 0,
  GEMMA4_FINISH_STOP = 1,         /**< the model ended its turn */
  GEMMA4_FINISH_LENGTH = 2,       /**< max_tokens */
  GEMMA4_FINISH_STOP_TEXT = 3,    /**< one of gemma4_generate_options.stop */
  GEMMA4_FINISH_TOOL_CALLS = 4,   /**< the model waits for tool responses */
  GEMMA4_FINISH_CONTEXT_FULL = 5, /**< no room for another token */
  GEMMA4_FINISH_CANCELLED = 6
};

/** The name of a reason, "stop", "length" ...; a static string, "unknown" for others. */
GEMMA4_API const char* gemma4_finish_reason_name(int32_t finish_reason);

/** One piece of an answer. The texts live until the next call with the session. */
typedef struct gemma4_event {
  uint64_t struct_size;
  int32_t kind;          /**< GEMMA4_EVENT_* */
  int32_t finish_reason; /**< GEMMA4_FINISH_* */
  gemma4_text text;
  gemma4_text tool_name;
} gemma4_event;

/** Begins an answer, which gemma4_session_next then makes piece by piece; one that runs already is
 * ended, its tokens stay. The options are copied. Errors: INVALID_ARGUMENT naming the option, and
 * when there is no token to start from; OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_generate(gemma4_session* session,
                                                 const gemma4_generate_options* options,
                                                 gemma4_error* error);

/** The next piece, after as much computing as it takes; GEMMA4_EVENT_NONE after the end. No memory
 * is allocated per token. Errors: INVALID_ARGUMENT; CANCELLED by a drafter of the caller's, after
 * which the next call goes on. (gemma4_session_cancel ends the answer with an event.) */
GEMMA4_API gemma4_status gemma4_session_next(gemma4_session* session, gemma4_event* event,
                                             gemma4_error* error);

/** Like gemma4_session_next if the next piece can be had without evaluating anything, else
 * GEMMA4_EVENT_WAITING: gemma4_batch_evaluate with this session comes first then. Errors:
 * INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_next_ready(gemma4_session* session, gemma4_event* event,
                                                   gemma4_error* error);

/** Ends the running answer; the tokens chosen so far stay. Nothing to do is no error. Errors:
 * INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_stop(gemma4_session* session, gemma4_error* error);

/** Called with each piece; a result other than 0 ends the answer. */
typedef int32_t (*gemma4_on_event)(void* user, const gemma4_event* event);

/** A whole answer by callback: gemma4_session_generate and then gemma4_session_next to the end.
 * `finish_reason` may be NULL; GEMMA4_FINISH_CANCELLED when on_event ended it. The event
 * lives during the call of on_event. Errors: as those two. */
GEMMA4_API gemma4_status gemma4_session_stream(gemma4_session* session,
                                               const gemma4_generate_options* options,
                                               gemma4_on_event on_event, void* user,
                                               int32_t* finish_reason, gemma4_error* error);

/** Called between chunks of a prompt; a result other than 0 cancels. */
typedef int32_t (*gemma4_on_tokens)(void* user, uint32_t done_tokens, uint32_t total_tokens);

/** Evaluates what was appended. Generating does so by itself. `on_tokens` may be NULL. Errors:
 * CANCELLED, what was evaluated stays so; INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_prefill(gemma4_session* session, gemma4_on_tokens on_tokens,
                                                void* user, gemma4_error* error);

/** Called with the logits[count] that follow the token at `position`; they live during the call. A
 * result other than 0 cancels. */
typedef int32_t (*gemma4_on_logits)(void* user, uint32_t position, const float* logits,
                                    uint32_t count);

/** Adds tokens[count], evaluates them at once and hands out the logits after each position. Errors:
 * CANCELLED, CONTEXT_FULL, INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_prefill_tokens(gemma4_session* session,
                                                       const gemma4_token* tokens, size_t count,
                                                       gemma4_on_logits on_logits, void* user,
                                                       gemma4_error* error);

/** The logits[count] that follow the last token, count being the vocabulary's size; they live until
 * the next call with the session. `count` may be NULL. Errors: CANCELLED, INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_logits(gemma4_session* session, const float** logits,
                                               size_t* count, gemma4_error* error);

/** Chooses the next token and adds it. `sampling` may be NULL: greedy. Errors: CONTEXT_FULL,
 * CANCELLED, INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_decode_step(gemma4_session* session,
                                                    const gemma4_sampling* sampling,
                                                    gemma4_token* token, gemma4_error* error);

/** Forgets all tokens from `position` on, and ends the running answer. Down to
 * gemma4_session_earliest_rewind nothing is lost; below it the tokens that are left, all
 * `position` of them, are evaluated again when next needed, to the same bits. Errors:
 * INVALID_ARGUMENT, also when there are fewer. */
GEMMA4_API gemma4_status gemma4_session_rewind(gemma4_session* session, uint32_t position,
                                               gemma4_error* error);

/** The lowest position that gemma4_session_rewind can go back to without losing anything: sliding
 * layers keep their window and a little more, and no earlier rows. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_earliest_rewind(gemma4_session* session, uint32_t* position,
                                                        gemma4_error* error);

/** A second session that holds what this one holds, made for the same options; it has its own
 * handle and is destroyed by itself, in any order. Rows are shared, and copied page by page when
 * one of the two writes; each goes on as if it were alone. A drafter of the caller's stays with
 * the first, the second drafts nothing then. Errors: INVALID_ARGUMENT while an answer is being
 * made (before gemma4_session_generate or after its end it is none), OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_fork(gemma4_session* session, gemma4_session** out,
                                             gemma4_error* error);

/** Writes what the session holds to a file: tokens, rows, the last logits. The file appears whole
 * or not at all, in place of one that was there, and is on the disk when this returns. Options of
 * sampling are not part of it; the same ones draw the same tokens as if nothing had happened.
 * gemma4_session_cancel stops it. The session is not changed in any case. Errors:
 * INVALID_ARGUMENT while an answer is being made, IO, CANCELLED, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_save(gemma4_session* session, const char* path,
                                             size_t path_bytes, gemma4_error* error);

/** Gets the next data[bytes] of a snapshot, at most 1 MiB, which live during the call; a result
 * other than 0 cancels. */
typedef int32_t (*gemma4_write)(void* user, const void* data, size_t bytes);

/** The same bytes to the caller. Errors: INVALID_ARGUMENT, CANCELLED, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_session_save_to(gemma4_session* session, gemma4_write write,
                                                void* user, gemma4_error* error);

/** A session that goes on where the saved one was, to the bit, on any machine. options->kv must be
 * what it was saved with; context_tokens 0 is the saved session's; the rest is free. `canceller`
 * may be NULL; like `options` it is needed during the call only. Errors: IO for a file that cannot
 * be read, FORMAT for a damaged one, UNSUPPORTED for one of another version, INVALID_ARGUMENT for
 * one of another model, quantisation or kind of rows, CANCELLED, and those of
 * gemma4_session_create. */
GEMMA4_API gemma4_status gemma4_session_restore(const gemma4_model* model, const char* path,
                                                size_t path_bytes,
                                                const gemma4_session_options* options,
                                                const gemma4_canceller* canceller,
                                                gemma4_session** out, gemma4_error* error);

/** Fills the beginning of data[bytes] and returns how many bytes it gave; 0: there are no more. */
typedef size_t (*gemma4_read)(void* user, void* data, size_t bytes);

/** The same from the caller, who is not asked for bytes behind the snapshot. Errors: as above but
 * for IO; FORMAT also when it ends too early. */
GEMMA4_API gemma4_status gemma4_session_restore_from(const gemma4_model* model, gemma4_read read,
                                                     void* user,
                                                     const gemma4_session_options* options,
                                                     const gemma4_canceller* canceller,
                                                     gemma4_session** out, gemma4_error* error);

/** Stops what the session is computing: the call in progress ends with CANCELLED, an answer with
 * GEMMA4_FINISH_CANCELLED. From any thread, and from a signal handler. Without effect when nothing
 * runs; NULL does nothing. */
GEMMA4_API void gemma4_session_cancel(const gemma4_session* session);

/** Everything in the context, in order: tokens[count], living until the next call that changes the
 * session. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_tokens(gemma4_session* session, const gemma4_token** tokens,
                                               size_t* count, gemma4_error* error);

/** The limit of the context in tokens; 0 for NULL. */
GEMMA4_API uint32_t gemma4_session_context_tokens(const gemma4_session* session);

/** What a session has done since it was created. Times are wall-clock nanoseconds. */
typedef struct gemma4_statistics {
  uint64_t struct_size;
  uint64_t prefill_tokens; /**< tokens evaluated from prompts */
  uint64_t prefill_ns;
  uint64_t decode_tokens; /**< tokens evaluated while decoding, rejected ones not counted */
  uint64_t decode_ns;     /**< drafting included */
  uint64_t target_steps;  /**< passes over the model's weights while decoding */
  uint64_t drafted;       /**< tokens of drafts that the model checked */
  uint64_t accepted;      /**< of those, tokens that the model chose too */
  uint64_t draft_ns;      /**< of decode_ns: in the drafter */
  uint64_t verify_ns;     /**< of decode_ns: in passes that checked a draft */
  /** By place in the draft, the first GEMMA4_MOST_DRAFTS in use: drafts that had a token there, and
   * those of which it and all before it were accepted. */
  uint64_t offered_at[16], accepted_at[16];
  uint64_t depths[16]; /**< passes by the tokens drafted for them, 0 ... GEMMA4_MOST_DRAFTS */
  double prefill_tokens_per_second, decode_tokens_per_second; /**< 0 = unknown */
  double tokens_per_target_step;                              /**< 0 = unknown */
  double speedup_over_plain;   /**< times faster than without drafts; 0 = unknown */
  uint64_t reused_tokens;      /**< tokens of prompts whose rows came from the prefix cache */
  uint64_t shifts;             /**< times that a full context made room (GEMMA4_CONTEXT_SHIFT) */
  uint64_t dropped_tokens;     /**< tokens that it lost by them */
  uint64_t reprocessed_tokens; /**< tokens that stayed and had to be evaluated again */
} gemma4_statistics;

/** What the session has done so far; a fork begins at 0. Errors: INVALID_ARGUMENT. */
GEMMA4_API gemma4_status gemma4_session_statistics(gemma4_session* session, gemma4_statistics* out,
                                                   gemma4_error* error);

/* ------------------------------------------------------------------------------------ batch -- */

/* Several sessions, one reading of the weights:
 *
 *   gemma4_session_generate(...);                       for each session
 *   while (count > 0) {
 *     gemma4_batch_evaluate(batch, running, count, &error);
 *     for each running session:
 *       while (!gemma4_session_next_ready(running[i], &event, &error) &&
 *              event.kind != GEMMA4_EVENT_WAITING && event.kind != GEMMA4_EVENT_END) ...;
 *     take those out of running[count] whose event was GEMMA4_EVENT_END
 *   }
 */

typedef struct gemma4_batch_options {
  uint64_t struct_size;
  /** Rows of a pass, 8 ... 256: one for every session and one for every token it drafts. More are
   * taken in several passes. 0 = 32. */
  uint32_t rows;
  uint32_t context_tokens; /**< the largest context of a session that takes part; 0 = as in
                              gemma4_session_options */
} gemma4_batch_options;

/** Takes the memory that passes are computed in; knows no session between two calls, and keeps the
 * model alive. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
GEMMA4_API gemma4_status gemma4_batch_create(const gemma4_model* model,
                                             const gemma4_batch_options* options,
                                             gemma4_batch** out, gemma4_error* error);

/** Frees the batch; the sessions that took part go on. NULL does nothing. */
GEMMA4_API void gemma4_batch_destroy(gemma4_batch* batch);

/** What a batch takes beside the model and its sessions: workspace_bytes, and total_bytes, which
 * is the same. Errors: INVALID_ARGUMENT naming the option. */
GEMMA4_API gemma4_status gemma4_batch_plan(const gemma4_model* model,
                                           const gemma4_batch_options* options,
                                           gemma4_memory_plan* out, gemma4_error* error);

/** Evaluates the last token of sessions[count], so that gemma4_session_next_ready,
 * gemma4_session_decode_step and gemma4_session_logits have their logits at once: the bits that
 * each would get alone, for one reading of the weights. Sessions that have them already are left
 * alone; a prompt that is not evaluated yet is evaluated by its session alone first. Sessions draft
 * if their depth is fixed, and not with GEMMA4_DEPTH_AUTOMATIC, which weighs passes of one session.
 * During the call it is the one call in each of the sessions, and the one in the batch. `sessions`
 * may be NULL if `count` is 0. No memory is allocated per token.
 * Errors: INVALID_ARGUMENT for a session twice, of another model, of a larger context, without a
 * token or in another call; CANCELLED, also by the caller's drafters. The sessions are as they were
 * then, or have logits. */
GEMMA4_API gemma4_status gemma4_batch_evaluate(gemma4_batch* batch, gemma4_session* const* sessions,
                                               size_t count, gemma4_error* error);

/** Stops gemma4_batch_evaluate. From any thread, and from a signal handler. Without effect when
 * nothing runs; NULL does nothing. (gemma4_session_cancel stops only the prompt that its session
 * evaluates alone.) */
GEMMA4_API void gemma4_batch_cancel(const gemma4_batch* batch);

#ifdef __cplusplus
}
#endif

#endif /* GEMMA4_H */
