// What the C++ runtime inside the library would leave behind when the library is unloaded.
#include <version>

#ifdef __GLIBCXX__

namespace __gnu_cxx {
void __freeres();  // libstdc++'s own, for tools that count memory: its reserve for exceptions
}

namespace {

// After all other destructors of the library: nothing in it can throw any more.
[[gnu::destructor(101)]] void free_reserve() { __gnu_cxx::__freeres(); }

}  // namespace

#endif
