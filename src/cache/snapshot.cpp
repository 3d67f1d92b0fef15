#include "cache/snapshot.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace gemma4 {
namespace {

constexpr char kMagic[8] = {'g', '4', 's', 'n', 'a', 'p', '\r', '\n'};

/// Bytes collected before the sink is called.
constexpr std::size_t kWrittenAtOnce = 1u << 20;

/// The file's first bytes. `hash` is that of all fields before it.
struct Head {
  char magic[8];
  std::uint32_t version;
  std::int32_t type;
  std::uint64_t model;
  std::uint32_t context, tokens, evaluated, first_kept;
  std::uint32_t vocabulary, hidden;
  std::uint32_t chat, has_logits;
  std::uint64_t full_bytes, sliding_bytes;  // of a page, which holds kChunk positions
  std::uint64_t total_bytes;
  std::uint64_t hash;
};
static_assert(sizeof(Head) == 88, "no padding");

std::uint64_t hash_of(const Head& head) {
  StreamHash hash;
  hash.add(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, hash)));
  return hash.value();
}

/// Of a head whose counts are in order; nothing when it does not fit 64 bits.
std::optional<std::uint64_t> total_bytes(const Head& head) {
  std::uint64_t total = sizeof(Head) + sizeof(std::uint64_t);
  const auto add = [&total](std::uint64_t count, std::uint64_t bytes) {
    const auto product = checked_mul(count, bytes);
    const auto sum = product ? checked_add(total, *product) : std::nullopt;
    if (sum) total = *sum;
    return sum.has_value();
  };
  const std::uint64_t floats =
      head.has_logits != 0 ? std::uint64_t{head.vocabulary} + head.hidden : 0;
  const std::uint64_t chunks = divide_up(head.evaluated, kChunk),
                      kept = chunks - head.first_kept / kChunk;
  if (!add(head.tokens, sizeof(Token)) || !add(floats, sizeof(float)) ||
      !add(chunks, head.full_bytes) || !add(kept, head.sliding_bytes))
    return std::nullopt;
  return total;
}

std::uint32_t chunks_of(std::uint32_t positions) {
  return static_cast<std::uint32_t>(divide_up(positions, kChunk));
}

/// Collects, hashes and hands on.
class Writer {
 public:
  explicit Writer(const SnapshotSink& sink) : sink_(sink) { piece_.reserve(kWrittenAtOnce); }

  void add(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t some = std::min(bytes.size(), kWrittenAtOnce - piece_.size());
      piece_.insert(piece_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(some));
      bytes = bytes.subspan(some);
      if (piece_.size() == kWrittenAtOnce) hand_on();
    }
  }

  void finish() {
    hand_on();
    const std::uint64_t hash = hash_.value();
    sink_(std::as_bytes(std::span(&hash, 1)));
  }

 private:
  void hand_on() {
    hash_.add(piece_);
    sink_(piece_);
    piece_.clear();
  }

  const SnapshotSink& sink_;
  StreamHash hash_;
  std::vector<std::byte> piece_;
};

}  // namespace

void write_snapshot(const SnapshotFacts& facts, const SnapshotParts& parts, KvCache& cache,
                    const SnapshotSink& sink) {
  Head head{};
  std::copy(std::begin(kMagic), std::end(kMagic), head.magic);
  head.version = kSnapshotVersion;
  head.type = static_cast<std::int32_t>(facts.type);
  head.model = facts.model;
  head.context = facts.context;
  head.tokens = static_cast<std::uint32_t>(parts.tokens.size());
  head.evaluated = facts.evaluated;
  head.first_kept = cache.oldest_kept(facts.evaluated) / kChunk * kChunk;
  head.vocabulary = static_cast<std::uint32_t>(parts.logits.size());
  head.hidden = static_cast<std::uint32_t>(parts.hidden.size());
  head.full_bytes = cache.page_bytes(false);
  head.sliding_bytes = cache.page_bytes(true);
  head.chat = facts.chat ? 1 : 0;
  head.has_logits = parts.logits.empty() ? 0 : 1;
  head.total_bytes = total_bytes(head).value_or(0);
  head.hash = hash_of(head);

  Writer writer(sink);
  writer.add(std::as_bytes(std::span(&head, 1)));
  writer.add(std::as_bytes(parts.tokens));
  writer.add(std::as_bytes(parts.logits));
  writer.add(std::as_bytes(parts.hidden));
  const std::uint32_t chunks = chunks_of(facts.evaluated);
  for (std::uint32_t i = 0; i < chunks; ++i) writer.add(cache.page(i, false));
  for (std::uint32_t i = head.first_kept / kChunk; i < chunks; ++i) writer.add(cache.page(i, true));
  writer.finish();
}

void SnapshotReader::refuse(ErrorCode code, const std::string& what) const {
  fail(code, name_ + ": snapshot: " + what);
}

