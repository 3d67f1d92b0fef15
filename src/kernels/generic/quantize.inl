// The integer form of activations, block by block. Included inside an instruction set's namespace,
// after its quantize_block.

void quantize(const float* values, std::uint32_t width, const Activations& a, std::uint32_t row,
              std::uint64_t column) {
  // a copy, which the stores cannot change: the compiler need not find the places anew
  Activations at = a.block(row, column);
  for (std::uint32_t i = 0; i < width; i += kBlock, at = at.block(0, kBlock))
    quantize_block(values + i, at);
}
