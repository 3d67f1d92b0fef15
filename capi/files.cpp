// Files that are looked at or packed, not loaded.
#include "facts.hpp"
#include "handles.hpp"
#include "options.hpp"

using gemma4::capi::created;
using gemma4::capi::destroy;
using gemma4::capi::give;
using gemma4::capi::guarded;
using gemma4::capi::path_of;
using gemma4::capi::view_of;

namespace {

const gemma4::Inspection& inspection_of(const gemma4_inspection* inspection) {
  return gemma4::capi::handle_of(inspection, "inspection").inspection;
}

gemma4_tensor_info facts_of(const gemma4::TensorInfo& known) {
  gemma4_tensor_info facts{};
  facts.name = view_of(known.name);
  facts.type = view_of(known.type);
  facts.bytes = known.bytes;
  for (std::size_t i = 0; i < known.shape.size() && i < std::size(facts.shape); ++i)
    facts.shape[i] = known.shape[i];
  return facts;
}

}  // namespace

gemma4_status gemma4_inspection_create(const char* path, size_t path_bytes,
                                       const char* assistant_path, size_t assistant_path_bytes,
                                       const gemma4_session_options* options,
                                       gemma4_inspection** out, gemma4_error* error) {
  return created(out, error, [&] {
    return new gemma4_inspection(gemma4::inspect(
        path_of(path, path_bytes, "path"), gemma4::capi::planned_options_of(options),
        path_of(assistant_path, assistant_path_bytes, "assistant_path", true)));
  });
}

gemma4_status gemma4_inspection_create_for(const char* path, size_t path_bytes,
                                           const gemma4_load_options* load,
                                           const gemma4_session_options* options,
                                           gemma4_inspection** out, gemma4_error* error) {
  return created(out, error, [&] {
    const gemma4::LoadOptions known = gemma4::capi::planned_load_options_of(load);
    gemma4::Inspection made = gemma4::inspect(
        path_of(path, path_bytes, "path"), gemma4::capi::planned_options_of(options),
        known.assistant, known.activations, {known.storage, known.assistant_storage});
    made.plan.prefix_cache_bytes = known.prefix_cache_bytes;
    return new gemma4_inspection(std::move(made));
  });
}

void gemma4_inspection_destroy(gemma4_inspection* inspection) { destroy(inspection); }

gemma4_status gemma4_inspection_plan(const gemma4_inspection* inspection, gemma4_memory_plan* out,
                                     gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::facts_of(inspection_of(inspection).plan), out, "gemma4_memory_plan");
  });
}

gemma4_status gemma4_inspection_describe(const gemma4_inspection* inspection,
                                         gemma4_model_info* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::facts_of(inspection_of(inspection).info), out, "gemma4_model_info");
  });
}

gemma4_status gemma4_inspection_describe_assistant(const gemma4_inspection* inspection,
                                                   gemma4_assistant_info* out,
                                                   gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::assistant_facts_of(inspection_of(inspection).info), out,
         "gemma4_assistant_info");
  });
}

gemma4_status gemma4_inspection_describe_layer(const gemma4_inspection* inspection, uint32_t layer,
                                               gemma4_layer_info* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::layer_facts_of(inspection_of(inspection).info, layer), out,
         "gemma4_layer_info");
  });
}

gemma4_status gemma4_inspection_describe_assistant_layer(const gemma4_inspection* inspection,
                                                         uint32_t layer, gemma4_layer_info* out,
                                                         gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::assistant_layer_facts_of(inspection_of(inspection).info, layer), out,
         "gemma4_layer_info");
  });
}

gemma4_status gemma4_inspection_recommended_sampling(const gemma4_inspection* inspection,
                                                     gemma4_sampling* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(gemma4::capi::facts_of(inspection_of(inspection).info.recommended_sampling), out,
         "gemma4_sampling");
  });
}

gemma4_status gemma4_inspection_describe_tensor(const gemma4_inspection* inspection,
                                                uint64_t tensor, gemma4_tensor_info* out,
                                                gemma4_error* error) {
  return guarded(error, [&] {
    const std::vector<gemma4::TensorInfo>& tensors = inspection_of(inspection).tensors;
    if (tensor >= tensors.size()) {
      gemma4::fail(gemma4::ErrorCode::invalid_argument,
                   gemma4::format_text("tensor: expected less than %zu, found %llu", tensors.size(),
                                       static_cast<unsigned long long>(tensor)));
    }
    give(facts_of(tensors[tensor]), out, "gemma4_tensor_info");
  });
}

gemma4_status gemma4_inspection_describe_embedding(const gemma4_inspection* inspection,
                                                   gemma4_tensor_info* out, gemma4_error* error) {
  return guarded(error, [&] {
    give(facts_of(inspection_of(inspection).embedding), out, "gemma4_tensor_info");
  });
}

gemma4_status gemma4_inspection_note(const gemma4_inspection* inspection, size_t note,
                                     gemma4_text* text, size_t* count, gemma4_error* error) {
  return guarded(error, [&] {
    const std::vector<std::string>& notes = inspection_of(inspection).notes;
    gemma4::capi::check_pointer(text, "text");
    gemma4::capi::check_pointer(count, "count");
    *text = view_of(note < notes.size() ? notes[note] : std::string_view());
    *count = notes.size();
  });
}

gemma4_status gemma4_pack(const char* path, size_t path_bytes, const char* out_path,
                          size_t out_path_bytes, const gemma4_pack_options* options,
                          uint64_t* bytes, gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::PackedFile packed = gemma4::pack(
        path_of(path, path_bytes, "path"), path_of(out_path, out_path_bytes, "out_path", true),
        gemma4::capi::pack_options_of(options));
    if (bytes != nullptr) *bytes = packed.bytes;
  });
}

gemma4_status gemma4_verify_packed(const char* path, size_t path_bytes,
                                   const gemma4_pack_options* options, uint64_t* bytes,
                                   gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::PackedFile packed = gemma4::verify_packed(path_of(path, path_bytes, "path"),
                                                            gemma4::capi::pack_options_of(options));
    if (bytes != nullptr) *bytes = packed.bytes;
  });
}
