// exp, tanh and GELU on sixteen floats. Included inside an instruction set's namespace, after its
// vec.hpp. Errors, tested against double: exp and tanh <= 2 ulp, gelu <= 2 ulp or 2^-124 (its far
// tail becomes 0 when e^-v overflows).

/// e^x. Below -87 exactly 0, above 88.72283 infinity; e^0 is exactly 1. Cody-Waite reduction and
/// the polynomial of Cephes' expf.
inline Vec exp(Vec x) {
  const Vec n = round_even(mul(x, set1(1.44269504088896341f)));
  Vec r = fnma(n, set1(0.693359375f), x);
  r = fnma(n, set1(-2.12194440e-4f), r);
  Vec p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  const Vec y = add(fma(p, mul(r, r), r), set1(1.0f));
  Vec result = add_exponent(y, n);
  result = select(less(x, set1(-87.0f)), set1(0.0f), result);
  return select(less(set1(88.72283f), x), set1(__builtin_inff()), result);
}

/// tanh x: the polynomial of Cephes' tanhf near 0, 1 - 2 / (e^2|x| + 1) elsewhere.
inline Vec tanh(Vec x) {
  const Vec z = mul(x, x);
  Vec p = set1(-5.70498872745e-3f);
  p = fma(p, z, set1(2.06390887954e-2f));
  p = fma(p, z, set1(-5.37397155531e-2f));
  p = fma(p, z, set1(1.33314422036e-1f));
  p = fma(p, z, set1(-3.33332819422e-1f));
  const Vec near = fma(mul(p, z), x, x);
  const Vec magnitude = abs(x);
  const Vec e = exp(add(magnitude, magnitude));
  const Vec far = sub(set1(1.0f), div(set1(2.0f), add(e, set1(1.0f))));
  return select(less(magnitude, set1(0.625f)), near, copy_sign(far, x));
}

/// gelu(z) = z / (1 + e^-v), v = 2 sqrt(2/pi) (z + 0.044715 z^3): the tanh form, rewritten without
/// its cancellation. An error of v counts |v| times in e^-v, so v is carried as an unevaluated sum
/// v + rest, each product with its rounding error.
inline Vec gelu(Vec z) {
  const Vec a = set1(1.5957691216057308f);     // 2 sqrt(2/pi), rounded
  const Vec a_rest = set1(-4.5340680421e-8f);  // and what the rounding took
  const Vec b = set1(0.07135481627260025f);    // a * 0.044715, likewise
  const Vec b_rest = set1(2.3988323959e-9f);
  const Vec t = mul(z, z);
  const Vec t_rest = fma(z, z, sub(set1(0.0f), t));
  const Vec p = mul(b, t);
  const Vec p_rest = fma(b_rest, t, fma(b, t_rest, fma(b, t, sub(set1(0.0f), p))));
  const Vec g = add(a, p);  // Knuth's two-sum: its error follows
  const Vec back = sub(g, a);
  const Vec g_rest = add(add(sub(a, sub(g, back)), sub(p, back)), add(p_rest, a_rest));
  const Vec v = mul(z, g);
  const Vec v_rest = fma(z, g_rest, fma(z, g, sub(set1(0.0f), v)));
  const Vec e = exp(sub(set1(0.0f), v));
  // e^-(v + rest) = e^-v (1 - rest); where e is infinite the result is 0 whatever the rest
  const Vec corrected = select(less(e, set1(1e38f)), fnma(e, v_rest, e), e);
  // past |z| = 13 the answer is z or 0 in float, and t may overflow
  const Vec inside = div(z, add(set1(1.0f), corrected));
  const Vec outside = select(less(z, set1(0.0f)), set1(-0.0f), z);
  return select(less(abs(z), set1(13.0f)), inside, outside);
}
