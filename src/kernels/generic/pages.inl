// Pages of streamed memory, looked up ahead of time. Included inside an instruction set's
// namespace.

/// The smallest page that processors translate addresses by. Where pages are larger, asking for
/// each of these costs next to nothing; and they may be smaller than the program believes: under a
/// hypervisor, or in a mapped file.
constexpr std::uintptr_t kPage = 4096;

/// How far ahead of what is asked for line by line a page is looked up, in bytes.
constexpr std::uint32_t kPagesAhead = 6144;

/// Asks for the first line of the page of `p`, any address. The first to ask for a page waits until
/// its address is translated, and so does what the core asks for next: that should be over when the
/// page's own lines come. Always the same line: several of them, so early, look like a jump to the
/// hardware's prefetchers, and it is their work that is lost. Inlined by force, because to GCC a
/// function that only prefetches does nothing and its calls are left out.
[[gnu::always_inline]] inline void look_up_page(const void* p) {
  __builtin_prefetch(static_cast<const char*>(p) - reinterpret_cast<std::uintptr_t>(p) % kPage);
}
