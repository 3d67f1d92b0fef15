#include "weights/packed_file.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "io/gguf.hpp"
#include "io/new_file.hpp"
#include "weights/packed_header.hpp"
#include "weights/stream_hash.hpp"

namespace gemma4 {
namespace {

/// Bytes verified before their pages are dropped and a cancel is honoured.
constexpr std::size_t kVerifiedAtOnce = 32u << 20;

constexpr const char* kSuffix = ".g4pack";

/// Bytes written between looks at whether the work was cancelled: a slow disk takes long for a
/// piece.
constexpr std::size_t kStepBytes = 1u << 20;

void check_stop(const std::stop_token& stop, const std::string& path) {
  if (stop.stop_requested()) fail(ErrorCode::cancelled, path + ": packing was cancelled");
}

/// Hashes the pieces and appends them to the file.
class FileSink final : public WeightSink {
 public:
  FileSink(NewFile& file, const std::string& path, const std::stop_token& stop)
      : file_(file), path_(path), stop_(stop) {}

  std::byte* room(std::uint64_t, std::uint64_t bytes) override {
    if (piece_.size_bytes() < bytes) piece_ = Buffer(bytes);
    return piece_.data();
  }

  void take(std::uint64_t offset, std::uint64_t bytes) override {
    static constexpr std::byte kZeros[kPackedAlignment] = {};
    append({kZeros, static_cast<std::size_t>(offset - end_)});
    append({piece_.data(), static_cast<std::size_t>(bytes)});
  }

  std::uint64_t hash() const { return hash_.value(); }
  std::uint64_t bytes() const { return end_; }

 private:
  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      check_stop(stop_, path_);
      const auto step = bytes.first(std::min(bytes.size(), kStepBytes));
      hash_.add(step);
      file_.append(step);
      end_ += step.size();
      bytes = bytes.subspan(step.size());
    }
  }

  NewFile& file_;
  const std::string& path_;
  const std::stop_token& stop_;
  StreamHash hash_;
  Buffer piece_;
  std::uint64_t end_ = 0;
};

/// Renaming over the source would destroy what cannot be made again.
void refuse_source(const Checkpoint& source, const std::string& path) {
  for (const MappedFile& file : source.files) {
    std::error_code ignored;
    if (std::filesystem::equivalent(path_of(file.path()), path_of(path), ignored))
      fail(ErrorCode::invalid_argument, path + ": expected another path than the model's own");
  }
}

std::string name_of(std::string_view storage) {
  return storage.empty() ? "exact" : in_quotes(storage);
}

/// Throws Error that says why a file is not the packed form of `source`.
void check_fits(const Checkpoint& file, const Checkpoint& source, const WeightStorage& storage) {
  const std::string where = file.path + ": ";
  if (!is_packed(file.metadata))
    fail(ErrorCode::format, where + "expected a packed file, found an ordinary model file");
  check_packed(file);
  const std::string wanted = storage_text(storage);
  if (const std::string_view found = claimed_storage(file.metadata); found != wanted) {
    fail(ErrorCode::format,
         where + "expected matrices stored as " + name_of(wanted) + ", found " + name_of(found));
  }
  const std::uint64_t expected = source_hash(source), found = claimed_source_hash(file.metadata);
  if (found != expected) {
    fail(ErrorCode::format, where + "expected to be made of " + source.path +
                                format_text(" as it is now, with hash %016llx, found %016llx",
                                            static_cast<unsigned long long>(expected),
                                            static_cast<unsigned long long>(found)));
  }
}

}  // namespace

std::string packed_path(const Checkpoint& source, const std::string& place) {
  std::error_code ignored;
  const std::filesystem::path given = path_of(place);
  if (!place.empty() && !std::filesystem::is_directory(given, ignored)) return place;
  std::filesystem::path model = path_of(source.path), name = model.filename();
  if (std::filesystem::is_directory(model, ignored)) {
    model = std::filesystem::absolute(model, ignored).lexically_normal();
    if (!model.has_filename()) model = model.parent_path();  // "folder/"
    name = model.filename();
    name += kSuffix;
  } else {
    name.replace_extension(kSuffix);
  }
  const std::u8string path = ((place.empty() ? model.parent_path() : given) / name).u8string();
  return std::string(path.begin(), path.end());
}

std::uint64_t write_packed(const Checkpoint& source, const WeightPlan& plan,
                           const WeightStorage& storage, const std::string& path,
                           const ReadJob& job) {
  refuse_source(source, path);
  check_stop(job.stop, path);
  std::string header = packed_header(source, storage, plan.made_for(), plan.placed());
  const auto header_bytes = std::as_bytes(std::span(header));
  check_stop(job.stop, path);
  NewFile file(path);
  file.reserve(header.size() + plan.bytes());
  file.append(header_bytes);
  FileSink sink(file, path, job.stop);
  plan.read(sink, job);
  seal_header(header, sink.hash());
  file.replace_start(header_bytes);
  file.commit();
  return header.size() + sink.bytes();
}

std::optional<Checkpoint> find_packed(const Checkpoint& source, const std::string& place,
                                      const WeightStorage& storage, const Log& log) {
  const std::string path = packed_path(source, place);
  std::error_code ignored;
  if (!std::filesystem::exists(path_of(path), ignored)) {
    log.info(path + ": no packed file is there");
    return std::nullopt;
  }
  try {
    Checkpoint file = open_gguf(path);
    check_fits(file, source, storage);
    log.info(source.path + ": weights mapped from " + path);
    return file;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    log.warning(std::string("packed file ignored: ") + error.what());
    return std::nullopt;
  }
}

void verify_contents(const Checkpoint& packed, const ReadProgress& progress,
                     const std::stop_token& stop) {
  const MappedFile& file = packed.files.front();
  const std::span<const std::byte> all =
      file.bytes().subspan(header_of(file.bytes(), packed.tensors).size());
  StreamHash hash;
  for (std::size_t done = 0; done < all.size();) {
    const auto piece = all.subspan(done, std::min(kVerifiedAtOnce, all.size() - done));
    hash.add(piece);
    file.drop(piece);
    done += piece.size();
    if (!progress(done, all.size()) || stop.stop_requested())
      fail(ErrorCode::cancelled, file.path() + ": verifying was cancelled");
  }
  const std::uint64_t expected = claimed_contents_hash(packed.metadata);
  if (hash.value() != expected) {
    fail(ErrorCode::format,
         file.path() + format_text(": packed file: weights: expected hash %016llx, found %016llx",
                                   static_cast<unsigned long long>(expected),
                                   static_cast<unsigned long long>(hash.value())));
  }
}

}  // namespace gemma4
