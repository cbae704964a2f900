// The FPM scan on a CUDA device, without TensorRT: plan once for a shape, then enqueue as often as needed.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "../core/launch_choice.h"
#include "../core/operator.h"

namespace isfp {

enum class ScalarKind { fp16, fp32 };

// The launch for `shape` on the current device. Asks the device, so not for `enqueue`.
cudaError_t plan_scan(const Shape& shape, ScalarKind kind, LaunchPlan& plan);

// Bytes of workspace that any plan for `shape` is content with; grows with each of P, S and C.
std::size_t scan_workspace(const Shape& shape, ScalarKind kind);

struct ScanTensors {
    const void* isf = nullptr;  // [P,S,S,C]
    const void* w1 = nullptr;   // [4,C,C]
    const void* w2 = nullptr;   // [4,2,C,C]
    void* out = nullptr;        // [P,S,S,C]
    void* workspace = nullptr;  // scan_workspace(...) bytes, aligned to 256
};

// Puts the scan on `stream` and returns: neither allocates nor waits nor copies, so that a stream capture can record
// it.
cudaError_t enqueue_scan(
    const Shape& shape,
    ScalarKind kind,
    const Attributes& attributes,
    const LaunchPlan& plan,
    const ScanTensors& tensors,
    cudaStream_t stream);

}  // namespace isfp
