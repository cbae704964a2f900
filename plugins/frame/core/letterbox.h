// A camera's frame to the network's input, pixel by pixel: the mean of the area that an input pixel covers where the
// frame shrinks, else linear interpolation, and grey around it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "placement.h"

namespace isfp {

struct LetterboxArguments {
    const std::uint8_t* frame = nullptr;  // [frame_rows, frame_columns, 3]
    std::uint8_t* input = nullptr;        // [input_rows, input_columns, 3]
    Placement place;
    std::uint8_t fill = 0;
};

constexpr int kChannels = 3;

// How much of pixel `of` of `from` lies in pixel `at` of `to`, in units of 1 / `to` of a pixel of `from`.
ISFP_FUNCTION int overlap(int of, int from, int at, int to) {
    return smaller((of + 1) * to, (at + 1) * from) - larger(of * to, at * from);
}

// The mean over the area of window pixel (y, x). The sum is exact; only the division rounds.
ISFP_FUNCTION void area_mean(const LetterboxArguments& arguments, int y, int x, std::uint8_t* out) {
    const Placement& place = arguments.place;
    const int first_row = y * place.frame_rows / place.height;
    const int last_row = ((y + 1) * place.frame_rows - 1) / place.height;
    const int first_column = x * place.frame_columns / place.width;
    const int last_column = ((x + 1) * place.frame_columns - 1) / place.width;
    unsigned long long total[kChannels] = {0, 0, 0};
    for (int row = first_row; row <= last_row; ++row) {
        const std::uint8_t* pixel =
            arguments.frame + (static_cast<std::size_t>(row) * place.frame_columns + first_column) * kChannels;
        unsigned sum[kChannels] = {0, 0, 0};
        for (int column = first_column; column <= last_column; ++column, pixel += kChannels) {
            const auto share = static_cast<unsigned>(overlap(column, place.frame_columns, x, place.width));
            for (int channel = 0; channel < kChannels; ++channel) {
                sum[channel] += share * pixel[channel];
            }
        }
        const auto share = static_cast<unsigned long long>(overlap(row, place.frame_rows, y, place.height));
        for (int channel = 0; channel < kChannels; ++channel) {
            total[channel] += share * sum[channel];
        }
    }
    const float all = static_cast<float>(place.frame_rows) * static_cast<float>(place.frame_columns);
    for (int channel = 0; channel < kChannels; ++channel) {
        out[channel] = static_cast<std::uint8_t>(static_cast<float>(total[channel]) / all + 0.5F);
    }
}

ISFP_FUNCTION void linear_mix(const LetterboxArguments& arguments, int y, int x, std::uint8_t* out) {
    const Placement& place = arguments.place;
    const Between down = between(y, place.frame_rows, place.height);
    const Between aside = between(x, place.frame_columns, place.width);
    const auto row_bytes = static_cast<std::size_t>(place.frame_columns) * kChannels;
    const std::uint8_t* upper = arguments.frame + static_cast<std::size_t>(down.first) * row_bytes;
    const std::uint8_t* lower = arguments.frame + static_cast<std::size_t>(down.second) * row_bytes;
    for (int channel = 0; channel < kChannels; ++channel) {
        const int left = aside.first * kChannels + channel;
        const int right = aside.second * kChannels + channel;
        const float above =
            fmaf(aside.share, static_cast<float>(upper[right] - upper[left]), static_cast<float>(upper[left]));
        const float below =
            fmaf(aside.share, static_cast<float>(lower[right] - lower[left]), static_cast<float>(lower[left]));
        out[channel] = static_cast<std::uint8_t>(fmaf(down.share, below - above, above) + 0.5F);
    }
}

// Input pixel (y, x).
ISFP_FUNCTION void letterbox_pixel(const LetterboxArguments& arguments, int y, int x) {
    const Placement& place = arguments.place;
    std::uint8_t* out =
        arguments.input + (static_cast<std::size_t>(y) * place.input_columns + static_cast<std::size_t>(x)) * kChannels;
    const int row = y - place.top;
    const int column = x - place.left;
    if (row < 0 || row >= place.height || column < 0 || column >= place.width) {
        for (int channel = 0; channel < kChannels; ++channel) {
            out[channel] = arguments.fill;
        }
    } else if (place.height < place.frame_rows || place.width < place.frame_columns) {
        area_mean(arguments, row, column, out);
    } else {
        linear_mix(arguments, row, column, out);
    }
}

}  // namespace isfp
