# Install rules: headers, library, find_package(gemma4 CONFIG), pkg-config, the program and its tiny models. Everything is relocatable.
set(GEMMA4_HAS_ONEDNN FALSE)
if(TARGET gemma4_onednn)
  set(GEMMA4_HAS_ONEDNN TRUE)
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemma4)
get_target_property(library_type gemma4 TYPE)
if(library_type STREQUAL "STATIC_LIBRARY")
  set(GEMMA4_IS_STATIC TRUE)
else()
  set(GEMMA4_IS_STATIC FALSE)
endif()

install(TARGETS gemma4 EXPORT gemma4Targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gemma4 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(EXPORT gemma4Targets NAMESPACE gemma4:: DESTINATION ${package_dir})

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
if(GEMMA4_IS_STATIC)
  set(GEMMA4_PC_REQUIRES_PRIVATE "simdjson libxxhash")
  set(GEMMA4_PC_LIBS_PRIVATE "${CMAKE_THREAD_LIBS_INIT} -pthread -lm")
  if(TARGET gemma4_onednn)
    string(APPEND GEMMA4_PC_LIBS_PRIVATE " ${GEMMA4_ONEDNN_LINK_FLAGS}")
  endif()
  string(STRIP "${GEMMA4_PC_LIBS_PRIVATE}" GEMMA4_PC_LIBS_PRIVATE)
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/gemma4.pc.in ${PROJECT_BINARY_DIR}/gemma4.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gemma4.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET gemma4_program)
  install(TARGETS gemma4_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/models/tiny/gemma4-tiny-q4_0.gguf
                ${PROJECT_SOURCE_DIR}/models/tiny/gemma4-tiny-assistant-q4_0.gguf
          DESTINATION ${CMAKE_INSTALL_DATADIR}/gemma4/models)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