SnapshotReader::SnapshotReader(SnapshotSource source, std::string name, std::uint64_t size_bytes)
    : source_(std::move(source)), name_(std::move(name)) {
  Head head;
  read(std::as_writable_bytes(std::span(&head, 1)));
  if (!std::equal(std::begin(kMagic), std::end(kMagic), head.magic))
    refuse(ErrorCode::format, "expected a session saved by this library, found another file");
  if (head.version != kSnapshotVersion)
    refuse(ErrorCode::unsupported,
           format_text("version: expected %u, found %u", kSnapshotVersion, head.version));
  if (const std::uint64_t hash = hash_of(head); hash != head.hash)
    refuse(ErrorCode::format, format_text("head: expected hash %016llx, found %016llx",
                                          static_cast<unsigned long long>(head.hash),
                                          static_cast<unsigned long long>(hash)));
  if (head.tokens > head.context || head.evaluated > head.tokens ||
      head.first_kept > head.evaluated || head.first_kept % kChunk != 0 || head.chat > 1 ||
      head.has_logits > 1 || total_bytes(head) != head.total_bytes)
    refuse(ErrorCode::format, "head: expected counts that agree, found others");
  if (size_bytes != 0 && size_bytes != head.total_bytes)
    refuse(ErrorCode::format, format_text("expected %llu bytes, found %llu",
                                          static_cast<unsigned long long>(head.total_bytes),
                                          static_cast<unsigned long long>(size_bytes)));
  facts_ = {head.model, static_cast<KvType>(head.type), head.context, head.evaluated,
            head.chat != 0};
  tokens_ = head.tokens;
  first_kept_ = head.first_kept;
  vocabulary_ = head.vocabulary;
  hidden_ = head.hidden;
  full_bytes_ = head.full_bytes;
  sliding_bytes_ = head.sliding_bytes;
  has_logits_ = head.has_logits != 0;
}

void SnapshotReader::check_fit(const ModelConfig& config, std::uint64_t model, KvType type) const {
  if (model != facts_.model)
    refuse(ErrorCode::invalid_argument,
           format_text("model: expected one with fingerprint %016llx, found %016llx: another "
                       "model, or another quantisation or other activations of it",
                       static_cast<unsigned long long>(facts_.model),
                       static_cast<unsigned long long>(model)));
  if (type != facts_.type)
    refuse(ErrorCode::invalid_argument,
           format_text("kv: expected the row type it was saved with (%d), found %d",
                       static_cast<int>(facts_.type), static_cast<int>(type)));
  const KvPages pages(config, type);
  if (pages.full.page_bytes() != full_bytes_ || pages.sliding.page_bytes() != sliding_bytes_)
    refuse(ErrorCode::unsupported,
           format_text("pages: expected %llu and %llu bytes, found %llu and %llu",
                       static_cast<unsigned long long>(pages.full.page_bytes()),
                       static_cast<unsigned long long>(pages.sliding.page_bytes()),
                       static_cast<unsigned long long>(full_bytes_),
                       static_cast<unsigned long long>(sliding_bytes_)));
  if (has_logits_ && (vocabulary_ != config.vocabulary || hidden_ != config.hidden))
    refuse(ErrorCode::format, format_text("logits: expected %u and %u numbers, found %u and %u",
                                          config.vocabulary, config.hidden, vocabulary_, hidden_));
  if (facts_.context > config.context_limit)
    refuse(ErrorCode::format, format_text("context: expected at most %u tokens, found %u",
                                          config.context_limit, facts_.context));
  // what the last token sees, which may have to be evaluated again
  const std::uint32_t oldest =
      facts_.evaluated > config.window ? facts_.evaluated - config.window : 0;
  if (first_kept_ > oldest)
    refuse(ErrorCode::format,
           format_text("window: expected rows from position %u on, found %u", oldest, first_kept_));
}

void SnapshotReader::read(std::span<std::byte> bytes) {
  for (std::span<std::byte> rest = bytes; !rest.empty();) {
    const std::size_t count = source_(rest);
    if (count == 0 || count > rest.size())
      refuse(ErrorCode::format,
             format_text("expected %zu bytes at byte %llu, found the end after %zu", bytes.size(),
                         static_cast<unsigned long long>(read_bytes_), bytes.size() - rest.size()));
    rest = rest.subspan(count);
  }
  hash_.add(bytes);
  read_bytes_ += bytes.size();
}

void SnapshotReader::read_tokens(std::span<Token> tokens, std::uint32_t vocabulary) {
  read(std::as_writable_bytes(tokens));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || static_cast<std::uint32_t>(tokens[i]) >= vocabulary)
      refuse(ErrorCode::format, format_text("token %zu: expected an id of 0 ... %u, found %d", i,
                                            vocabulary - 1, tokens[i]));
  }
}

void SnapshotReader::read_row(std::span<float> logits, std::span<float> hidden) {
  read(std::as_writable_bytes(logits));
  read(std::as_writable_bytes(hidden));
}

void SnapshotReader::read_pages(KvCache& cache) {
  const std::uint32_t end = facts_.evaluated;
  cache.open_full(0, end);
  for (std::uint32_t i = 0; i < chunks_of(end); ++i) read(cache.page(i, false));
  for (std::uint32_t i = first_kept_ / kChunk; i < chunks_of(end); ++i) {
    cache.open_sliding(i * kChunk, std::min(end, (i + 1) * kChunk));
    read(cache.page(i, true));
  }
}

void SnapshotReader::finish() {
  const std::uint64_t expected = hash_.value();
  std::uint64_t found = 0;
  read(std::as_writable_bytes(std::span(&found, 1)));
  if (found != expected)
    refuse(ErrorCode::format, format_text("contents: expected hash %016llx, found %016llx",
                                          static_cast<unsigned long long>(found),
                                          static_cast<unsigned long long>(expected)));
}

}  // namespace gemma4
