#include "launch_choice.h"

#include <algorithm>

#include "grid_walk.h"
#include "tile.h"

namespace isfp {
namespace {

constexpr int kSmallestSlice = 5;  // log2: 32 channels
constexpr int kLargestSlice = 7;   // 128 channels
constexpr int kSimpleThreads = 256;

// Two warps for every 32 channels: each takes 16 columns of a product, and a thread one column of every other row of a
// tile (device/device_context.cuh relies on it).
int threads_of(int slice_log2) { return 2 << slice_log2; }

LaunchPlan fast_plan(const Shape& shape, int slice_log2, int scalar_bytes) {
    LaunchPlan plan;
    plan.fast = true;
    plan.threads = threads_of(slice_log2);
    plan.shared_bytes = shared_bytes(tile_of(slice_log2, shape.channels, scalar_bytes), scalar_bytes);
    plan.slice_log2 = slice_log2;
    plan.slices = divide_up(shape.channels, 1 << slice_log2);
    return plan;
}

void share_phrases(LaunchPlan& plan, int phrases, int groups) {
    plan.phrases_per_group = divide_up(phrases, groups);
    plan.groups = divide_up(phrases, plan.phrases_per_group);
}

LaunchPlan simple_plan(const Shape& shape) {
    LaunchPlan plan;
    plan.threads = kSimpleThreads;
    plan.groups = shape.phrases;
    return plan;
}

}  // namespace

LaunchPlan choose_launch(const Shape& shape, int scalar_bytes, const Device& device, const Occupancy& occupancy) {
    const auto resident = [&](const LaunchPlan& plan) {
        return plan.shared_bytes <= device.shared_bytes
                   ? occupancy(plan.threads, plan.shared_bytes) * device.multiprocessors
                   : 0;
    };

    // One block holds a whole path: no barrier between blocks, so phrases need not be on the device together either.
    for (int slice_log2 = kSmallestSlice; slice_log2 <= kLargestSlice; ++slice_log2) {
        LaunchPlan plan = fast_plan(shape, slice_log2, scalar_bytes);
        if (plan.slices == 1 && resident(plan) > 0) {
            share_phrases(plan, shape.phrases, shape.phrases);
            return plan;
        }
    }

    // Blocks that wait for each other must all be on the device at once: one a multiprocessor if there are enough, else
    // as many as fit. Smaller slices spread a path over more multiprocessors; larger ones have fewer blocks to wait
    // for.
    for (int paths = kPaths; device.cooperative && paths >= 1; paths /= 2) {
        for (const bool one_a_multiprocessor : {true, false}) {
            for (int slice_log2 = kSmallestSlice; slice_log2 <= kLargestSlice; ++slice_log2) {
                LaunchPlan plan = fast_plan(shape, slice_log2, scalar_bytes);
                const int blocks = paths * plan.slices;
                const int groups = resident(plan) / blocks;
                if (groups > 0 && (blocks <= device.multiprocessors || !one_a_multiprocessor)) {
                    plan.paths_per_launch = paths;
                    share_phrases(plan, shape.phrases, std::min(groups, shape.phrases));
                    return plan;
                }
            }
        }
    }
    return simple_plan(shape);
}

}  // namespace isfp
