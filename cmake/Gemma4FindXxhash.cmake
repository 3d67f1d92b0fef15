# xxHash: config file where the package has one, pkg-config where not (Debian). Gives the target xxHash::xxhash.
find_package(xxHash CONFIG QUIET)
if(NOT TARGET xxHash::xxhash)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
  add_library(xxHash::xxhash ALIAS PkgConfig::XXHASH)
endif()
