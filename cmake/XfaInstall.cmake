# What `cmake --install` puts where, so that find_package(xfa) finds it there, or in the build folder itself.
# xfa::xfa-dev: the inside of the library, for passes and operators built out of tree against the same LLVM.

include(CMakePackageConfigHelpers)

add_library(xfa-dev INTERFACE)
target_link_libraries(xfa-dev INTERFACE xfa_all)

get_property(rooms GLOBAL PROPERTY XFA_ROOMS)
install(TARGETS xfa-dev xfa_all xfa_llvm xfa_onnx ${rooms} EXPORT xfaTargets
  ARCHIVE DESTINATION "${XFA_INSTALL_LIB}" COMPONENT dev)
install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/xfa" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)
install(FILES "${XFA_ONNX_ARCHIVE}" DESTINATION "${XFA_INSTALL_LIB}" COMPONENT dev)

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/xfa")
configure_file("${CMAKE_CURRENT_LIST_DIR}/xfaConfig.cmake.in" "${CMAKE_BINARY_DIR}/xfaConfig.cmake" @ONLY)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/xfaConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/xfaConfig.cmake" "${CMAKE_BINARY_DIR}/xfaConfigVersion.cmake"
  DESTINATION "${package}" COMPONENT dev)
install(EXPORT xfaTargets NAMESPACE xfa:: DESTINATION "${package}" COMPONENT dev)
export(EXPORT xfaTargets NAMESPACE xfa:: FILE "${CMAKE_BINARY_DIR}/xfaTargets.cmake")
