#include "file_writer.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>
#include <thread>

#include "base/checked.hpp"
#include "gemma4/error.hpp"
#include "random_blocks.hpp"

namespace gemma4::synthetic {
namespace {

constexpr std::uint64_t kAlignment = 32;
// Large enough for the disk, small enough to share the work evenly.
constexpr std::uint64_t kPieceBytes = 8u << 20;

/// A run of blocks of one tensor, and its place in the file.
struct Piece {
  const PlannedTensor* tensor;
  std::uint64_t first_block;
  std::uint64_t size_bytes;
  std::uint64_t position;
};

struct Layout {
  std::string header;  // everything before the data section, padding included
  std::vector<Piece> pieces;
  std::uint64_t file_bytes = 0;
};

std::uint64_t size_bytes(const PlannedTensor& tensor) {
  const TensorTypeTraits& traits = *tensor_type_traits(tensor.type);
  std::uint64_t bytes = tensor.ne[0] / traits.block_elements * traits.block_bytes;
  for (std::size_t i = 1; i < tensor.ne.size(); ++i) bytes *= tensor.ne[i];
  return bytes;
}

void append_pieces(const PlannedTensor& tensor, std::uint64_t position,
                   std::vector<Piece>& pieces) {
  const std::uint64_t block_bytes = tensor_type_traits(tensor.type)->block_bytes;
  const std::uint64_t step = kPieceBytes / block_bytes * block_bytes;
  const std::uint64_t total = size_bytes(tensor);
  for (std::uint64_t done = 0; done < total; done += step) {
    pieces.push_back({&tensor, done / block_bytes, std::min(step, total - done), position + done});
  }
}

Layout lay_out(const KeyWriter& keys, const std::vector<PlannedTensor>& tensors) {
  Layout layout;
  std::string& header = layout.header;
  header = "GGUF";
  append_number<std::uint32_t>(header, 3);
  append_number<std::uint64_t>(header, tensors.size());
  append_number<std::uint64_t>(header, keys.count());
  header += keys.bytes();
  std::vector<std::uint64_t> offsets;
  std::uint64_t offset = 0;
  for (const PlannedTensor& tensor : tensors) {
    append_string(header, tensor.name);
    append_number<std::uint32_t>(header, static_cast<std::uint32_t>(tensor.ne.size()));
    for (const std::uint64_t n : tensor.ne) append_number(header, n);
    append_number(header, static_cast<std::uint32_t>(tensor.type));
    append_number(header, offset);
    offsets.push_back(offset);
    offset = round_up(offset + size_bytes(tensor), kAlignment);
  }
  header.resize(round_up(header.size(), kAlignment), '\0');
  layout.file_bytes = header.size() + offset;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    append_pieces(tensors[i], header.size() + offsets[i], layout.pieces);
  }
  return layout;
}

/// One thread's part: takes the next piece until none is left. Each thread has its own stream on
/// the file.
void write_pieces(const std::string& path, const Layout& layout, std::uint64_t seed,
                  std::atomic<std::size_t>& next, std::atomic<bool>& failed) {
  std::ofstream out(path, std::ios::binary | std::ios::in);  // in: keeps what is there
  std::vector<std::byte> buffer(kPieceBytes);
  for (std::size_t i = next++; i < layout.pieces.size() && !failed; i = next++) {
    const Piece& piece = layout.pieces[i];
    const std::span<std::byte> bytes =
        std::span(buffer).first(static_cast<std::size_t>(piece.size_bytes));
    fill_blocks(*piece.tensor, seed, piece.first_block, bytes);
    out.seekp(static_cast<std::streamoff>(piece.position));
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    if (!out) failed = true;
  }
  out.close();
  if (!out) failed = true;
}

/// Writes everything; false when the disk or the path refuses.
bool write_all(const std::string& path, const Layout& layout, std::uint64_t seed,
               unsigned threads) {
  std::ofstream start(path, std::ios::binary | std::ios::trunc);
  start.write(layout.header.data(), static_cast<std::streamsize>(layout.header.size()));
  start.close();
  if (!start) return false;
  std::error_code error;
  std::filesystem::resize_file(path, layout.file_bytes, error);  // zeros, also between tensors
  if (error) return false;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::vector<std::thread> workers;
  workers.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) {
    workers.emplace_back([&] { write_pieces(path, layout, seed, next, failed); });
  }
  for (std::thread& worker : workers) worker.join();
  return !failed;
}

}  // namespace

void write_file(const std::string& path, const KeyWriter& keys,
                const std::vector<PlannedTensor>& tensors, std::uint64_t seed, unsigned threads) {
  const Layout layout = lay_out(keys, tensors);
  // Under another name first: who has the old file open keeps it, and a half-written one is never
  // taken for a model.
  const std::string unfinished = path + ".unfinished";
  std::error_code error;
  if (write_all(unfinished, layout, seed, threads)) {
    std::filesystem::rename(unfinished, path, error);
    if (!error) return;
  }
  std::filesystem::remove(unfinished, error);
  throw Error(ErrorCode::io,
              path + ": cannot write " + std::to_string(layout.file_bytes) + " bytes");
}

}  // namespace gemma4::synthetic
