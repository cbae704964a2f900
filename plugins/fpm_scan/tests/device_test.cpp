// fpm_device_test: the kernels on the GPU at hand, without TensorRT, against the same bodies on the host. It runs what
// the host cannot: the matrix instruction, the memory model, cooperative launches, stream capture. Exit status 77 says
// that there is no GPU.
//
// Each shape runs with the launch that the device chooses and with those that smaller ones would choose. The workspace
// is filled with NaN before each run, so a value that is read before it is written is seen.
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "../core/grid_walk.h"
#include "../device/scan.h"
#include "../host/host_scan.h"

namespace {

using isfp::Activation;
using isfp::Attributes;
using isfp::LaunchPlan;
using isfp::ScalarKind;
using isfp::Shape;

constexpr int kNoGpu = 77;
constexpr int kRepeats = 20;

// Of the largest output. FP16: the output and the incoming sums are rounded to 11 bits. FP32: only the order of the
// sums differs.
double tolerance_of(ScalarKind kind) { return kind == ScalarKind::fp16 ? 2e-3 : 2e-5; }

void must(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        std::printf("%s: %s (%s)\n", what, cudaGetErrorName(status), cudaGetErrorString(status));
        std::exit(1);
    }
}

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

// Numbers as the device stores them, and what they are in float.
struct Tensor {
    Tensor(ScalarKind kind, std::size_t count, float scale, unsigned seed)
        : memory(count * (kind == ScalarKind::fp16 ? 2 : 4)), values(count) {
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
        must(
            cudaDeviceSynchronize(),
            "cudaDeviceSynchronize");  // the copy may return before a non-blocking stream may rely on it
    }
    Memory memory;
    std::vector<float> values;
};

