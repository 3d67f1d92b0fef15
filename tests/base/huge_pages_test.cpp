#include "base/huge_pages.hpp"

#include <doctest/doctest.h>

namespace gemma4::test {

TEST_CASE("the system's setting of huge pages is understood") {
  CHECK(huge_pages_off("always madvise [never]\n"));
  CHECK_FALSE(huge_pages_off("always [madvise] never\n"));
  CHECK_FALSE(huge_pages_off("[always] madvise never\n"));
  CHECK_FALSE(huge_pages_off(""));
}

}  // namespace gemma4::test
