#include "arguments.hpp"

#include <algorithm>

#include "measure.hpp"
#include "model_path.hpp"
#include "progress.hpp"

namespace cli {

void ModelArguments::declare(OptionTable& table, bool with_json) {
  table.section("Model:");
  table.text(
      "--model", "PATH",
      "a GGUF file or a Hugging Face folder; default: $GEMMA4_MODEL, else the tiny model that "
      "comes with the program",
      model);
  if (!with_json) return;
  table.flag("--json", "print one JSON object on standard output and nothing else", json);
}

std::string ModelArguments::path() const { return model ? *model : default_model_path(); }

void AssistantArguments::declare(OptionTable& table) {
  table.text(
      "--assistant", "PATH",
      "the model's MTP assistant, or none; default: the file or folder beside the model that "
      "is named *assistant* or mtp-* and fits it, when there is exactly one",
      assistant);
}

std::string AssistantArguments::path(const std::string& model) const {
  if (!assistant) return assistant_beside(model);
  return *assistant == "none" ? "" : *assistant;
}

namespace {

const std::vector<std::pair<std::string, gemma4::StoredAs>> kStoredAs = {
    {"exact", gemma4::StoredAs::exact},
    {"q4_0", gemma4::StoredAs::q4_0},
    {"q8_0", gemma4::StoredAs::q8_0},
    {"q6_k", gemma4::StoredAs::q6_k}};

}  // namespace

void StorageArguments::declare(OptionTable& table) {
  table.choice("--embedding-as",
               "quantise an embedding and head that the model has as BF16, F16 or F32; default: "
               "exact",
               kStoredAs, model.embedding);
  table.choice("--layers-as", "the same for all other matrices", kStoredAs, model.layers);
}

void AssistantStorageArguments::declare(OptionTable& table) {
  table.choice("--assistant-as", "the same for all matrices of the assistant", kStoredAs, stored);
}

void ActivationArguments::declare(OptionTable& table) {
  table.choice<gemma4::ActivationType>(
      "--activations",
      "integers that quantised matrices meet; int16 is closer to exact arithmetic and works twice "
      "as much; default: auto, what the model is made for",
      {{"auto", gemma4::ActivationType::automatic},
       {"int8", gemma4::ActivationType::int8},
       {"int16", gemma4::ActivationType::int16}},
      type);
}

void LoadArguments::declare(OptionTable& table, bool with_json) {
  ModelArguments::declare(table, with_json);
  assistant.declare(table);
  storage.declare(table);
  assistant_storage.declare(table);
  table.integer("--threads", "N", "threads that compute; default: the cores this process may use",
                1, 1024, threads);
  table.choice<gemma4::Isa>("--isa", "kernels to use; default: auto, the best the processor has",
                            {{"auto", gemma4::Isa::automatic},
                             {"scalar", gemma4::Isa::scalar},
                             {"avx2", gemma4::Isa::avx2},
                             {"avxvnni", gemma4::Isa::avxvnni},
                             {"avx512", gemma4::Isa::avx512},
                             {"neon", gemma4::Isa::neon}},
                            isa);
  activations.declare(table);
  table.bytes("--memory-budget", "refuse to take more memory than this (1000000, 512M, 16G)",
              memory_budget_bytes);
  unused_.declare(table, /*listed=*/false);
}

gemma4::Model LoadArguments::load(double* seconds) const {
  gemma4::LoadOptions options;
  options.threads = threads;
  options.isa = isa;
  options.activations = activations.type;
  options.memory_budget_bytes = memory_budget_bytes;
  const std::string model_path = path();
  options.assistant = assistant.path(model_path);
  options.storage = storage.model;
  options.assistant_storage = assistant_storage.storage();
  Progress progress("loading");
  options.on_progress = [&](const gemma4::LoadProgress& state) {
    progress.update(state.done_bytes, state.total_bytes);
    return !interrupted();
  };
  const Stopwatch watch;
  gemma4::Model loaded = gemma4::Model::load(model_path, options);
  if (seconds != nullptr) *seconds = watch.seconds();
  return loaded;
}

void SpeculationArguments::declare(OptionTable& table, bool listed) {
  if (listed) table.section("Speculation (changes speed, never results):");
  table.number_or(
      "--draft",
      listed ? "tokens guessed before the model checks them in one pass; default: auto, "
               "as many as pay"
             : "",
      {{"auto", gemma4::Speculation::kAutomaticDepth}, {"off", 0}}, 1, gemma4::kMostDrafts, depth);
  declare_drafter(table, listed);
}

void SpeculationArguments::declare_drafter(OptionTable& table, bool listed) {
  table.choice<gemma4::DrafterKind>(
      "--drafter",
      listed ? "who guesses: the assistant model, earlier text, nobody; default: the best there is"
             : "",
      {{"mtp", gemma4::DrafterKind::mtp},
       {"ngram", gemma4::DrafterKind::ngram},
       {"none", gemma4::DrafterKind::none}},
      drafter);
}

void SessionArguments::declare(OptionTable& table) {
  table.section("Session:");
  table.integer("--ctx", "N",
                "tokens the context can hold; default: 8192 or the model's limit if that is less",
                1, 1u << 30, context_tokens);
  table.choice<gemma4::KvType>(
      "--kv", "how the KV cache is stored; default: f16",
      {{"f16", gemma4::KvType::f16}, {"f32", gemma4::KvType::f32}, {"q8_0", gemma4::KvType::q8_0}},
      kv);
  table.integer("--prefill-chunk", "N",
                "prompt tokens evaluated at once (1 to 256); changes speed, never results", 1, 256,
                prefill_chunk_tokens);
}

gemma4::SessionOptions SessionArguments::options(const LoadArguments& load) const {
  gemma4::SessionOptions options;
  options.context_tokens = context_tokens;
  options.kv = kv;
  options.prefill_chunk_tokens = prefill_chunk_tokens;
  options.memory_budget_bytes = load.memory_budget_bytes;
  return options;
}

void ContextArguments::declare(OptionTable& table) {
  table.choice<gemma4::ContextPolicy>(
      "--when-full",
      "what a full context does: error ends the answer; shift drops the oldest turns and evaluates "
      "the rest again; default: error",
      {{"error", gemma4::ContextPolicy::error}, {"shift", gemma4::ContextPolicy::shift}}, policy);
  table.integer("--keep-first", "N",
                "with --when-full shift: never drop the first N tokens; default: bos and the "
                "instructions",
                1, 1u << 30, keep_first);
}

void ContextArguments::apply(gemma4::SessionOptions& options) const {
  if (keep_first && policy != gemma4::ContextPolicy::shift)
    throw UsageError("--keep-first: expected --when-full shift beside it");
  options.context_policy = policy;
  options.keep_first_tokens = keep_first.value_or(0);
}

std::string describe_shifts(const gemma4::Statistics& before, const gemma4::Statistics& after) {
  if (after.shifts == before.shifts) return {};
  return "(the context was full: " + std::to_string(after.dropped_tokens - before.dropped_tokens) +
         " tokens dropped, " +
         std::to_string(after.reprocessed_tokens - before.reprocessed_tokens) +
         " evaluated again)\n";
}

void SamplingArguments::declare(OptionTable& table, const std::string& defaults) {
  table.section("Sampling (" + defaults + "):");
  table.real("--temperature", "X",
             "0 takes the likeliest token, 1 draws from the model's probabilities", 0, 100,
             temperature);
  table.integer("--top-k", "N", "only the N likeliest tokens; 0 = all", 0, 1u << 30, top_k);
  table.real("--top-p", "X", "only the likeliest tokens that together reach probability X; 1 = all",
             0, 1, top_p);
  table.real("--min-p", "X",
             "only tokens with at least X times the probability of the best; 0 = all", 0, 1, min_p);
  table.real("--repetition-penalty", "X", "divides the logits of tokens already seen; 1 = off",
             0.001, 1000, repetition_penalty);
  table.real("--presence-penalty", "X",
             "subtracted once from the logits of tokens already seen; 0 = off", -100, 100,
             presence_penalty);
  table.real("--frequency-penalty", "X", "subtracted for each time a token was seen; 0 = off", -100,
             100, frequency_penalty);
  table.integer("--seed", "N", "the same seed gives the same answer; default: 0", 0,
                std::numeric_limits<std::uint64_t>::max(), seed);
  table.section("End of the answer:");
  table.integer("--max-tokens", "N",
                "at most N tokens; 0 = until the model stops or the context is full", 0, 1u << 30,
                max_tokens);
  table.texts("--stop", "S", "end before this text appears; may be given more than once", stop);
  table.flag("--ignore-eos", "go on when the model ends its answer (for measurements)", ignore_eos);
}

gemma4::GenerateOptions SamplingArguments::options(const gemma4::SamplingOptions& base,
                                                   std::uint32_t base_max_tokens) const {
  gemma4::GenerateOptions options;
  static_cast<gemma4::SamplingOptions&>(options) = base;
  options.temperature = temperature.value_or(base.temperature);
  options.top_k = top_k.value_or(base.top_k);
  options.top_p = top_p.value_or(base.top_p);
  options.min_p = min_p.value_or(base.min_p);
  options.repetition_penalty = repetition_penalty.value_or(base.repetition_penalty);
  options.presence_penalty = presence_penalty.value_or(base.presence_penalty);
  options.frequency_penalty = frequency_penalty.value_or(base.frequency_penalty);
  options.seed = seed.value_or(base.seed);
  options.max_tokens = max_tokens.value_or(base_max_tokens);
  options.stop = stop;
  options.ignore_end_of_generation = ignore_eos;
  return options;
}

std::vector<gemma4::Token> to_tokens(const std::vector<std::uint64_t>& ids) {
  std::vector<gemma4::Token> tokens(ids.size());
  std::transform(ids.begin(), ids.end(), tokens.begin(),
                 [](std::uint64_t id) { return static_cast<gemma4::Token>(id); });
  return tokens;
}

std::string join(std::span<const gemma4::Token> tokens) {
  std::string text;
  for (const gemma4::Token token : tokens)
    text += (text.empty() ? "" : ",") + std::to_string(token);
  return text;
}

void prefill(gemma4::Session& session, std::uint32_t tokens, const CancelOnInterrupt& cancel) {
  constexpr std::uint32_t kLong =
      100;  // seconds on a large model, and no update before the first chunk is done
  Progress progress("reading");
  if (tokens >= kLong) progress.begin();
  session.prefill([&](std::uint32_t done, std::uint32_t total) {
    progress.update(done, total);
    return !cancel.pressed();
  });
}

}  // namespace cli
