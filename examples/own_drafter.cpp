// A drafter of one's own: own_drafter MODEL.gguf
//
// Applications often know more or less what the model will write: a form to fill in, the file that
// is to be edited, the last answer. This drafter proposes the rest of such a text. Wrong guesses
// cost a little time; the answer is the model's own in any case.
#include <cstdint>
#include <gemma4/gemma4.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Proposes what follows in a known text where the context's latest tokens stand in it.
class KnownTextDrafter : public gemma4::Drafter {
 public:
  explicit KnownTextDrafter(std::vector<gemma4::Token> text) : text_(std::move(text)) {}

  void propose(const gemma4::DraftRequest& request, gemma4::DraftSink& draft) override {
    std::size_t best = 0, longest = 0;
    for (std::size_t end = 1; end < text_.size(); ++end) {
      std::size_t length = 0;
      while (length < end && length < request.tokens.size() &&
             text_[end - 1 - length] == request.tokens[request.tokens.size() - 1 - length])
        ++length;
      if (length <= longest) continue;
      longest = length;
      best = end;
    }
    if (longest == 0) return;  // nothing to propose
    for (std::size_t i = best; i < text_.size(); ++i) {
      if (!draft.add(text_[i])) return;  // enough
    }
  }

  void verified(const gemma4::DraftVerdict& verdict) override {
    drafted_ += verdict.draft.size();
    accepted_ += verdict.accepted;
  }

  std::size_t drafted() const { return drafted_; }
  std::size_t accepted() const { return accepted_; }

 private:
  std::vector<gemma4::Token> text_;
  std::size_t drafted_ = 0, accepted_ = 0;
};

std::string answer(const gemma4::Model& model, const gemma4::Speculation& speculation,
                   std::uint64_t& passes) {
  gemma4::Session session(model, {.context_tokens = 1024, .speculation = speculation});
  session.append(gemma4::Chat{}.user("What is 34 + 17?"));
  std::string text;
  gemma4::GenerateOptions options;
  options.max_tokens = 100;
  for (const gemma4::Event& event : session.generate(options)) {
    if (event.kind == gemma4::Event::Kind::text) text += event.text;
  }
  passes = session.statistics().target_steps;
  return text;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: own_drafter MODEL.gguf\n";
    return 2;
  }
  try {
    const gemma4::Model model = gemma4::Model::load(argv[1]);
    const auto drafter =
        std::make_shared<KnownTextDrafter>(model.tokenizer().encode("34 + 17 = 52."));
    std::uint64_t plain_passes = 0, passes = 0;
    const std::string plain = answer(model, gemma4::Speculation::off(), plain_passes);
    const std::string drafted = answer(model, gemma4::Speculation::fixed(4).by(drafter), passes);
    std::cout << drafted << '\n'
              << passes << " passes instead of " << plain_passes << "; " << drafter->accepted()
              << " of " << drafter->drafted() << " guesses were right\n";
    return drafted == plain ? 0 : 1;
  } catch (const gemma4::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
