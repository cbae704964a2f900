// The arguments of the C interface as those of the kernels' bodies.
#pragma once

#include "letterbox.h"
#include "mask_bits.h"

namespace isfp {

inline Placement placement(const int* numbers) {
    return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7]};
}

inline LetterboxArguments letterbox_arguments(
    const std::uint8_t* frame, std::uint8_t* input, const int* place, int fill) {
    return {frame, input, placement(place), static_cast<std::uint8_t>(fill)};
}

inline MaskArguments mask_arguments(
    const float* logits,
    std::uint8_t* bits,
    int* broken,
    const int* place,
    int count,
    int rows,
    int columns,
    float threshold) {
    return {logits, bits, broken, placement(place), count, rows, columns, threshold};
}

}  // namespace isfp
