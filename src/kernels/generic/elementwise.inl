// Norms, rotation, activation functions: everything of a layer that is neither a matrix
// product nor attention. Included inside an instruction set's namespace, after math.inl. Sizes are
// multiples of 16.

inline float sum_of_squares(const float* x, std::uint32_t size) {
  Vec sum = set1(0.0f);
  for (std::uint32_t i = 0; i < size; i += 16) {
    const Vec v = load(x + i);
    sum = fma(v, v, sum);
  }
  return sum_tree(sum);
}

inline float rms_factor(const float* x, std::uint32_t size, float epsilon) {
  const float mean = sum_of_squares(x, size) / static_cast<float>(size);
  return 1.0f / __builtin_sqrtf(mean + epsilon);
}

void rms_norm(const float* x, const float* weight, std::uint32_t size, float epsilon, float* out) {
  const Vec factor = set1(rms_factor(x, size, epsilon));
  for (std::uint32_t i = 0; i < size; i += 16) {
    const Vec v = mul(load(x + i), factor);
    store(out + i, weight != nullptr ? mul(v, load(weight + i)) : v);
  }
}

void add_rms_norm(float* x, const float* y, const float* weight, std::uint32_t size, float epsilon,
                  float factor) {
  const Vec norm = set1(rms_factor(y, size, epsilon));
  const Vec scale = set1(factor);
  for (std::uint32_t i = 0; i < size; i += 16) {
    const Vec normed = mul(mul(load(y + i), norm), load(weight + i));
    store(x + i, mul(add(load(x + i), normed), scale));
  }
}

void rotate(float* x, std::uint32_t size, std::uint32_t pairs, const float* cosine,
            const float* sine) {
  float* low = x;
  float* high = x + size / 2;
  std::uint32_t i = 0;
  for (; i + 16 <= pairs; i += 16) {
    const Vec a = load(low + i), b = load(high + i), c = load(cosine + i), s = load(sine + i);
    store(low + i, fnma(b, s, mul(a, c)));
    store(high + i, fma(a, s, mul(b, c)));
  }
  for (; i < pairs;
       ++i) {  // the tail of heads with fewer than 16 pairs: the same operations one by one
    const float a = low[i], b = high[i];
    low[i] = __builtin_fmaf(-b, sine[i], a * cosine[i]);
    high[i] = __builtin_fmaf(a, sine[i], b * cosine[i]);
  }
}

void gelu_multiply(const float* gate, const float* up, std::uint32_t size, float* out) {
  for (std::uint32_t i = 0; i < size; i += 16)
    store(out + i, mul(gelu(load(gate + i)), load(up + i)));
}

void soft_cap(float* x, std::uint32_t size, float cap) {
  const Vec limit = set1(cap);
  for (std::uint32_t i = 0; i < size; i += 16)
    store(x + i, mul(limit, tanh(div(load(x + i), limit))));
}

void exponential(const float* x, std::uint32_t size, float* out) {
  for (std::uint32_t i = 0; i < size; i += 16) store(out + i, exp(load(x + i)));
}

void hyperbolic_tangent(const float* x, std::uint32_t size, float* out) {
  for (std::uint32_t i = 0; i < size; i += 16) store(out + i, tanh(load(x + i)));
}
