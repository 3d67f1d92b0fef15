// A GGUF checkpoint as plain double-precision matrices.
#pragma once

#include <Eigen/Core>
#include <map>
#include <string>
#include <vector>

namespace gemma4::reference {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Index = Eigen::Index;

struct Layer {
  bool full_attention = false;  // false: a sliding window
  Index head_size = 0, kv_heads = 0;
  double rope_base = 0;
};

struct Checkpoint {
  explicit Checkpoint(const std::string& path);

  // A tensor by its name without ".weight": a linear layer as [out, in], a vector as one row.
  const Matrix& operator[](const std::string& name) const;
  bool has(const std::string& name) const { return tensors.count(name + ".weight") != 0; }

  Index hidden_size = 0, query_heads = 0, window = 0;
  double epsilon = 0;
  double softcap = 0;  // 0: none
  std::vector<Layer> layers;
  std::map<std::string, Matrix> tensors;
};

}  // namespace gemma4::reference
