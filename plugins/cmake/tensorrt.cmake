# TENSORRT_INCLUDE_DIR: where NvInferRuntime.h is. Nothing of TensorRT is linked: it calls the plugin, not the other way round.
find_path(TENSORRT_INCLUDE_DIR NvInferRuntime.h
  PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} /usr/include/aarch64-linux-gnu /usr/include/x86_64-linux-gnu /usr/local/tensorrt/include
  DOC "Folder of NvInferRuntime.h")
if(TENSORRT_INCLUDE_DIR)
  file(STRINGS ${TENSORRT_INCLUDE_DIR}/NvInferVersion.h lines REGEX "define (NV_TENSORRT|TRT)_(MAJOR|MINOR)(_ENTERPRISE)? +[0-9]+")
  string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
  list(JOIN numbers "." ISFP_TENSORRT_VERSION)
  message(STATUS "TensorRT ${ISFP_TENSORRT_VERSION} headers in ${TENSORRT_INCLUDE_DIR}")
else()
  message(STATUS "NvInferRuntime.h was not found: no plugin. Install TensorRT's headers (JetPack: libnvinfer-headers-dev), "
    "set -DTENSORRT_INCLUDE_DIR, or take them from PyPI: python3 plugins/fetch_headers.py build/tensorrt-headers")
endif()
