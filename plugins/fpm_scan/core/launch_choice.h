// How a scan is launched on the device at hand.
#pragma once

#include <cstddef>
#include <functional>

#include "operator.h"

namespace isfp {

struct LaunchPlan {
    bool fast = false;             // else the slower path: one block a path and phrase
    int threads = 0;               // of a block
    std::size_t shared_bytes = 0;  // of a block
    int slice_log2 = 0;            // log2 of the output channels of a block
    int slices = 1;                // blocks that share a path; they meet at a barrier if there are more than one
    int groups = 1;                // groups of phrases, each with blocks of its own
    int phrases_per_group = 1;
    int paths_per_launch = 4;  // 4, 2 or 1: launches follow each other where not all blocks fit on the device at once
};

struct Device {
    int multiprocessors = 0;
    std::size_t shared_bytes = 0;  // that one block may use at most
    bool cooperative = false;      // blocks of a launch can be on the device all at once
};

// How many blocks of the fast path, of so many threads and bytes of shared memory, one multiprocessor holds at once.
using Occupancy = std::function<int(int threads, std::size_t shared_bytes)>;

LaunchPlan choose_launch(const Shape& shape, int scalar_bytes, const Device& device, const Occupancy& occupancy);

}  // namespace isfp
