// fpm_device_test [few] [unfilled]: the kernels on the GPU at hand, without TensorRT, against the same bodies on the
// host. It runs what the host cannot: the matrix instruction, the memory model, cooperative launches, stream capture.
// Exit status 77 says that there is no GPU.
//
// Each shape runs with the launch that the device chooses and with those that smaller ones would choose. The workspace
// is filled with NaN before each run, so a value that is read before it is written is seen. `few` takes small shapes,
// one activation and no repeats: for the threads of a host, and for compute-sanitizer. `unfilled` leaves the workspace
// as it was allocated, so that compute-sanitizer's initcheck sees such a read itself.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../core/grid_walk.h"
#include "../host/host_scan.h"
#include "device_support.h"

namespace {

using isfp::Activation;
using isfp::Attributes;
using isfp::LaunchPlan;
using isfp::ScalarKind;
using isfp::Shape;
using namespace isfp::test;

constexpr int kRepeats = 20;

std::string counted(int count, const char* one, const char* more) {
    return std::to_string(count) + " " + (count == 1 ? one : more);
}

std::string text_of(const LaunchPlan& plan) {
    return (plan.fast ? "fast " + std::to_string(1 << plan.slice_log2) + " x " + std::to_string(plan.slices) : "slower")
           + ", " + counted(plan.groups, "group", "groups") + ", "
           + counted(isfp::kPaths / plan.paths_per_launch, "launch", "launches");
}

class Run {
public:
    Run(const Shape& shape, ScalarKind kind, Activation activation, bool filled)
        : shape_(shape),
          kind_(kind),
          attributes_{0.25F, activation, 0.1F},
          filled_(filled),
          inputs_(shape, kind),
          out_(inputs_.isf.memory.bytes()),
          expected_(isfp::host_scan(shape, attributes_, inputs_.isf.values, inputs_.w1.values, inputs_.w2.values)) {}

    // Whether every plan gives the expected values, the same on each repeat, and the same again from a captured graph.
    bool holds(int repeats) {
        bool all = true;
        for (const LaunchPlan& plan : plans_of(shape_, kind_)) {
            const Memory workspace(isfp::scan_workspace(shape_, kind_));
            const std::vector<float> first = eager(plan, workspace);
            const double error = largest_error(first, expected_);
            bool same = true;
            for (int i = 0; i < repeats; ++i) {
                same = same && eager(plan, workspace) == first;
            }
            const bool replayed = replay(plan, workspace) == first;
            const bool right = error <= tolerance_of(kind_) && same && replayed;
            std::printf(
                "%s P=%d S=%d C=%d %s %s: error %.1e of %.1e%s%s\n", right ? "holds" : "FAILS", shape_.phrases,
                shape_.size, shape_.channels, name_of(kind_), text_of(plan).c_str(), error, tolerance_of(kind_),
                same ? "" : ", repeats differ", replayed ? "" : ", the graph's replay differs");
            std::fflush(stdout);
            all = all && right;
        }
        return all;
    }

private:
    void enqueue(const LaunchPlan& plan, const Memory& workspace) {
        must(
            isfp::enqueue_scan(
                shape_, kind_, attributes_, plan,
                {inputs_.isf.memory.data(), inputs_.w1.memory.data(), inputs_.w2.memory.data(), out_.data(),
                 workspace.data()},
                stream_.get()),
            "enqueue_scan");
    }

    void spoil(const Memory& workspace) {
        if (filled_) {
            must(cudaMemsetAsync(workspace.data(), 0xFF, workspace.bytes(), stream_.get()), "cudaMemset");
        }
        must(cudaMemsetAsync(out_.data(), 0xFF, out_.bytes(), stream_.get()), "cudaMemset");
    }

    std::vector<float> eager(const LaunchPlan& plan, const Memory& workspace) {
        spoil(workspace);
        enqueue(plan, workspace);
        stream_.wait("the scan");
        return read(out_, kind_, inputs_.elements);
    }

    std::vector<float> replay(const LaunchPlan& plan, const Memory& workspace) {
        const Graph graph(stream_, [&] { enqueue(plan, workspace); });
        for (int i = 0; i < 2; ++i) {
            spoil(workspace);
            graph.launch();
        }
        stream_.wait("the graph");
        return read(out_, kind_, inputs_.elements);
    }

    Shape shape_;
    ScalarKind kind_;
    Attributes attributes_;
    bool filled_;
    ScanInputs inputs_;
    Memory out_;
    std::vector<float> expected_;
    Stream stream_;
};

}  // namespace

int main(int count, char** words) {
    bool few = false;
    bool filled = true;
    for (int i = 1; i < count; ++i) {
        few = few || std::strcmp(words[i], "few") == 0;
        filled = filled && std::strcmp(words[i], "unfilled") != 0;
    }
    must_have_gpu();
    const std::vector<Shape> many_shapes{{1, 13, 64},  {1, 13, 128}, {1, 13, 256}, {1, 13, 512}, {3, 10, 256},
                                         {8, 13, 128}, {8, 7, 256},  {2, 16, 200}, {2, 17, 96},  {1, 1, 64},
                                         {2, 2, 37},   {1, 5, 1},    {1, 4, 1000}};
    const std::vector<Shape> few_shapes{{1, 5, 64}, {3, 4, 200}, {2, 17, 36}, {1, 1, 64}, {5, 3, 128}, {1, 2, 300}};
    bool all = true;
    for (const ScalarKind kind : {ScalarKind::fp16, ScalarKind::fp32}) {
        for (const Shape& shape : few ? few_shapes : many_shapes) {
            for (const Activation activation : {Activation::tanh, Activation::leaky_relu}) {
                if (few && (activation == Activation::tanh) != (kind == ScalarKind::fp16)) {
                    continue;
                }
                all = Run(shape, kind, activation, filled).holds(few ? 0 : kRepeats) && all;
            }
        }
    }
    std::printf(all ? "every scan holds\n" : "some scans FAIL\n");
    return all ? 0 : 1;
}
