// gemma4 pack: a model in the form that later loads map instead of reading.
#include <cstdio>

#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "measure.hpp"
#include "progress.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

void report(const gemma4::PackedFile& file, double seconds, const char* what, bool as_json) {
  if (as_json) {
    JsonWriter json;
    json.object().pair("bytes", file.bytes).pair("seconds", seconds).pair("path", file.path).end();
    write_out(json.text() + "\n");
    return;
  }
  char text[96];
  std::snprintf(text, sizeof text, ": %s, %llu bytes in %.1f s\n", what,
                static_cast<unsigned long long>(file.bytes), seconds);
  write_out(harmless(file.path) + text);
}

}  // namespace

int run_pack(const Arguments& words) {
  std::optional<std::string> out, verify;
  ModelArguments model;
  StorageArguments storage;
  gemma4::PackOptions options;
  OptionTable table("pack [--model F] [--out F] | --verify F",
                    "Writes a model's weights in the layout the processor computes with. The new "
                    "file is a model itself, for --model: it loads in a moment, and programs that "
                    "use it at once share its memory.");
  table.section("Packing:");
  table.text("--out", "PATH",
             "the file to write, or a folder; default: beside the model, with the suffix .g4pack",
             out);
  table.text("--verify", "F", "instead: compare a packed file's contents with its checksum",
             verify);
  table.integer("--threads", "N", "threads that pack; default: the cores this process may use", 1,
                1024, options.threads);
  model.declare(table);
  storage.declare(table);
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  if (verify && (model.model || out))
    throw UsageError("--verify: expected neither --model nor --out beside it");

  options.storage = storage.model;
  Progress progress(verify ? "verifying" : "packing");
  options.on_progress = [&](const gemma4::LoadProgress& state) {
    progress.update(state.done_bytes, state.total_bytes);
    return !interrupted();
  };
  const Stopwatch watch;
  const gemma4::PackedFile file = verify ? gemma4::verify_packed(*verify, options)
                                         : gemma4::pack(model.path(), out.value_or(""), options);
  progress.finish();
  report(file, watch.seconds(), verify ? "unchanged" : "packed", model.json);
  return 0;
}

}  // namespace cli
