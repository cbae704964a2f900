#include "scan.h"

#include <algorithm>

#include "kernels.cuh"

namespace isfp {
namespace {

constexpr std::size_t kMostSumBlocks = 1024;

int bytes_of(ScalarKind kind) { return kind == ScalarKind::fp16 ? 2 : 4; }

template <class Scalar>
cudaError_t plan_for(const Shape& shape, LaunchPlan& plan) {
    const auto kernel = reinterpret_cast<const void*>(fpm_scan_fast<Scalar>);
    int device = 0;
    int multiprocessors = 0;
    int shared = 0;
    int cooperative = 0;
    for (const cudaError_t status :
         {cudaGetDevice(&device), cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device),
          cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
          cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, device),
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared)}) {
        if (status != cudaSuccess) {
            return status;
        }
    }
    cudaError_t asked = cudaSuccess;
    const auto occupancy = [&](int threads, std::size_t bytes) {
        int blocks = 0;
        const cudaError_t status = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, bytes);
        asked = status == cudaSuccess ? asked : status;
        return status == cudaSuccess ? blocks : 0;
    };
    plan = choose_launch(
        shape, sizeof(Scalar), {multiprocessors, static_cast<std::size_t>(shared), cooperative != 0}, occupancy);
    return asked;
}

template <class Scalar>
Arguments<Scalar> arguments_of(
    const Shape& shape, const Attributes& attributes, const LaunchPlan& plan, const ScanTensors& tensors) {
    const Workspace layout = workspace_of(shape, sizeof(Scalar));
    char* workspace = static_cast<char*>(tensors.workspace);
    Arguments<Scalar> arguments;
    arguments.isf = static_cast<const Scalar*>(tensors.isf);
    arguments.w1 = static_cast<const Scalar*>(tensors.w1);
    arguments.w2 = static_cast<const Scalar*>(tensors.w2);
    arguments.out = static_cast<Scalar*>(tensors.out);
    arguments.state = reinterpret_cast<float*>(workspace + layout.state);
    arguments.exchange = reinterpret_cast<Scalar*>(workspace + layout.exchange);
    arguments.arrivals = reinterpret_cast<unsigned*>(workspace + layout.arrivals);
    arguments.shape = shape;
    arguments.attributes = attributes;
    arguments.slice_log2 = plan.slice_log2;
    arguments.slices = plan.slices;
    arguments.phrases_per_group = plan.phrases_per_group;
    return arguments;
}

template <class Scalar>
cudaError_t launch(
    const void* kernel,
    bool cooperative,
    dim3 grid,
    const LaunchPlan& plan,
    Arguments<Scalar>& arguments,
    cudaStream_t stream) {
    void* pointers[] = {&arguments};
    const dim3 block(static_cast<unsigned>(plan.threads));
    return cooperative ? cudaLaunchCooperativeKernel(kernel, grid, block, pointers, plan.shared_bytes, stream)
                       : cudaLaunchKernel(kernel, grid, block, pointers, plan.shared_bytes, stream);
}

template <class Scalar>
cudaError_t enqueue_for(
    const Shape& shape,
    const Attributes& attributes,
    const LaunchPlan& plan,
    const ScanTensors& tensors,
    cudaStream_t stream) {
    Arguments<Scalar> arguments = arguments_of<Scalar>(shape, attributes, plan, tensors);
    const auto kernel = plan.fast ? reinterpret_cast<const void*>(fpm_scan_fast<Scalar>)
                                  : reinterpret_cast<const void*>(fpm_scan_simple<Scalar>);
    const bool cooperative = plan.fast && plan.slices > 1;
    if (cooperative) {
        const cudaError_t status =
            cudaMemsetAsync(arguments.arrivals, 0, workspace_of(shape, sizeof(Scalar)).arrivals_bytes, stream);
        if (status != cudaSuccess) {
            return status;
        }
    }
    const dim3 grid(
        static_cast<unsigned>(plan.slices), static_cast<unsigned>(plan.groups),
        static_cast<unsigned>(plan.paths_per_launch));
    for (arguments.first_path = 0; arguments.first_path < kPaths; arguments.first_path += plan.paths_per_launch) {
        const cudaError_t status = launch(kernel, cooperative, grid, plan, arguments, stream);
        if (status != cudaSuccess) {
            return status;
        }
    }
    const std::size_t elements = static_cast<std::size_t>(shape.phrases) * shape.size * shape.size * shape.channels;
    const std::size_t blocks = std::min(kMostSumBlocks, (elements + kMostThreads - 1) / kMostThreads);
    void* pointers[] = {&arguments};
    return cudaLaunchKernel(
        reinterpret_cast<const void*>(fpm_sum_paths<Scalar>), dim3(static_cast<unsigned>(blocks)), dim3(kMostThreads),
        pointers, 0, stream);
}

}  // namespace

cudaError_t plan_scan(const Shape& shape, ScalarKind kind, LaunchPlan& plan) {
    return kind == ScalarKind::fp16 ? plan_for<DeviceHalf>(shape, plan) : plan_for<float>(shape, plan);
}

std::size_t scan_workspace(const Shape& shape, ScalarKind kind) { return workspace_of(shape, bytes_of(kind)).total; }

cudaError_t enqueue_scan(
    const Shape& shape,
    ScalarKind kind,
    const Attributes& attributes,
    const LaunchPlan& plan,
    const ScanTensors& tensors,
    cudaStream_t stream) {
    return kind == ScalarKind::fp16 ? enqueue_for<DeviceHalf>(shape, attributes, plan, tensors, stream)
                                    : enqueue_for<float>(shape, attributes, plan, tensors, stream);
}

}  // namespace isfp
