#include "facts.hpp"
#include "handles.hpp"
#include "options.hpp"

using gemma4::capi::created;
using gemma4::capi::destroy;
using gemma4::capi::give;
using gemma4::capi::guarded;
using gemma4::capi::handle_of;
using gemma4::capi::is_handle;
using gemma4::capi::path_of;

gemma4_status gemma4_canceller_create(gemma4_canceller** out, gemma4_error* error) {
  return created(out, error, [] { return new gemma4_canceller; });
}

void gemma4_canceller_cancel(const gemma4_canceller* canceller) {
  if (is_handle(canceller)) canceller->source.request_stop();
}

void gemma4_canceller_destroy(gemma4_canceller* canceller) { destroy(canceller); }

gemma4_status gemma4_model_load(const char* path, size_t path_bytes,
                                const gemma4_load_options* options, gemma4_model** out,
                                gemma4_error* error) {
  return created(
      out, error, [&] { return gemma4::capi::load_options_of(options); },
      [&](const gemma4::LoadOptions& known) {
        return new gemma4_model(gemma4::Model::load(path_of(path, path_bytes, "path"), known));
      });
}

void gemma4_model_destroy(gemma4_model* model) { destroy(model); }

gemma4_status gemma4_model_describe(const gemma4_model* model, gemma4_model_info* out,
                                    gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::Model& known = handle_of(model, "model").model;
    gemma4_model_info facts = gemma4::capi::facts_of(known.info());
    facts.isa = static_cast<int32_t>(known.isa());
    facts.threads = known.threads();
    give(facts, out, "gemma4_model_info");
  });
}

gemma4_status gemma4_model_describe_assistant(const gemma4_model* model, gemma4_assistant_info* out,
                                              gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::assistant_facts_of(handle_of(model, "model").model.info()), out,
         "gemma4_assistant_info");
  });
}

gemma4_status gemma4_model_describe_layer(const gemma4_model* model, uint32_t layer,
                                          gemma4_layer_info* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::layer_facts_of(handle_of(model, "model").model.info(), layer), out,
         "gemma4_layer_info");
  });
}

gemma4_status gemma4_model_describe_assistant_layer(const gemma4_model* model, uint32_t layer,
                                                    gemma4_layer_info* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::assistant_layer_facts_of(handle_of(model, "model").model.info(), layer), out,
         "gemma4_layer_info");
  });
}

gemma4_status gemma4_model_recommended_sampling(const gemma4_model* model, gemma4_sampling* out,
                                                gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::facts_of(handle_of(model, "model").model.info().recommended_sampling), out,
         "gemma4_sampling");
  });
}

gemma4_status gemma4_model_prefix_statistics(const gemma4_model* model,
                                             gemma4_prefix_statistics* out, gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::PrefixStatistics known = handle_of(model, "model").model.prefix_statistics();
    const gemma4_prefix_statistics facts{
        0,          known.budget_bytes,  known.held_bytes,    known.held_tokens, known.lookups,
        known.hits, known.reused_tokens, known.evicted_tokens};
    give(facts, out, "gemma4_prefix_statistics");
  });
}

gemma4_status gemma4_model_plan(const gemma4_model* model, const gemma4_session_options* options,
                                gemma4_memory_plan* out, gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::Model& known = handle_of(model, "model").model;
    give(gemma4::capi::facts_of(known.plan(gemma4::capi::planned_options_of(options))), out,
         "gemma4_memory_plan");
  });
}
