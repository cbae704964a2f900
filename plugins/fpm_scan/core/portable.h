// What lets one source be compiled by nvcc for the device and by any C++17 compiler for the tests.
#pragma once

#if defined(__CUDACC__)
#define ISFP_FUNCTION __host__ __device__ __forceinline__
#else
#define ISFP_FUNCTION inline
#endif

// How the device's loops are unrolled; nvcc's compiler for the host knows no such pragma.
#if defined(__CUDA_ARCH__)
#define ISFP_PRAGMA(text) _Pragma(#text)
#define ISFP_UNROLL ISFP_PRAGMA(unroll)
#define ISFP_UNROLL_BY(count) ISFP_PRAGMA(unroll count)
#else
#define ISFP_UNROLL
#define ISFP_UNROLL_BY(count)
#endif

namespace isfp {

ISFP_FUNCTION constexpr int smaller(int a, int b) { return a < b ? a : b; }
ISFP_FUNCTION constexpr int larger(int a, int b) { return a > b ? a : b; }
ISFP_FUNCTION constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }
ISFP_FUNCTION constexpr int round_up(int a, int b) { return divide_up(a, b) * b; }

}  // namespace isfp
