// Sessions made from others: forks and snapshots.
#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "io/mapped_file.hpp"
#include "io/new_file.hpp"
#include "session/session_impl.hpp"

namespace gemma4 {
namespace {

/// Bytes of a file after which the pages read so far are dropped.
constexpr std::size_t kReadAtOnce = 16u << 20;

/// Hands out a mapped file from front to back.
class FileSource {
 public:
  explicit FileSource(const MappedFile& file) : file_(file) {}

  std::size_t read(std::span<std::byte> out) {
    const auto bytes = file_.bytes().subspan(position_);
    const std::size_t count = std::min(out.size(), bytes.size());
    std::copy_n(bytes.begin(), count, out.begin());
    position_ += count;
    if (position_ - dropped_ >= kReadAtOnce) {
      file_.drop(file_.bytes().subspan(dropped_, position_ - dropped_));
      dropped_ = position_;
    }
    return count;
  }

 private:
  const MappedFile& file_;
  std::size_t position_ = 0, dropped_ = 0;
};

/// What the system may refuse, as an Error.
template <typename Make>
auto make_session(const Make& make) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "the system gave no memory for the session");
  }
}

std::unique_ptr<Session::Impl> restored(const Model& model, const SnapshotSource& source,
                                        const std::string& name, std::uint64_t size_bytes,
                                        SessionOptions options, const std::stop_token& stop) {
  SnapshotReader reader(
      [&](std::span<std::byte> out) {
        if (stop.stop_requested()) fail(ErrorCode::cancelled, name + ": restoring was cancelled");
        return source(out);
      },
      name, size_bytes);
  const Model::Impl& impl = *model.impl();
  reader.check_fit(impl.network->config, impl.fingerprint, options.kv);
  if (options.context_tokens == 0) options.context_tokens = reader.facts().context;
  return std::make_unique<Session::Impl>(model, options, reader);
}

}  // namespace

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Session Session::fork() {
  return make_session([&] { return Session(std::make_unique<Impl>(*impl_)); });
}

void Session::save(const std::string& path) {
  impl_->clear_cancel();
  impl_->refuse_while_generating("save");
  NewFile file(path);
  impl_->save([&](std::span<const std::byte> bytes) { file.append(bytes); });
  file.commit();
}

void Session::save(const std::function<bool(std::span<const std::byte>)>& write) {
  impl_->clear_cancel();
  impl_->save([&](std::span<const std::byte> bytes) {
    if (!write(bytes)) fail(ErrorCode::cancelled, "saving was cancelled");
  });
}

Session Session::restore(const Model& model, const std::string& path, const SessionOptions& options,
                         const std::stop_token& stop) {
  return make_session([&] {
    const MappedFile file(path);
    FileSource source(file);
    return Session(restored(
        model, [&](std::span<std::byte> out) { return source.read(out); }, path,
        file.bytes().size(), options, stop));
  });
}

Session Session::restore(const Model& model,
                         const std::function<std::size_t(std::span<std::byte>)>& read,
                         const SessionOptions& options, const std::stop_token& stop) {
  return make_session([&] { return Session(restored(model, read, "stream", 0, options, stop)); });
}

}  // namespace gemma4
