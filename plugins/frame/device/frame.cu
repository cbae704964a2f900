// The steps of a frame on a CUDA device: one thread for each pixel of the input, and for each byte of a mask.
#include "../frame.h"

#include <cuda_runtime_api.h>

#include "../core/arguments.h"

namespace {

constexpr int kColumns = 32;  // of a block
constexpr int kRows = 4;

__global__ void __launch_bounds__(kColumns* kRows)
    isfp_letterbox_kernel(const __grid_constant__ isfp::LetterboxArguments arguments) {
    const int x = static_cast<int>(blockIdx.x * kColumns + threadIdx.x);
    const int y = static_cast<int>(blockIdx.y * kRows + threadIdx.y);
    if (x < arguments.place.input_columns && y < arguments.place.input_rows) {
        isfp::letterbox_pixel(arguments, y, x);
    }
}

__global__ void __launch_bounds__(kColumns* kRows)
    isfp_mask_kernel(const __grid_constant__ isfp::MaskArguments arguments) {
    const int byte = static_cast<int>(blockIdx.x * kColumns + threadIdx.x);
    const int y = static_cast<int>(blockIdx.y * kRows + threadIdx.y);
    if (byte < isfp::row_bytes(arguments.columns) && y < arguments.rows) {
        isfp::mask_byte(arguments, static_cast<int>(blockIdx.z), y, byte);
    }
}

dim3 grid_of(int columns, int rows, int count) {
    return {
        static_cast<unsigned>(isfp::divide_up(columns, kColumns)), static_cast<unsigned>(isfp::divide_up(rows, kRows)),
        static_cast<unsigned>(count)};
}

}  // namespace

int isfp_frame_letterbox(const std::uint8_t* frame, std::uint8_t* input, const int* place, int fill, void* stream) {
    const auto arguments = isfp::letterbox_arguments(frame, input, place, fill);
    const dim3 grid = grid_of(arguments.place.input_columns, arguments.place.input_rows, 1);
    isfp_letterbox_kernel<<<grid, dim3(kColumns, kRows), 0, static_cast<cudaStream_t>(stream)>>>(arguments);
    return cudaGetLastError();
}

int isfp_frame_masks(
    const float* logits,
    std::uint8_t* bits,
    int* broken,
    const int* place,
    int count,
    int rows,
    int columns,
    float threshold,
    void* stream) {
    const auto arguments = isfp::mask_arguments(logits, bits, broken, place, count, rows, columns, threshold);
    if (broken != nullptr) {
        const auto bytes = static_cast<std::size_t>(count) * sizeof(int);
        const cudaError_t status = cudaMemsetAsync(broken, 0, bytes, static_cast<cudaStream_t>(stream));
        if (status != cudaSuccess) {
            return status;
        }
    }
    const dim3 grid = grid_of(isfp::row_bytes(columns), rows, count);
    isfp_mask_kernel<<<grid, dim3(kColumns, kRows), 0, static_cast<cudaStream_t>(stream)>>>(arguments);
    return cudaGetLastError();
}
