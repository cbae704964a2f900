// Prints the launches that are chosen for a 13 x 13 grid on a few devices, as a Markdown table. Occupancy is estimated
// from shared memory and threads. Registers would allow two blocks of 256 threads in FP16 and one in FP32; none of the
// README's launches needs more. On a device, CUDA is asked.
#include <algorithm>
#include <cstdio>

#include "../core/launch_choice.h"

namespace {

struct Known {
    const char* name;
    isfp::Device device;
    std::size_t shared_of_multiprocessor;  // bytes
    int threads_of_multiprocessor;
};

// Multiprocessors from the products' data sheets; shared memory and threads from the CUDA C++ Programming Guide's table
// of compute capabilities (8.7, 8.6, 8.9, 9.0).
const Known kKnown[] = {
    {"Jetson Orin Nano (8 SMs)", {8, 163 * 1024, true}, 164 * 1024, 1536},
    {"Jetson AGX Orin (16 SMs)", {16, 163 * 1024, true}, 164 * 1024, 1536},
    {"RTX 3060 (28 SMs)", {28, 99 * 1024, true}, 100 * 1024, 1536},
    {"RTX 4090 (128 SMs)", {128, 99 * 1024, true}, 100 * 1024, 1536},
    {"H100 SXM (132 SMs)", {132, 227 * 1024, true}, 228 * 1024, 2048},
};
constexpr std::size_t kReserved = 1024;  // bytes of shared memory that each block costs besides its own

}  // namespace

int main() {
    std::puts(
        "| device | numbers | C | P | path | channels a block | blocks a path | groups of phrases | launches | threads "
        "| shared memory |");
    std::puts("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (const Known& known : kKnown) {
        const auto occupancy = [&known](int threads, std::size_t shared) {
            return std::min(
                static_cast<int>(known.shared_of_multiprocessor / (shared + kReserved)),
                known.threads_of_multiprocessor / threads);
        };
        for (const int bytes : {2, 4}) {
            for (const int channels : {64, 128, 256, 512}) {
                for (const int phrases : {1, 8}) {
                    const isfp::LaunchPlan plan =
                        isfp::choose_launch({phrases, 13, channels}, bytes, known.device, occupancy);
                    std::printf(
                        "| %s | %s | %d | %d | %s | %d | %d | %d | %d | %d | %.1f KiB |\n", known.name,
                        bytes == 2 ? "FP16" : "FP32", channels, phrases, plan.fast ? "fast" : "slower",
                        plan.fast ? 1 << plan.slice_log2 : channels, plan.slices, plan.groups,
                        4 / plan.paths_per_launch, plan.threads, static_cast<double>(plan.shared_bytes) / 1024);
                }
            }
        }
    }
}
