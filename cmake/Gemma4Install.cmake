# Install rules: headers, libraries, find_package(gemma4 CONFIG), pkg-config, the program and its tiny models. Everything is relocatable.
set(GEMMA4_HAS_ONEDNN FALSE)
if(TARGET gemma4_onednn)
  set(GEMMA4_HAS_ONEDNN TRUE)
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemma4)

# One export per component, because the static libraries need packages of others and the shared one needs none.
install(TARGETS gemma4 gemma4_c_static EXPORT gemma4CxxTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT gemma4CxxTargets NAMESPACE gemma4:: DESTINATION ${package_dir})
if(TARGET gemma4_c)
  install(TARGETS gemma4_c EXPORT gemma4CTargets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT gemma4CTargets NAMESPACE gemma4:: DESTINATION ${package_dir})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gemma4 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/capi/gemma4.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/gemma4Config.cmake.in
                              ${PROJECT_BINARY_DIR}/gemma4Config.cmake
                              INSTALL_DESTINATION ${package_dir})
# While the major version is 0, a minor version may break users.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gemma4ConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gemma4Config.cmake ${PROJECT_BINARY_DIR}/gemma4ConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/Gemma4FindXxhash.cmake ${CMAKE_CURRENT_LIST_DIR}/Gemma4FindOnednn.cmake
        DESTINATION ${package_dir})

# The prefix is found from the .pc file's own place.
file(RELATIVE_PATH GEMMA4_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" GEMMA4_PC_PREFIX "${GEMMA4_PC_PREFIX}")
# -lstdc++: for programs in C, whose linker does not add it.
set(GEMMA4_PC_LIBS_PRIVATE "${CMAKE_THREAD_LIBS_INIT} -pthread -lm -lstdc++")
if(TARGET gemma4_onednn)
  string(APPEND GEMMA4_PC_LIBS_PRIVATE " ${GEMMA4_ONEDNN_LINK_FLAGS}")
endif()
string(STRIP "${GEMMA4_PC_LIBS_PRIVATE}" GEMMA4_PC_LIBS_PRIVATE)
# No Requires.private, which pkg-config looks for also when nobody links the static library: the shared one needs no other package.
set(GEMMA4_PC_C_LIBS_PRIVATE "-lgemma4 -lsimdjson -lxxhash ${GEMMA4_PC_LIBS_PRIVATE}")
foreach(name gemma4 gemma4-c)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

if(TARGET gemma4_program)
  install(TARGETS gemma4_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/models/tiny/gemma4-tiny-q4_0.gguf
                ${PROJECT_SOURCE_DIR}/models/tiny/gemma4-tiny-assistant-q4_0.gguf
          DESTINATION ${CMAKE_INSTALL_DATADIR}/gemma4/models)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# cpack -G TGZ or DEB in the build folder.
if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()
set(CPACK_PACKAGE_NAME gemma4)
set(CPACK_PACKAGE_CONTACT "the gemma4 developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_GENERATOR TGZ)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libsimdjson-dev, libxxhash-dev")  # for the static libraries
include(CPack)
