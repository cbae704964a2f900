// Mask logits to masks of any size, eight pixels at a time: the window is resized linearly, then the threshold is
// applied.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "placement.h"

namespace isfp {

struct MaskArguments {
    const float* logits = nullptr;  // [count, input_rows, input_columns]
    std::uint8_t* bits = nullptr;   // [count, rows, row_bytes(columns)]; bit 0 is the leftmost of eight pixels
    int* broken = nullptr;          // [count] or null: set to 1 where a value of the window that is read is not finite
    Placement place;
    int count = 0;
    int rows = 0;  // of the masks
    int columns = 0;
    float threshold = 0.0F;  // a logit; a pixel above it belongs to the mask
};

ISFP_FUNCTION constexpr int row_bytes(int columns) { return divide_up(columns, 8); }

// Byte `byte` of row `y` of mask `mask`.
ISFP_FUNCTION void mask_byte(const MaskArguments& arguments, int mask, int y, int byte) {
    const Placement& place = arguments.place;
    const float* window = arguments.logits
                          + (static_cast<std::size_t>(mask) * place.input_rows + static_cast<std::size_t>(place.top))
                                * place.input_columns
                          + place.left;
    const Between down = between(y, place.height, arguments.rows);
    const float* upper = window + static_cast<std::size_t>(down.first) * place.input_columns;
    const float* lower = window + static_cast<std::size_t>(down.second) * place.input_columns;
    unsigned bits = 0;
    bool finite = true;
    for (int bit = 0; bit < 8; ++bit) {
        const int x = byte * 8 + bit;
        if (x >= arguments.columns) {
            break;
        }
        const Between aside = between(x, place.width, arguments.columns);
        const float above = fmaf(aside.share, upper[aside.second] - upper[aside.first], upper[aside.first]);
        const float below = fmaf(aside.share, lower[aside.second] - lower[aside.first], lower[aside.first]);
        const float value = fmaf(down.share, below - above, above);
        bits |= static_cast<unsigned>(value > arguments.threshold) << bit;
        finite = finite && value - value == 0.0F;
    }
    const std::size_t row = static_cast<std::size_t>(mask) * arguments.rows + static_cast<std::size_t>(y);
    arguments.bits[row * row_bytes(arguments.columns) + byte] = static_cast<std::uint8_t>(bits);
    if (!finite && arguments.broken != nullptr) {
        arguments.broken[mask] = 1;  // whichever thread is last, the value is the same
    }
}

}  // namespace isfp
