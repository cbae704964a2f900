// Where a frame lies in the network's input, as isfp.steps.letterbox.Letterbox says it: a window, and padding around
// it.
#pragma once

#include "../../fpm_scan/core/portable.h"

namespace isfp {

// A side of the frame is at most 65,535 pixels, one of the input at most 8,192: products of two fit whole numbers of 32
// bits.
struct Placement {
    int frame_rows = 0;  // of the camera's frame
    int frame_columns = 0;
    int input_rows = 0;  // of the network's input
    int input_columns = 0;
    int top = 0;  // of the window in the input
    int left = 0;
    int height = 0;
    int width = 0;
};

// A position between two values, for linear interpolation: the pixels' centres are aligned, and the ends are repeated.
struct Between {
    int first;
    int second;
    float share;  // of the second
};

// The place of pixel `at` of `to` in a row of `from`. In whole numbers up to the last division, so that host and device
// agree to the bit; `from` is at most 8,192 and `to` at most 65,535, so that they fit.
ISFP_FUNCTION Between between(int at, int from, int to) {
    const int unit = 2 * to;
    const int place = (2 * at + 1) * from - to;  // in units of 1 / (2 to)
    if (place <= 0) {
        return {0, 0, 0.0F};
    }
    const int first = place / unit;
    if (first >= from - 1) {
        return {from - 1, from - 1, 0.0F};
    }
    return {first, first + 1, static_cast<float>(place - first * unit) / static_cast<float>(unit)};
}

}  // namespace isfp
