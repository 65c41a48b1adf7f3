# xfa_llvm: LLVM 19's Support (and ADT), statically.
#
# Not find_package(LLVM): its exported LLVMSupport drags in shared libraries (Z3, tens of megabytes to relocate at every
# start) for members of the archive that we never use, and packages (FFI, LibEdit, LibXml2) that we need not install.

find_program(XFA_LLVM_CONFIG NAMES llvm-config-19 llvm-config REQUIRED)
execute_process(COMMAND "${XFA_LLVM_CONFIG}" --version OUTPUT_VARIABLE llvmVersion OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT llvmVersion MATCHES "^19\\.")
  message(FATAL_ERROR "${XFA_LLVM_CONFIG} is LLVM ${llvmVersion}; 19 is needed (make build installs it)")
endif()
execute_process(COMMAND "${XFA_LLVM_CONFIG}" --includedir OUTPUT_VARIABLE llvmInclude OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND "${XFA_LLVM_CONFIG}" --libdir OUTPUT_VARIABLE llvmLib OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND "${XFA_LLVM_CONFIG}" --bindir OUTPUT_VARIABLE llvmBin OUTPUT_STRIP_TRAILING_WHITESPACE)
set(XFA_LLVM_BIN "${llvmBin}") # FileCheck, not, split-file

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_library(XFA_ZSTD NAMES libzstd.a zstd REQUIRED)

add_library(xfa_llvm INTERFACE)
target_include_directories(xfa_llvm SYSTEM INTERFACE "${llvmInclude}")
target_link_libraries(xfa_llvm INTERFACE
  "${llvmLib}/libLLVMSupport.a" "${llvmLib}/libLLVMDemangle.a" "${XFA_ZSTD}" ZLIB::ZLIB Threads::Threads
  ${CMAKE_DL_LIBS} m)
