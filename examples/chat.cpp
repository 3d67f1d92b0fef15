// A chat with streamed answers: chat MODEL.gguf [ASSISTANT.gguf]
#include <cstdio>
#include <gemma4/gemma4.hpp>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: chat MODEL.gguf [ASSISTANT.gguf]\n";
    return 2;
  }
  try {
    gemma4::LoadOptions load;
    if (argc == 3) load.assistant = argv[2];  // guesses tokens ahead: the same answers, sooner
    load.on_progress = [](const gemma4::LoadProgress& progress) {
      std::fprintf(stderr, "\rloading: %3.0f %%",
                   100.0 * static_cast<double>(progress.done_bytes) /
                       static_cast<double>(progress.total_bytes));
      return true;  // false would cancel
    };
    const gemma4::Model model = gemma4::Model::load(argv[1], load);
    gemma4::Session session(model, {.context_tokens = 4096});

    gemma4::GenerateOptions options;
    static_cast<gemma4::SamplingOptions&>(options) = model.info().recommended_sampling;
    options.seed = 7;  // the same seed gives the same answers, on any number of threads

    std::string line;
    while (std::cout << "\n> " << std::flush && std::getline(std::cin, line)) {
      session.append(gemma4::Chat{}.user(line));
      for (const gemma4::Event& event : session.generate(options)) {
        if (event.kind == gemma4::Event::Kind::text) std::cout << event.text << std::flush;
      }
    }
    const gemma4::Statistics statistics = session.statistics();
    std::cerr << '\n' << statistics.decode_tokens_per_second() << " tokens/s\n";
  } catch (const gemma4::Error& error) {
    std::cerr << '\n' << error.what() << '\n';
    return 1;
  }
}
