// What the programs that run the scan on a device share: memory, numbers, every launch plan, and the answer when there
// is no device.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "../core/tile.h"
#include "../device/scan.h"

namespace isfp::test {

constexpr int kNoGpu = 77;  // exit status: ctest calls it skipped

inline void must(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        std::printf("%s: %s (%s)\n", what, cudaGetErrorName(status), cudaGetErrorString(status));
        std::exit(1);
    }
}

// Ends the program where no scan can run: with kNoGpu if there is no device or no driver, with 1 for everything else,
// because a device that does not start is a fault to be seen.
inline void must_have_gpu() {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status == cudaSuccess && devices > 0) {
        return;
    }
    int driver = 0;  // stays 0 where none is installed
    const bool no_driver =
        status == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0;
    const bool none = status == cudaErrorNoDevice || no_driver || status == cudaSuccess;
    std::printf(
        "%s: %s (%s)\n", none ? "no GPU" : "the GPU does not start", cudaGetErrorName(status),
        cudaGetErrorString(status));
    std::exit(none ? kNoGpu : 1);
}

inline int bytes_of(ScalarKind kind) { return kind == ScalarKind::fp16 ? 2 : 4; }

inline const char* name_of(ScalarKind kind) { return kind == ScalarKind::fp16 ? "FP16" : "FP32"; }

inline std::size_t squared(int number) { return static_cast<std::size_t>(number) * static_cast<std::size_t>(number); }

// Device memory, freed with its owner.
class Memory {
public:
    explicit Memory(std::size_t bytes) : bytes_(bytes) { must(cudaMalloc(&data_, bytes), "cudaMalloc"); }
    ~Memory() { cudaFree(data_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    void* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }

private:
    void* data_ = nullptr;
    std::size_t bytes_;
};

// A stream that does not wait for the default one.
class Stream {
public:
    Stream() { must(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate"); }
    ~Stream() { cudaStreamDestroy(stream_); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    cudaStream_t get() const { return stream_; }
    void wait(const char* what) const { must(cudaStreamSynchronize(stream_), what); }

private:
    cudaStream_t stream_ = nullptr;
};

// What `work` puts on a stream, captured.
class Graph {
public:
    template <class Work>
    Graph(const Stream& stream, const Work& work) : stream_(stream) {
        cudaGraph_t graph = nullptr;
        must(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
        work();
        must(cudaStreamEndCapture(stream.get(), &graph), "cudaStreamEndCapture");
        must(cudaGraphInstantiateWithFlags(&replayable_, graph, 0), "cudaGraphInstantiate");
        must(cudaGraphDestroy(graph), "cudaGraphDestroy");
    }
    ~Graph() { cudaGraphExecDestroy(replayable_); }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    void launch() const { must(cudaGraphLaunch(replayable_, stream_.get()), "cudaGraphLaunch"); }

private:
    const Stream& stream_;
    cudaGraphExec_t replayable_ = nullptr;
};

// Numbers as the device stores them, and what they are in float.
struct Tensor {
    Tensor(ScalarKind kind, std::size_t count, float scale, unsigned seed)
        : memory(count * static_cast<std::size_t>(bytes_of(kind))), values(count) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0.0F, scale);
        std::vector<__half> halves(count);
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = normal(random);
            if (kind == ScalarKind::fp16) {
                halves[i] = __float2half_rn(values[i]);
                values[i] = __half2float(halves[i]);
            }
        }
        const void* source = kind == ScalarKind::fp16 ? static_cast<const void*>(halves.data()) : values.data();
        must(cudaMemcpy(memory.data(), source, memory.bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
        // The copy may return before a stream that does not wait for the default one may rely on it.
        must(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    }
    Memory memory;
    std::vector<float> values;
};

// The inputs of one scan; weights are scaled so that sums keep their size.
struct ScanInputs {
    ScanInputs(const Shape& shape, ScalarKind kind)
        : elements(
              static_cast<std::size_t>(shape.phrases) * squared(shape.size) * static_cast<std::size_t>(shape.channels)),
          isf(kind, elements, 1.0F, 1),
          w1(kind, 4 * squared(shape.channels), 1.0F / std::sqrt(static_cast<float>(shape.channels)), 2),
          w2(kind, 8 * squared(shape.channels), 1.0F / std::sqrt(static_cast<float>(shape.channels)), 3) {}
    std::size_t elements;
    Tensor isf, w1, w2;
};

inline std::vector<float> read(const Memory& memory, ScalarKind kind, std::size_t count) {
    std::vector<float> values(count);
    if (kind == ScalarKind::fp32) {
        must(cudaMemcpy(values.data(), memory.data(), memory.bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
        return values;
    }
    std::vector<__half> halves(count);
    must(cudaMemcpy(halves.data(), memory.data(), memory.bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    std::transform(halves.begin(), halves.end(), values.begin(), [](__half half) { return __half2float(half); });
    return values;
}

// The largest difference as a share of the largest expected value; NaN counts as infinite.
inline double largest_error(const std::vector<float>& found, const std::vector<float>& expected) {
    double error = 0.0;
    double largest = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
        error = std::isnan(difference) ? INFINITY : std::max(error, difference);
        largest = std::max(largest, std::fabs(static_cast<double>(expected[i])));
    }
    return error / largest;
}

// Of the largest output. FP16: the output and the incoming sums are rounded to 11 bits. FP32: only the order of the
// sums differs.
inline double tolerance_of(ScalarKind kind) { return kind == ScalarKind::fp16 ? 2e-3 : 2e-5; }

inline bool same_plan(const LaunchPlan& a, const LaunchPlan& b) {
    return a.fast == b.fast && a.slice_log2 == b.slice_log2 && a.groups == b.groups
           && a.paths_per_launch == b.paths_per_launch;
}

// The plan that this device chooses, then those that smaller ones would: fewer multiprocessors, shared memory for the
// smallest slices alone, none that blocks could share. All of them fit here.
inline std::vector<LaunchPlan> plans_of(const Shape& shape, ScalarKind kind) {
    std::vector<LaunchPlan> plans(1);
    must(plan_scan(shape, kind, plans[0]), "plan_scan");
    int device = 0;
    int multiprocessors = 0;
    int shared = 0;
    must(cudaGetDevice(&device), "cudaGetDevice");
    must(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "multiprocessors");
    must(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "shared memory");
    const auto add = [&](const Device& smaller, int blocks_a_multiprocessor) {
        const LaunchPlan plan =
            choose_launch(shape, bytes_of(kind), smaller, [=](int, std::size_t) { return blocks_a_multiprocessor; });
        if (std::none_of(plans.begin(), plans.end(), [&plan](const LaunchPlan& p) { return same_plan(p, plan); })) {
            plans.push_back(plan);
        }
    };
    constexpr int kSmallestSlice = 5;  // log2, as in launch_choice.cpp
    const Tile smallest = tile_of(kSmallestSlice, shape.channels, bytes_of(kind));
    add({multiprocessors, shared_bytes(smallest, bytes_of(kind)), true}, 1);
    const auto all_shared = static_cast<std::size_t>(shared);
    for (const int fewer : {64, 28, 16, 8, 4, 0}) {
        add({std::min(fewer, multiprocessors), all_shared, true}, fewer > 0 ? 1 : 0);
    }
    return plans;
}

}  // namespace isfp::test
