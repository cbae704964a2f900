// A CUDA runtime of host threads, as much of it as the launch code of the scan and of a frame's steps, and the programs
// that run them on a device, call: so all of them run where there is no GPU. It says nothing of the device code. It
// checks what a device would not forgive: block sizes, bytes of shared memory, blocks that wait for each other without
// a cooperative launch, counters that do not start at zero.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "../../frame/core/arguments.h"
#include "../host/host_launch.h"

namespace {

using Work = std::function<void()>;

std::map<const void*, std::string> kernels;  // mangled names, as the compiler's start-up code registers them

using Captured = std::vector<Work>;
Captured* capturing = nullptr;

using Clock = std::chrono::steady_clock;

struct Configuration {  // of a launch by <<<>>>, kept between the compiler's two calls
    dim3 grid;
    dim3 block;
    std::size_t shared = 0;
    CUstream_st* stream = nullptr;
};
Configuration configured;

void demand(bool holds, const char* what) {
    if (!holds) {
        std::cout << "CUDA on the host: " << what << "\n";
        std::exit(1);
    }
}

cudaError_t put(const Work& work) {
    if (capturing != nullptr) {
        capturing->push_back(work);
    } else {
        work();
    }
    return cudaSuccess;
}

bool is(const std::string& kernel, const char* part) { return kernel.find(part) != std::string::npos; }

template <class Scalar>
void run(
    const std::string& kernel,
    dim3 grid,
    dim3 block,
    std::size_t shared,
    bool cooperative,
    isfp::Arguments<Scalar> arguments) {
    if (is(kernel, "fpm_sum_paths")) {
        for (std::size_t i = 0; i < std::size_t{grid.x} * block.x; ++i) {
            isfp::sum_paths(arguments, i, std::size_t{grid.x} * block.x);
        }
        return;
    }
    const bool fast = is(kernel, "fpm_scan_fast");
    const isfp::Tile tile = isfp::tile_of(arguments.slice_log2, arguments.shape.channels, sizeof(Scalar));
    demand(block.x % 32 == 0 && block.x <= 256, "a block must be of whole warps and at most 256 threads");
    demand(!fast || block.x == 2U << arguments.slice_log2, "a block of the fast path must have two threads a channel");
    demand(!fast || shared >= isfp::shared_bytes(tile, sizeof(Scalar)), "too little shared memory");
    demand(!fast || grid.x == 1 || cooperative, "blocks that wait for each other need a cooperative launch");
    for (unsigned i = 0; cooperative && i < grid.y * grid.z; ++i) {
        unsigned& arrived = arguments.arrivals
                                [(static_cast<unsigned>(arguments.first_path) + i / grid.y)
                                     * static_cast<unsigned>(arguments.shape.phrases)
                                 + i % grid.y];
        demand(arrived == 0, "a barrier's counter does not start at zero");
        arrived = grid.x;
    }
    isfp::HostGrid host;
    host.slices = static_cast<int>(grid.x);
    host.groups = static_cast<int>(grid.y);
    host.paths_at_once = static_cast<int>(grid.z);
    host.shared_bytes = shared;
    isfp::run_wave(host, isfp::Dropped::nothing, [&](isfp::HostContext& context) {
        if (fast) {
            isfp::ScanBlock<isfp::FmaProduct, Scalar, isfp::HostContext>(context, arguments).run();
        } else {
            isfp::SimpleBlock<Scalar, isfp::HostContext>(context, arguments).run();
        }
    });
}

// A thread for each column, row and layer of the grid's that lies within `columns` and `rows`.
template <class Body>
cudaError_t put_threads(dim3 grid, dim3 block, int columns, int rows, const Body& body) {
    return put([=] {
        for (unsigned layer = 0; layer < grid.z; ++layer) {
            for (unsigned y = 0; y < std::min(grid.y * block.y, static_cast<unsigned>(rows)); ++y) {
                for (unsigned x = 0; x < std::min(grid.x * block.x, static_cast<unsigned>(columns)); ++x) {
                    body(static_cast<int>(layer), static_cast<int>(y), static_cast<int>(x));
                }
            }
        }
    });
}

cudaError_t launch(const void* function, dim3 grid, dim3 block, void** pointers, std::size_t shared, bool cooperative) {
    demand(kernels.count(function) == 1, "an unknown kernel");
    const std::string kernel = kernels[function];
    if (is(kernel, "isfp_letterbox_kernel")) {
        const auto arguments = *static_cast<const isfp::LetterboxArguments*>(pointers[0]);
        const isfp::Placement& place = arguments.place;
        return put_threads(grid, block, place.input_columns, place.input_rows, [=](int, int y, int x) {
            isfp::letterbox_pixel(arguments, y, x);
        });
    }
    if (is(kernel, "isfp_mask_kernel")) {
        const auto arguments = *static_cast<const isfp::MaskArguments*>(pointers[0]);
        const int bytes = isfp::row_bytes(arguments.columns);
        return put_threads(grid, block, bytes, arguments.rows, [=](int mask, int y, int byte) {
            isfp::mask_byte(arguments, mask, y, byte);
        });
    }
    if (is(kernel, "DeviceHalf")) {
        const auto arguments = *static_cast<const isfp::Arguments<isfp::HostHalf>*>(pointers[0]);
        return put([=] { run(kernel, grid, block, shared, cooperative, arguments); });
    }
    const auto arguments = *static_cast<const isfp::Arguments<float>*>(pointers[0]);
    return put([=] { run(kernel, grid, block, shared, cooperative, arguments); });
}

}  // namespace

