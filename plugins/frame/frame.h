// The C interface of libisfp_frame: steps of a frame on the device, called by Python through ctypes
// (isfp.runtimes.frame_steps). All functions return 0, or a cudaError_t. They put work on `stream` and return: they
// neither allocate nor wait, so a stream capture can record them. libisfp_frame_host has the same functions for memory
// of the host; it works at once.
#pragma once

#include <cstdint>

#define ISFP_EXPORTED extern "C" __attribute__((visibility("default")))

// `place`: the eight numbers of isfp::Placement, in its order; read before the function returns.

// frame uint8 [frame_rows, frame_columns, 3] -> input uint8 [input_rows, input_columns, 3].
ISFP_EXPORTED int isfp_frame_letterbox(
    const std::uint8_t* frame, std::uint8_t* input, const int* place, int fill, void* stream);

// logits float [count, input_rows, input_columns] -> bits uint8 [count, rows, ceil(columns / 8)], bit 0 leftmost.
// broken, int32 [count] or null: 1 where a value that was read is not finite, else 0.
ISFP_EXPORTED int isfp_frame_masks(
    const float* logits,
    std::uint8_t* bits,
    int* broken,
    const int* place,
    int count,
    int rows,
    int columns,
    float threshold,
    void* stream);
