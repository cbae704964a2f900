// The scan as C functions, for Python's tests of the SDK's device and stages: a scan for one shape is made, put on
// streams and freed. Functions return 0 or a cudaError_t.
#include <cstddef>
#include <memory>

#include "../device/scan.h"

#define ISFP_EXPORTED extern "C" __attribute__((visibility("default")))

namespace {

struct Scan {
    isfp::Shape shape;
    isfp::ScalarKind kind;
    isfp::Attributes attributes;
    isfp::LaunchPlan plan;
};

}  // namespace

ISFP_EXPORTED std::size_t isfp_scan_workspace(int phrases, int size, int channels, int half) {
    return isfp::scan_workspace({phrases, size, channels}, half != 0 ? isfp::ScalarKind::fp16 : isfp::ScalarKind::fp32);
}

ISFP_EXPORTED int isfp_scan_make(
    int phrases, int size, int channels, int half, float alpha, int activation, float slope, void** made) {
    auto scan = std::make_unique<Scan>();
    scan->shape = {phrases, size, channels};
    scan->kind = half != 0 ? isfp::ScalarKind::fp16 : isfp::ScalarKind::fp32;
    scan->attributes = {alpha, static_cast<isfp::Activation>(activation), slope};
    const cudaError_t status = isfp::plan_scan(scan->shape, scan->kind, scan->plan);
    *made = status == cudaSuccess ? scan.release() : nullptr;
    return status;
}

ISFP_EXPORTED int isfp_scan_enqueue(
    const void* made, const void* isf, const void* w1, const void* w2, void* out, void* workspace, void* stream) {
    const auto& scan = *static_cast<const Scan*>(made);
    return isfp::enqueue_scan(
        scan.shape, scan.kind, scan.attributes, scan.plan, {isf, w1, w2, out, workspace},
        static_cast<cudaStream_t>(stream));
}

ISFP_EXPORTED void isfp_scan_free(void* made) { delete static_cast<Scan*>(made); }
