// Uses the library as a stranger would: consumer MODEL.gguf answers one question.
#include <gemma4/gemma4.hpp>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    gemma4::Session session(gemma4::Model::load(argv[1]), {.context_tokens = 256});
    session.append(gemma4::Chat{}.user("What is 34 + 17?"));
    std::string answer;
    for (const gemma4::Event& event : session.generate()) answer += event.text;
    std::cout << answer << '\n';
    return answer.find("51") != std::string::npos ? 0 : 1;
  } catch (const gemma4::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