std::vector<float> read(const Memory& memory, ScalarKind kind, std::size_t count) {
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

bool same_plan(const LaunchPlan& a, const LaunchPlan& b) {
    return a.fast == b.fast && a.slice_log2 == b.slice_log2 && a.groups == b.groups
           && a.paths_per_launch == b.paths_per_launch;
}

// The plan that this device chooses, then those that smaller ones would: fewer multiprocessors, none that blocks could
// share. All of them fit here.
std::vector<LaunchPlan> plans_of(const Shape& shape, ScalarKind kind) {
    std::vector<LaunchPlan> plans(1);
    must(isfp::plan_scan(shape, kind, plans[0]), "plan_scan");
    int device = 0;
    int multiprocessors = 0;
    int shared = 0;
    must(cudaGetDevice(&device), "cudaGetDevice");
    must(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "multiprocessors");
    must(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "shared memory");
    for (const int fewer : {64, 28, 16, 8, 4, 0}) {
        const isfp::Device smaller{std::min(fewer, multiprocessors), static_cast<std::size_t>(shared), true};
        const LaunchPlan plan = isfp::choose_launch(
            shape, kind == ScalarKind::fp16 ? 2 : 4, smaller, [fewer](int, std::size_t) { return fewer > 0 ? 1 : 0; });
        if (std::none_of(plans.begin(), plans.end(), [&plan](const LaunchPlan& p) { return same_plan(p, plan); })) {
            plans.push_back(plan);
        }
    }
    return plans;
}

class Run {
public:
    Run(const Shape& shape, ScalarKind kind, Activation activation)
        : shape_(shape),
          kind_(kind),
          attributes_{0.25F, activation, 0.1F},
          elements_(static_cast<std::size_t>(shape.phrases) * shape.size * shape.size * shape.channels),
          isf_(kind, elements_, 1.0F, 1),
          w1_(kind, 4 * squared(shape.channels), 1.0F / std::sqrt(static_cast<float>(shape.channels)), 2),
          w2_(kind, 8 * squared(shape.channels), 1.0F / std::sqrt(static_cast<float>(shape.channels)), 3),
          out_(isf_.memory.bytes()),
          workspace_(isfp::scan_workspace(shape, kind)),
          expected_(isfp::host_scan(shape, attributes_, isf_.values, w1_.values, w2_.values)) {
        must(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    }
    ~Run() { cudaStreamDestroy(stream_); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // Whether every plan gives the expected values, the same on each repeat, and the same again from a captured graph.
    bool holds(int repeats) {
        bool all = true;
        for (const LaunchPlan& plan : plans_of(shape_, kind_)) {
            const std::vector<float> first = eager(plan);
            const double error = largest_error(first);
            bool same = true;
            for (int i = 0; i < repeats; ++i) {
                same = same && eager(plan) == first;
            }
            const bool replayed = replay(plan) == first;
            const bool right = error <= tolerance_of(kind_) && same && replayed;
            std::printf(
                "%s P=%d S=%d C=%d %s %s %d x %d channels, %d groups, %d launches: error %.1e of %.1e%s%s\n",
                right ? "holds" : "FAILS", shape_.phrases, shape_.size, shape_.channels,
                kind_ == ScalarKind::fp16 ? "FP16" : "FP32", plan.fast ? "fast" : "slower", plan.slices,
                1 << plan.slice_log2, plan.groups, isfp::kPaths / plan.paths_per_launch, error, tolerance_of(kind_),
                same ? "" : ", repeats differ", replayed ? "" : ", the graph's replay differs");
            all = all && right;
        }
        return all;
    }

private:
    static std::size_t squared(int channels) {
        return static_cast<std::size_t>(channels) * static_cast<std::size_t>(channels);
    }

    void enqueue(const LaunchPlan& plan) {
        must(
            isfp::enqueue_scan(
                shape_, kind_, attributes_, plan,
                {isf_.memory.data(), w1_.memory.data(), w2_.memory.data(), out_.data(), workspace_.data()}, stream_),
            "enqueue_scan");
    }

    void spoil() {
        must(cudaMemsetAsync(workspace_.data(), 0xFF, workspace_.bytes(), stream_), "cudaMemset");
        must(cudaMemsetAsync(out_.data(), 0xFF, out_.bytes(), stream_), "cudaMemset");
    }

    std::vector<float> eager(const LaunchPlan& plan) {
        spoil();
        enqueue(plan);
        must(cudaStreamSynchronize(stream_), "the scan");
        return read(out_, kind_, elements_);
    }

    std::vector<float> replay(const LaunchPlan& plan) {
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t replayable = nullptr;
        must(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
        enqueue(plan);
        must(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
        must(cudaGraphInstantiateWithFlags(&replayable, graph, 0), "cudaGraphInstantiate");
        for (int i = 0; i < 2; ++i) {
            spoil();
            must(cudaGraphLaunch(replayable, stream_), "cudaGraphLaunch");
        }
        must(cudaStreamSynchronize(stream_), "the graph");
        must(cudaGraphExecDestroy(replayable), "cudaGraphExecDestroy");
        must(cudaGraphDestroy(graph), "cudaGraphDestroy");
        return read(out_, kind_, elements_);
    }

    // NaN counts as infinite.
    double largest_error(const std::vector<float>& found) const {
        double error = 0.0;
        double largest = 0.0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const double difference = std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected_[i]));
            error = std::isnan(difference) ? INFINITY : std::max(error, difference);
            largest = std::max(largest, std::fabs(static_cast<double>(expected_[i])));
        }
        return error / largest;
    }

    Shape shape_;
    ScalarKind kind_;
    Attributes attributes_;
    std::size_t elements_;
    Tensor isf_, w1_, w2_;
    Memory out_, workspace_;
    std::vector<float> expected_;
    cudaStream_t stream_ = nullptr;
};

}  // namespace

int main(int count, char** words) {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) {
        std::printf("no GPU: %s\n", cudaGetErrorString(status));
        return kNoGpu;
    }
    // `few`: half a minute's work for the threads of a host.
    const bool few = count > 1 && std::strcmp(words[1], "few") == 0;
    const std::vector<Shape> many_shapes{{1, 13, 64},  {1, 13, 128}, {1, 13, 256}, {1, 13, 512}, {3, 10, 256},
                                         {8, 13, 128}, {8, 7, 256},  {2, 16, 200}, {2, 17, 96},  {1, 1, 64},
                                         {2, 2, 37},   {1, 5, 1},    {1, 4, 1000}};
    const std::vector<Shape> few_shapes{{1, 5, 64}, {3, 4, 200}, {2, 17, 36}, {1, 1, 64}, {5, 3, 128}, {1, 2, 300}};
    bool all = true;
    for (const ScalarKind kind : {ScalarKind::fp16, ScalarKind::fp32}) {
        for (const Shape& shape : few ? few_shapes : many_shapes) {
            all = Run(shape, kind, Activation::tanh).holds(few ? 1 : kRepeats) && all;
            all = Run(shape, kind, Activation::leaky_relu).holds(few ? 1 : kRepeats) && all;
        }
    }
    std::printf(all ? "every scan holds\n" : "some scans FAIL\n");
    return all ? 0 : 1;
}
