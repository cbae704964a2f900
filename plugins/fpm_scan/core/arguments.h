// What a launch hands to every block, and how it lies in the workspace.
#pragma once

#include <cstddef>

#include "grid_walk.h"
#include "operator.h"
#include "tile.h"

namespace isfp {

template <class Scalar>
struct Arguments {
    const Scalar* isf = nullptr;  // [P,S,S,C]
    const Scalar* w1 = nullptr;   // [4,C,C]
    const Scalar* w2 = nullptr;   // [4,2,C,C]
    Scalar* out = nullptr;        // [P,S,S,C]
    float* state = nullptr;       // [4,P,S,S,C]: v, then h of the first direction, then h of the second, in place
    Scalar* exchange = nullptr;   // [4,P,2,S,depth]: sums of incoming states, from their owners to all blocks of a path
    unsigned* arrivals = nullptr;  // [4,P]: counters of the barriers, zero before each launch
    Shape shape;
    Attributes attributes;
    int slice_log2 = 0;         // of the output channels that one block owns
    int slices = 0;             // blocks that share a path
    int phrases_per_group = 0;  // phrases that those blocks take together
    int first_path = 0;         // of this launch
};

// Byte offsets into the workspace, each a multiple of 256.
struct Workspace {
    std::size_t state = 0;
    std::size_t exchange = 0;
    std::size_t arrivals = 0;
    std::size_t arrivals_bytes = 0;
    std::size_t total = 0;
};

inline Workspace workspace_of(const Shape& shape, int scalar_bytes) {
    const auto aligned = [](std::size_t bytes) { return (bytes + 255) / 256 * 256; };
    const auto phrases = static_cast<std::size_t>(kPaths) * static_cast<std::size_t>(shape.phrases);
    const auto size = static_cast<std::size_t>(shape.size);
    const auto depth = static_cast<std::size_t>(padded_depth(shape.channels));
    Workspace workspace;
    workspace.exchange = aligned(phrases * size * size * static_cast<std::size_t>(shape.channels) * sizeof(float));
    workspace.arrivals =
        workspace.exchange + aligned(phrases * 2 * size * depth * static_cast<std::size_t>(scalar_bytes));
    workspace.arrivals_bytes = phrases * sizeof(unsigned);
    workspace.total = workspace.arrivals + aligned(workspace.arrivals_bytes);
    return workspace;
}

}  // namespace isfp
