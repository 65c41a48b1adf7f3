# The rooms of docs/ARCHITECTURE.md as targets. Sources are globbed, so a new file needs no change here.

# Most of a compilation is parsing LLVM's and the library's headers: the rooms share one precompiled header.
option(XFA_PRECOMPILED "Precompile the headers that nearly every file reads" ON)
function(xfa_precompile target)
  if(NOT XFA_PRECOMPILED)
    return()
  endif()
  get_property(first GLOBAL PROPERTY XFA_PRECOMPILED_FIRST)
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/Precompiled.h")
    set_property(GLOBAL PROPERTY XFA_PRECOMPILED_FIRST ${target})
  endif()
endfunction()

# xfa_room(NAME [rooms it may know...]): lib/NAME/*.cpp as the static library xfa_NAME.
function(xfa_room name)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/lib/${name}/*.cpp")
  list(TRANSFORM ARGN PREPEND xfa_ OUTPUT_VARIABLE rooms)
  if(sources)
    add_library(xfa_${name} STATIC ${sources})
    target_link_libraries(xfa_${name} PRIVATE $<BUILD_LOCAL_INTERFACE:xfa_options>)
    xfa_precompile(xfa_${name})
    set(scope PUBLIC)
  else() # a room with headers only
    add_library(xfa_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(xfa_${name} ${scope}
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  set_property(GLOBAL APPEND PROPERTY XFA_ROOMS xfa_${name})
  target_link_libraries(xfa_${name} ${scope} ${rooms} xfa_llvm)
endfunction()

# xfa_program(NAME FOLDER [libraries...]): the sources of FOLDER as the program build/bin/NAME; none, no program.
function(xfa_program name folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE xfa_options ${ARGN})
  endif()
endfunction()
