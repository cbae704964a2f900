// fpm_device_bench [few]: how long a scan takes on the GPU at hand, by CUDA events: eager and as a graph, with the
// launch that the device chooses and with those that smaller ones would choose. Each line is one JSON object. `few`
// takes one small shape and measures once, for the threads of a host. Exit status 77 says that there is no GPU.
//
// A measurement is the time between two events around several scans in a row, divided by their number; the smallest,
// the median and the largest of several are printed, in microseconds. A slow launch is measured less often: each launch
// gets about a quarter of a second, so that all of them end within half a minute on a large GPU.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../core/grid_walk.h"
#include "device_support.h"

namespace {

using isfp::LaunchPlan;
using isfp::ScalarKind;
using isfp::Shape;
using namespace isfp::test;

constexpr int kLeastMeasurements = 5;
constexpr int kMostMeasurements = 21;
constexpr int kMostInARow = 50;
constexpr float kLongest = 5.0F;     // ms of one measurement: long enough for an event's half microsecond not to matter
constexpr float kTogether = 100.0F;  // ms of a launch's measurements, unless the least take longer

class Event {
public:
    Event() { must(cudaEventCreate(&event_), "cudaEventCreate"); }
    ~Event() { cudaEventDestroy(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    void record(const Stream& stream) const { must(cudaEventRecord(event_, stream.get()), "cudaEventRecord"); }
    float since(const Event& earlier) const {  // ms; waits
        float milliseconds = 0.0F;
        must(cudaEventSynchronize(event_), "the scan");
        must(cudaEventElapsedTime(&milliseconds, earlier.event_, event_), "cudaEventElapsedTime");
        return milliseconds;
    }

private:
    cudaEvent_t event_ = nullptr;
};

struct Timing {
    float least, median, most;  // microseconds
};

template <class Work>
Timing time_of(const Stream& stream, bool once, const Work& work) {
    const Event before, after;
    const auto measure = [&](int times) {
        before.record(stream);
        for (int i = 0; i < times; ++i) {
            work();
        }
        after.record(stream);
        return after.since(before) / static_cast<float>(times);
    };
    measure(1);  // modules are loaded, clocks rise
    const float one = std::max(measure(3), 1e-3F);
    const int times = std::clamp(static_cast<int>(kLongest / one), 1, kMostInARow);
    const int measurements = std::clamp(
        static_cast<int>(kTogether / (one * static_cast<float>(times))), kLeastMeasurements, kMostMeasurements);
    std::vector<float> found;
    for (int i = 0; i < (once ? 1 : measurements); ++i) {
        found.push_back(measure(times) * 1e3F);
    }
    std::sort(found.begin(), found.end());
    return {found.front(), found[found.size() / 2], found.back()};
}

void print(const char* name, const Timing& timing) {
    std::printf(
        ", \"%s\": [%.2f, %.2f, %.2f]", name, static_cast<double>(timing.least), static_cast<double>(timing.median),
        static_cast<double>(timing.most));
}

void bench(const Shape& shape, ScalarKind kind, bool once) {
    const isfp::Attributes attributes{0.25F, isfp::Activation::leaky_relu, 0.1F};
    const ScanInputs inputs(shape, kind);
    const Memory out(inputs.isf.memory.bytes());
    const Memory workspace(isfp::scan_workspace(shape, kind));
    const Stream stream;
    bool chosen = true;
    for (const LaunchPlan& plan : plans_of(shape, kind)) {
        const auto enqueue = [&] {
            must(
                isfp::enqueue_scan(
                    shape, kind, attributes, plan,
                    {inputs.isf.memory.data(), inputs.w1.memory.data(), inputs.w2.memory.data(), out.data(),
                     workspace.data()},
                    stream.get()),
                "enqueue_scan");
        };
        const Timing eager = time_of(stream, once, enqueue);
        const Graph graph(stream, enqueue);
        const Timing replayed = time_of(stream, once, [&] { graph.launch(); });
        std::printf(
            "{\"phrases\": %d, \"size\": %d, \"channels\": %d, \"numbers\": \"%s\", \"path\": \"%s\", \"slice\": %d, "
            "\"slices\": %d, \"groups\": %d, \"launches\": %d, \"chosen\": %s",
            shape.phrases, shape.size, shape.channels, name_of(kind), plan.fast ? "fast" : "slower",
            plan.fast ? 1 << plan.slice_log2 : shape.channels, plan.slices, plan.groups,
            isfp::kPaths / plan.paths_per_launch, chosen ? "true" : "false");
        print("eager_us", eager);
        print("graph_us", replayed);
        std::puts("}");
        std::fflush(stdout);
        chosen = false;
    }
}

}  // namespace

int main(int count, char** words) {
    const bool few = count > 1 && std::strcmp(words[1], "few") == 0;
    must_have_gpu();
    for (const ScalarKind kind : {ScalarKind::fp16, ScalarKind::fp32}) {
        for (const int channels : {64, 128, 256, 512}) {
            for (const int phrases : {1, 4, 8}) {
                if (few && (channels > 64 || phrases > 1)) {
                    continue;
                }
                bench({phrases, few ? 3 : 13, channels}, kind, few);
            }
        }
    }
}
