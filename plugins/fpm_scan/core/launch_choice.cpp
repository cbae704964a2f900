#include "launch_choice.h"

#include <algorithm>

#include "grid_walk.h"
#include "tile.h"

namespace isfp {
namespace {

constexpr int kSmallestSlice = 5;  // log2: 32 channels
constexpr int kLargestSlice = 7;   // 128 channels
constexpr int kSimpleThreads = 256;
constexpr int kFewSlices = 4;

// How the blocks that share a path lie on the device, in the order in which they are tried.
//
// Smaller slices spread a path over more multiprocessors; larger ones have fewer blocks to wait for. Measured on an
// H200 with one phrase, FP16 (fpm_device_bench): C = 256 takes 218 us with 4 blocks a path, 248 with 8; C = 512 takes
// 296 with 4, 338 with 16; 2 blocks a path were slower than 4. In FP32 4 and 8 took the same.
enum class Spread {
    few,    // up to four blocks a path, each on a multiprocessor of its own, and all phrases at once
    wide,   // each block of a group on a multiprocessor of its own, with the smallest slices
    packed  // as many blocks a multiprocessor as fit
};

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

    // Blocks that wait for each other must all be on the device at once.
    for (int paths = kPaths; device.cooperative && paths >= 1; paths /= 2) {
        for (const Spread spread : {Spread::few, Spread::wide, Spread::packed}) {
            for (int slice_log2 = kSmallestSlice; slice_log2 <= kLargestSlice; ++slice_log2) {
                LaunchPlan plan = fast_plan(shape, slice_log2, scalar_bytes);
                const int blocks = paths * plan.slices;
                const int groups = resident(plan) / blocks;
                const bool few = plan.slices <= kFewSlices && groups >= shape.phrases;
                const bool apart = blocks <= device.multiprocessors;
                if (groups > 0 && (few || spread != Spread::few) && (apart || spread == Spread::packed)) {
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
