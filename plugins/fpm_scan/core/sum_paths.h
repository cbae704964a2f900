// out = isf + the sum of the four paths' last hidden states, always in the order of the paths.
#pragma once

#include <cstddef>

#include "arguments.h"
#include "scalar.h"

namespace isfp {

// Elements `first`, `first + step`, ... of the output.
template <class Scalar>
ISFP_FUNCTION void sum_paths(const Arguments<Scalar>& at, std::size_t first, std::size_t step) {
    const auto elements =
        static_cast<std::size_t>(at.shape.phrases) * at.shape.size * at.shape.size * at.shape.channels;
    for (std::size_t e = first; e < elements; e += step) {
        float sum = to_float(at.isf[e]);
        for (int path = 0; path < kPaths; ++path) {
            sum += at.state[path * elements + e];
        }
        store(at.out + e, sum);
    }
}

}  // namespace isfp
