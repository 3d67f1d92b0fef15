// A chat with streamed answers: chat MODEL.gguf
#include <gemma4/gemma4.hpp>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: chat MODEL.gguf\n";
    return 2;
  }
  try {
    const gemma4::Model model = gemma4::Model::load(argv[1]);
    gemma4::Session session(model, {.context_tokens = 4096});

    gemma4::GenerateOptions options;
    static_cast<gemma4::SamplingOptions&>(options) = model.info().recommended_sampling;
    options.seed = 7;  // the same seed gives the same answers, on any number of threads

    std::string line;
    while (std::cout << "> " << std::flush && std::getline(std::cin, line)) {
      session.append(gemma4::Chat{}.user(line));
      for (const gemma4::Event& event : session.generate(options)) {
        if (event.kind == gemma4::Event::Kind::text) std::cout << event.text << std::flush;
      }
      std::cout << '\n';
    }
    const gemma4::Statistics statistics = session.statistics();
    std::cerr << statistics.decode_tokens_per_second() << " tokens/s\n";
  } catch (const gemma4::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
