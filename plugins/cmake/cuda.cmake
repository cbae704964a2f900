# ISFP_HAS_CUDA: whether nvcc is here. ISFP_CUDA_ARCHITECTURES: what device code is made for.
option(ISFP_CUDA "Build device code, if nvcc is found" ON)
set(ISFP_HAS_CUDA OFF)
if(NOT ISFP_CUDA)
  return()
endif()

find_program(ISFP_NVCC nvcc HINTS ${CMAKE_CUDA_COMPILER} $ENV{CUDACXX} PATHS /usr/local/cuda/bin)
if(NOT ISFP_NVCC)
  message(STATUS "nvcc was not found: no device code, no plugin. Install the CUDA toolkit, or set CUDACXX to its nvcc.")
  return()
endif()
if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${ISFP_NVCC})
endif()

# Ampere is the oldest: the FP16 kernel needs its m16n8k16 matrix instruction.
execute_process(COMMAND ${ISFP_NVCC} --list-gpu-code OUTPUT_VARIABLE known OUTPUT_STRIP_TRAILING_WHITESPACE)
set(architectures "")
foreach(architecture 80 86 87 89 90 100 120)
  if(known MATCHES "sm_${architecture}(\n|$)")
    list(APPEND architectures ${architecture}-real)
  endif()
endforeach()
# Intermediate code of the oldest, which the driver compiles for any newer GPU (sm_110 of Jetson Thor, sm_121).
list(APPEND architectures 80-virtual)
set(ISFP_CUDA_ARCHITECTURES "${architectures}" CACHE STRING "As CMAKE_CUDA_ARCHITECTURES; a robot's own is enough, e.g. 87 for Jetson Orin")
set(CMAKE_CUDA_ARCHITECTURES ${ISFP_CUDA_ARCHITECTURES})

enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)
set(ISFP_HAS_CUDA ON)