// What the compiler's start-up code calls.
extern "C" {
void** __cudaRegisterFatBinary(void*) {
    static void* handle = nullptr;
    return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 1; }
void __cudaRegisterFunction(
    void**, const char* function, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*, int*) {
    kernels[function] = name;
}
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared, CUstream_st* stream) {
    return configured = {grid, block, shared, stream}, 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
    *grid = configured.grid;
    *block = configured.block;
    *shared = configured.shared;
    *static_cast<CUstream_st**>(stream) = configured.stream;
    return cudaSuccess;
}
// A kernel's handle is the address of its function.
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
    return std::memcpy(kernel, &function, sizeof(function)), cudaSuccess;
}
cudaError_t __cudaLaunchKernel(
    cudaKernel_t kernel, dim3 grid, dim3 block, void** pointers, std::size_t shared, cudaStream_t) {
    return launch(kernel, grid, block, pointers, shared, false);
}
}

// CUDA_ON_HOST_FAILS: the error that a device gives at the first call, to show what the programs make of it.
cudaError_t cudaGetDeviceCount(int* count) {
    const char* fails = std::getenv("CUDA_ON_HOST_FAILS");
    *count = fails == nullptr ? 1 : 0;
    return fails == nullptr ? cudaSuccess : static_cast<cudaError_t>(std::atoi(fails));
}
cudaError_t cudaDriverGetVersion(int* version) {
    const char* driver = std::getenv("CUDA_ON_HOST_DRIVER");
    return *version = driver == nullptr ? 0 : std::atoi(driver), cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {  // as AGX Orin
    *value = attribute == cudaDevAttrMultiProcessorCount            ? 16
             : attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin ? 163 * 1024
                                                                    : 1;
    return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, std::size_t shared) {
    return *blocks = static_cast<int>(164 * 1024 / (shared + 1024)), cudaSuccess;
}
cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    return *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256), cudaSuccess;
}
cudaError_t cudaFree(void* data) { return std::free(data), cudaSuccess; }
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
    return std::memcpy(to, from, bytes), cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t) {
    return put([=] { std::memset(data, value, bytes); });
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return *stream = nullptr, cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
    return capturing = new Captured, cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
    *graph = reinterpret_cast<cudaGraph_t>(capturing);
    return capturing = nullptr, cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* replayable, cudaGraph_t graph, unsigned long long) {
    *replayable = reinterpret_cast<cudaGraphExec_t>(new Captured(*reinterpret_cast<Captured*>(graph)));
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t replayable, cudaStream_t) {
    for (const Work& work : *reinterpret_cast<Captured*>(replayable)) {
        work();
    }
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t replayable) {
    return delete reinterpret_cast<Captured*>(replayable), cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete reinterpret_cast<Captured*>(graph), cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return *event = reinterpret_cast<cudaEvent_t>(new Clock::time_point), cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    return delete reinterpret_cast<Clock::time_point*>(event), cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    return *reinterpret_cast<Clock::time_point*>(event) = Clock::now(), cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t before, cudaEvent_t after) {
    const auto passed = *reinterpret_cast<Clock::time_point*>(after) - *reinterpret_cast<Clock::time_point*>(before);
    return *milliseconds = std::chrono::duration<float, std::milli>(passed).count(), cudaSuccess;
}
cudaError_t cudaLaunchKernel(
    const void* kernel, dim3 grid, dim3 block, void** pointers, std::size_t shared, cudaStream_t) {
    return launch(kernel, grid, block, pointers, shared, false);
}
cudaError_t cudaLaunchCooperativeKernel(
    const void* kernel, dim3 grid, dim3 block, void** pointers, std::size_t shared, cudaStream_t) {
    return launch(kernel, grid, block, pointers, shared, true);
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorName(cudaError_t) { return "an error of CUDA on the host"; }
const char* cudaGetErrorString(cudaError_t) { return "none is known"; }
