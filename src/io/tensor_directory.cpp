#include "io/tensor_directory.hpp"

#include <utility>

namespace gemma4 {

bool TensorDirectory::add(TensorView tensor) {
  if (!by_name_.try_emplace(tensor.name, tensors_.size()).second) return false;
  tensors_.push_back(std::move(tensor));
  return true;
}

const TensorView* TensorDirectory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? &tensors_[found->second] : nullptr;
}

}  // namespace gemma4
