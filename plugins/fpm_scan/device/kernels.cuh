// The kernels: each makes a device context and runs a body from core/.
#pragma once

#include "../core/fma_product.h"
#include "../core/fragment_product.h"
#include "../core/scan_block.h"
#include "../core/simple_block.h"
#include "../core/sum_paths.h"
#include "device_context.cuh"

namespace isfp {

constexpr int kMostThreads = 256;  // of any block

// Blocks of the fast path that a multiprocessor must have registers for. FP32 takes so much shared memory that a second
// block of 256 threads rarely fits anyway.
template <class Scalar>
constexpr int kBlocksTogether = sizeof(Scalar) == 2 ? 2 : 1;

template <class Scalar>
struct ProductOf {
    using Type = FmaProduct;
};

template <>
struct ProductOf<DeviceHalf> {
    using Type = FragmentProduct;
};

template <class Scalar>
__global__ void __launch_bounds__(kMostThreads, kBlocksTogether<Scalar>)
    fpm_scan_fast(const __grid_constant__ Arguments<Scalar> arguments) {
    extern __shared__ int4 shared[];
    const unsigned path = static_cast<unsigned>(arguments.first_path) + blockIdx.z;
    DeviceContext context(
        shared, arguments.arrivals + path * static_cast<unsigned>(arguments.shape.phrases) + blockIdx.y);
    ScanBlock<typename ProductOf<Scalar>::Type, Scalar, DeviceContext>(context, arguments).run();
}

template <class Scalar>
__global__ void __launch_bounds__(kMostThreads, 1)
    fpm_scan_simple(const __grid_constant__ Arguments<Scalar> arguments) {
    DeviceContext context(nullptr, nullptr);
    SimpleBlock<Scalar, DeviceContext>(context, arguments).run();
}

template <class Scalar>
__global__ void __launch_bounds__(kMostThreads, 1) fpm_sum_paths(const __grid_constant__ Arguments<Scalar> arguments) {
    sum_paths(
        arguments, static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x,
        static_cast<std::size_t>(gridDim.x) * blockDim.x);
}

}  // namespace isfp
