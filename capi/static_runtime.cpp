// What the C++ runtime inside the library would leave behind when the library is unloaded.
#include <version>

#ifdef __GLIBCXX__

namespace __gnu_cxx {
// libstdc++'s own, made for tools that count memory: frees its reserve for exceptions
void __freeres();  // NOLINT(bugprone-reserved-identifier)
}  // namespace __gnu_cxx

namespace {

// After all other destructors of the library: nothing in it can throw any more.
[[gnu::destructor(101)]] void free_reserve() { __gnu_cxx::__freeres(); }

}  // namespace

#endif
