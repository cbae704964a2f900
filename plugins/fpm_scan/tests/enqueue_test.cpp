// enqueue_test LIBRARY [few]: the built plugin on the GPU at hand without TensorRT: made from fields, configured,
// attached to two contexts that run at once on two streams with different numbers of phrases, captured, replayed, and
// set to other shapes; each output against the host. Exit status 77 says that there is no GPU.
#include <NvInferRuntime.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "../host/host_scan.h"
#include "check.h"
#include "device_support.h"
#include "plugin_support.h"

namespace {

using namespace isfp::test;

constexpr int kMostPhrases = 8;  // of the profile in `described`

// One execution context: a plugin, its stream and its memory, as TensorRT keeps them.
class Context {
public:
    Context(IPluginV3& plugin, isfp::ScalarKind kind, int size, int channels, const isfp::Attributes& attributes)
        : plugin_(runtime_of(plugin).attachToContext(nullptr)),
          kind_(kind),
          size_(size),
          channels_(channels),
          attributes_(attributes),
          workspace_(workspace_of(plugin)) {}

    void set_phrases(int phrases) {
        const isfp::Shape shape{phrases, size_, channels_};
        inputs_ = std::make_unique<isfp::test::ScanInputs>(shape, kind_);
        out_ = std::make_unique<Memory>(inputs_->isf.memory.bytes());
        expected_ = isfp::host_scan(shape, attributes_, inputs_->isf.values, inputs_->w1.values, inputs_->w2.values);
        const DataType type = kind_ == isfp::ScalarKind::fp16 ? DataType::kHALF : DataType::kFLOAT;
        const Dims isf = dims({phrases, size_, size_, channels_});
        tensors_ = {
            tensor(isf, type), tensor(dims({4, channels_, channels_}), type),
            tensor(dims({4, 2, channels_, channels_}), type), tensor(isf, type)};
        CHECK(runtime_of(*plugin_).onShapeChange(tensors_.data(), 3, tensors_.data() + 3, 1) == 0);
    }

    void enqueue() {
        const void* inputs[] = {inputs_->isf.memory.data(), inputs_->w1.memory.data(), inputs_->w2.memory.data()};
        void* outputs[] = {out_->data()};
        CHECK(
            runtime_of(*plugin_).enqueue(
                tensors_.data(), tensors_.data() + 3, inputs, outputs, workspace_.data(), stream_.get())
            == 0);
    }

    void spoil() {
        must(cudaMemsetAsync(workspace_.data(), 0xFF, workspace_.bytes(), stream_.get()), "cudaMemset");
        must(cudaMemsetAsync(out_->data(), 0xFF, out_->bytes(), stream_.get()), "cudaMemset");
    }

    bool holds(const char* what) {
        stream_.wait(what);
        const double error = largest_error(read(*out_, kind_, inputs_->elements), expected_);
        const bool right = error <= tolerance_of(kind_);
        std::printf(
            "%s %s: %d phrases of %d channels, %s: error %.1e of %.1e\n", right ? "holds" : "FAILS", what,
            tensors_[0].dims.d[0] > 0 ? static_cast<int>(tensors_[0].dims.d[0]) : 0, channels_, name_of(kind_), error,
            tolerance_of(kind_));
        std::fflush(stdout);
        return right;
    }

    const Stream& stream() const { return stream_; }

private:
    std::size_t workspace_of(IPluginV3& plugin) const {
        auto tensors =
            described(kind_ == isfp::ScalarKind::fp16 ? DataType::kHALF : DataType::kFLOAT, size_, channels_);
        CHECK(build_of(plugin).configurePlugin(tensors.data(), 3, tensors.data() + 3, 1) == 0);
        return build_of(plugin).getWorkspaceSize(tensors.data(), 3, tensors.data() + 3, 1);
    }

    std::unique_ptr<IPluginV3> plugin_;
    isfp::ScalarKind kind_;
    int size_;
    int channels_;
    isfp::Attributes attributes_;
    Memory workspace_;
    Stream stream_;
    std::unique_ptr<isfp::test::ScanInputs> inputs_;
    std::unique_ptr<Memory> out_;
    std::vector<float> expected_;
    std::array<PluginTensorDesc, 4> tensors_{};
};

void two_contexts_run_at_once(IPluginV3& plugin, isfp::ScalarKind kind, int size, int channels, int rounds) {
    const isfp::Attributes attributes{0.25F, isfp::Activation::leaky_relu, 0.1F};  // as in `Fields`
    Context one(plugin, kind, size, channels, attributes);
    Context other(plugin, kind, size, channels, attributes);
    one.set_phrases(1);
    other.set_phrases(3);
    for (int i = 0; i < rounds; ++i) {
        for (Context* context : {&one, &other}) {
            context->spoil();
            context->enqueue();
        }
    }
    CHECK(one.holds("beside another context"));
    CHECK(other.holds("beside another context"));
    {
        const Graph graph_of_one(one.stream(), [&] { one.enqueue(); });
        const Graph graph_of_other(other.stream(), [&] { other.enqueue(); });
        for (int i = 0; i < rounds; ++i) {
            one.spoil();
            graph_of_one.launch();
            other.spoil();
            graph_of_other.launch();
        }
        CHECK(one.holds("replayed beside another graph"));
        CHECK(other.holds("replayed beside another graph"));
    }
    one.set_phrases(kMostPhrases);
    one.spoil();
    one.enqueue();
    CHECK(one.holds("after a change of shape"));
}

}  // namespace

int main(int count, char** words) {
    const bool few = count == 3 && std::strcmp(words[2], "few") == 0;
    if (count != 2 && !few) {
        std::puts("usage: enqueue_test LIBRARY [few]");
        return 2;
    }
    must_have_gpu();
    Log log;
    IPluginCreatorV3One& creator = creator_of(words[1], log);
    const Fields fields;
    const std::unique_ptr<IPluginV3> built = make(creator, fields);
    CHECK(built != nullptr);
    const std::unique_ptr<IPluginV3> plugin(
        creator.createPlugin("scan", runtime_of(*built).getFieldsToSerialize(), TensorRTPhase::kRUNTIME));
    CHECK(plugin != nullptr);
    for (const isfp::ScalarKind kind : {isfp::ScalarKind::fp16, isfp::ScalarKind::fp32}) {
        for (const int channels : few ? std::vector<int>{64, 136} : std::vector<int>{64, 100, 128, 256, 512}) {
            two_contexts_run_at_once(*plugin, kind, few ? 3 : 13, channels, few ? 2 : 50);
        }
    }
    if (!log.last.empty()) {
        std::printf("the plugin says: %s\n", log.last.c_str());
    }
    return checks_failed();
}
