# xfa_onnx: the ONNX C++ library (messages, schemas, text format, checker, inliner, shape inference) and protobuf,
# both static. scripts/setup.sh builds it; .deps/onnx leads there. Only Import, Export and the law tests link it.

set(XFA_ONNX_DIR "${CMAKE_SOURCE_DIR}/.deps/onnx" CACHE PATH "where the ONNX C++ library is installed")
if(NOT EXISTS "${XFA_ONNX_DIR}/lib/libonnx.a")
  message(FATAL_ERROR "no ONNX library in ${XFA_ONNX_DIR}: run `scripts/setup.sh build`, or set XFA_ONNX_DIR")
endif()

set(Protobuf_USE_STATIC_LIBS ON)
find_package(Protobuf REQUIRED)

# Installed, it is an archive beside ours, and its headers stay here: no header of ours includes them.
set(XFA_ONNX_ARCHIVE "${XFA_ONNX_DIR}/lib/libonnx.a")
set(onnxHeaders "${XFA_ONNX_DIR}/include" ${Protobuf_INCLUDE_DIRS})
add_library(xfa_onnx INTERFACE)
target_include_directories(xfa_onnx SYSTEM INTERFACE "$<BUILD_LOCAL_INTERFACE:${onnxHeaders}>")
target_compile_definitions(xfa_onnx INTERFACE $<BUILD_LOCAL_INTERFACE:ONNX_ML=1> $<BUILD_LOCAL_INTERFACE:ONNX_NAMESPACE=onnx>)
target_link_libraries(xfa_onnx INTERFACE
  "$<BUILD_INTERFACE:${XFA_ONNX_ARCHIVE}>" "$<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${XFA_INSTALL_LIB}/libonnx.a>"
  ${Protobuf_LIBRARIES} ZLIB::ZLIB Threads::Threads)
