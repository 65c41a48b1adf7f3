# How everything of ours is compiled and linked.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, Asan or Fuzz" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
# -Og compiles twice as fast as -O1 under the sanitizers, and these tests are short. -g1: line numbers in reports.
set(CMAKE_CXX_FLAGS_ASAN
    "-Og -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all")
set(CMAKE_EXE_LINKER_FLAGS_ASAN "-fsanitize=address,undefined")
set(CMAKE_CXX_FLAGS_FUZZ "-O1 -g1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined")
set(CMAKE_EXE_LINKER_FLAGS_FUZZ "-fsanitize=address,undefined")

add_library(xfa_options INTERFACE)
target_compile_options(xfa_options INTERFACE -Wall -Wextra)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Fuzz") # another compiler, other warnings
  target_compile_options(xfa_options INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Asan")
  # GCC's flow analysis reports what the instrumentation put there.
  target_compile_options(xfa_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Fuzz")
  # No shared C++ runtime to find and relocate: the program starts sooner, and runs on other machines.
  target_link_options(xfa_options INTERFACE -static-libstdc++ -static-libgcc)
endif()

find_program(XFA_MOLD mold)
if(XFA_MOLD AND NOT CMAKE_EXE_LINKER_FLAGS MATCHES "-fuse-ld")
  target_link_options(xfa_options INTERFACE -fuse-ld=mold)
endif()
target_link_options(xfa_options INTERFACE -Wl,--gc-sections)
target_compile_options(xfa_options INTERFACE -ffunction-sections -fdata-sections)

# Paths relative to the source tree, so that clones and worktrees share what one of them compiled.
find_program(XFA_CCACHE ccache)
if(XFA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=true
      CCACHE_SLOPPINESS=pch_defines,time_macros "${XFA_CCACHE}")
  # What ccache asks for to see through precompiled headers.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(xfa_options INTERFACE -fpch-preprocess)
  else()
    target_compile_options(xfa_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
