// Runs a fuzz target without libFuzzer: every corpus file as it is, then a fixed number of seeded
// mutations.
//   driver MUTATIONS SEED [--last FILE] FILE-OR-FOLDER...
// The same arguments give the same inputs. After a failure run it again with --last, which writes
// each input to FILE before trying it: what is there afterwards is the culprit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

/// Runs the target on memory of exactly the input's size, so that a sanitizer sees the first byte
/// read too far.
void run(const Input& input, const char* last) {
  if (last != nullptr) {
    std::ofstream(last, std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()),
               static_cast<std::streamsize>(input.size()));
  }
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[input.size()]);
  if (!input.empty()) std::memcpy(exact.get(), input.data(), input.size());
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

Input read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

std::vector<Input> read_corpus(int count, char** paths) {
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < count; ++i) {
    const std::filesystem::path path = paths[i];
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // a folder's own order differs between systems
  std::vector<Input> corpus;
  corpus.reserve(files.size());
  for (const auto& file : files) corpus.push_back(read(file));
  return corpus;
}

class Mutator {
 public:
  Mutator(std::uint64_t seed, const std::vector<Input>& corpus) : random_(seed), corpus_(corpus) {}

  Input next() {
    // Small files are tried more often: they are faster, and more of their bytes matter.
    const Input& a = corpus_[below(corpus_.size())];
    const Input& b = corpus_[below(corpus_.size())];
    Input input = a.size() <= b.size() ? a : b;
    const std::size_t changes = 1 + below(5);
    for (std::size_t i = 0; i < changes; ++i) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t limit) {
    return limit == 0 ? 0 : static_cast<std::size_t>(random_() % limit);
  }

  /// A position; half of them near the start, where formats keep what decides over the rest.
  std::size_t position(const Input& input) {
    return below(below(2) == 0 ? std::min<std::size_t>(input.size(), 1024) : input.size());
  }

  void change(Input& input) {
    const std::size_t at = position(input);
    const std::size_t length = std::min<std::size_t>(input.size() - at, 1 + below(16));
    const auto begin = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (input.empty() ? 6 : below(8)) {
      case 0:
        input[at] = static_cast<std::uint8_t>(random_());
        break;
      case 1:
        input[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 2:
        input[at] = static_cast<std::uint8_t>(input[at] + (below(2) == 0 ? 1 : -1));
        break;
      case 3:
      case 4:
        put_edge(input, at);
        break;
      case 5:
        input.erase(begin, begin + static_cast<std::ptrdiff_t>(length));
        break;
      case 6:
        insert_piece(input, at);
        break;
      case 7:
        if (below(8) == 0) input.resize(at);
        break;
    }
  }

  /// A number from the edge of a type's range, of 1, 2, 4 or 8 bytes.
  void put_edge(Input& input, std::size_t at) {
    static constexpr std::uint64_t kEdges[] = {0,
                                               1,
                                               2,
                                               0x7f,
                                               0x80,
                                               0xff,
                                               0x7fff,
                                               0xffff,
                                               0x7fffffff,
                                               0x80000000,
                                               0xffffffff,
                                               0x100000000,
                                               0x2000000000000001,
                                               0x7fffffffffffffff,
                                               0x8000000000000000,
                                               0xffffffffffffffff};
    std::uint64_t edge = kEdges[below(std::size(kEdges))];
    edge -= below(2);
    const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(4), input.size() - at);
    std::memcpy(input.data() + at, &edge, width);
  }

  /// A piece of some corpus file, put in between.
  void insert_piece(Input& input, std::size_t at) {
    const Input& from = corpus_[below(corpus_.size())];
    const std::size_t start = position(from);
    const std::size_t length = std::min<std::size_t>(from.size() - start, 1 + below(64));
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(start);
    input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), begin,
                 begin + static_cast<std::ptrdiff_t>(length));
  }

  std::mt19937_64 random_;
  const std::vector<Input>& corpus_;
};

}  // namespace

int main(int argc, char** argv) {
  const char* last = nullptr;
  int first_path = 3;
  if (argc > 5 && std::strcmp(argv[3], "--last") == 0) {
    last = argv[4];
    first_path = 5;
  }
  if (argc <= first_path) {
    std::fprintf(stderr, "usage: %s MUTATIONS SEED [--last FILE] FILE-OR-FOLDER...\n", argv[0]);
    return 2;
  }
  const std::uint64_t mutations = std::strtoull(argv[1], nullptr, 10);
  const std::vector<Input> corpus = read_corpus(argc - first_path, argv + first_path);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: the corpus is empty\n", argv[0]);
    return 2;
  }
  for (const Input& input : corpus) run(input, last);
  Mutator mutator(std::strtoull(argv[2], nullptr, 10), corpus);
  for (std::uint64_t i = 0; i < mutations; ++i) run(mutator.next(), last);
  std::printf("%zu corpus files and %llu mutations: no failure\n", corpus.size(),
              static_cast<unsigned long long>(mutations));
  return 0;
}
