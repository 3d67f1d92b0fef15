# REF and SHA512 are a release's: 0 makes vcpkg say the right one.
vcpkg_from_github(
    OUT_SOURCE_PATH SOURCE_PATH
    REPO gemma4/gemma4
    REF "v${VERSION}"
    SHA512 0
    HEAD_REF main
)

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
    FEATURES
        onednn GEMMA4_ONEDNN
        tools  GEMMA4_BUILD_EXAMPLES
)
string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" "dynamic" C_SHARED)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${FEATURE_OPTIONS}
        -DGEMMA4_BUILD_TESTS=OFF
        -DGEMMA4_BUILD_BENCHMARKS=OFF
        -DGEMMA4_INSTALL=ON
        -DGEMMA4_C_SHARED=${C_SHARED}
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/gemma4)
vcpkg_fixup_pkgconfig()
vcpkg_copy_pdbs()
if("tools" IN_LIST FEATURES)
    vcpkg_copy_tools(TOOL_NAMES gemma4 AUTO_CLEAN)
endif()

file(REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
)
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
