// stream MODEL COUNT: answers with the seeds 1 ... COUNT; prints their pieces and the seconds that
// making and taking them took. The bindings have the same program.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "gemma4/gemma4.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const gemma4::Model model = gemma4::Model::load(argv[1]);
    gemma4::GenerateOptions options;
    static_cast<gemma4::SamplingOptions&>(options) = model.info().recommended_sampling;
    options.max_tokens = 256;
    std::size_t pieces = 0, bytes = 0;
    double seconds = 0;
    for (options.seed = 1; options.seed <= std::strtoull(argv[2], nullptr, 10); ++options.seed) {
      gemma4::Session session(model, {.context_tokens = 1024});
      session.append(gemma4::Chat{}.user("Tell me a story."));
      const auto start = std::chrono::steady_clock::now();
      for (const gemma4::Event& event : session.generate(options)) {
        ++pieces;
        bytes += event.text.size();
      }
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    std::printf("%zu %zu %.6f\n", pieces, bytes, seconds);
  } catch (const gemma4::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
