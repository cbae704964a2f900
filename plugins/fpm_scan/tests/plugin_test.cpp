// plugin_test LIBRARY: loads the built library as TensorRT's registry does and asks the plugin all that TensorRT asks
// it before a GPU is needed. TensorRT itself is not linked: what the plugin is handed (a logger, dimension expressions)
// is made here.
#include <NvInferRuntime.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "check.h"

namespace {

using namespace nvinfer1;

class Log final : public ILogger, public ILoggerFinder {
public:
    void log(Severity severity, AsciiChar const* message) noexcept override {
        if (severity == Severity::kERROR) {
            last = message;
        }
    }
    ILogger* findLogger() override { return this; }

    bool said(const char* part) {
        const bool found = last.find(part) != std::string::npos;
        if (!found) {
            std::printf("  the log says: %s\n", last.c_str());
        }
        last.clear();
        return found;
    }

    std::string last;
};

class Expression final : public IDimensionExpr {};

class Builder final : public IExprBuilder {};

Dims dims(std::initializer_list<int64_t> sizes) {
    Dims result{};
    result.nbDims = static_cast<int32_t>(sizes.size());
    std::copy(sizes.begin(), sizes.end(), result.d);
    return result;
}

PluginTensorDesc tensor(
    const Dims& shape, DataType type = DataType::kHALF, TensorFormat format = TensorFormat::kLINEAR) {
    return {shape, type, format, 1.0F};
}

// isf, w1, w2, out for a profile of 1 to 8 phrases.
std::array<DynamicPluginTensorDesc, 4> described(DataType type, int64_t size, int64_t channels) {
    const Dims w1 = dims({4, channels, channels});
    const Dims w2 = dims({4, 2, channels, channels});
    const Dims least = dims({1, size, size, channels});
    const Dims most = dims({8, size, size, channels});
    const PluginTensorDesc isf = tensor(dims({-1, size, size, channels}), type);
    return {
        {{isf, least, most, least},
         {tensor(w1, type), w1, w1, w1},
         {tensor(w2, type), w2, w2, w2},
         {isf, least, most, least}}};
}

struct Fields {
    float alpha = 0.25F;
    int32_t activation = 1;
    float slope = 0.1F;
    std::vector<PluginField> list{
        {"alpha", &alpha, PluginFieldType::kFLOAT32, 1},
        {"activation", &activation, PluginFieldType::kINT32, 1},
        {"slope", &slope, PluginFieldType::kFLOAT32, 1}};
    Fields() = default;
    Fields(const Fields&) = delete;
    PluginFieldCollection all() const { return {static_cast<int32_t>(list.size()), list.data()}; }
};

std::unique_ptr<IPluginV3> make(
    IPluginCreatorV3One& creator, const Fields& fields, TensorRTPhase phase = TensorRTPhase::kBUILD) {
    const PluginFieldCollection all = fields.all();
    return std::unique_ptr<IPluginV3>(creator.createPlugin("scan", &all, phase));
}

template <class Interface>
Interface& ask(IPluginV3& plugin, PluginCapabilityType type) {
    return *static_cast<Interface*>(plugin.getCapabilityInterface(type));
}

IPluginV3OneBuild& build_of(IPluginV3& plugin) { return ask<IPluginV3OneBuild>(plugin, PluginCapabilityType::kBUILD); }

IPluginV3OneRuntime& runtime_of(IPluginV3& plugin) {
    return ask<IPluginV3OneRuntime>(plugin, PluginCapabilityType::kRUNTIME);
}

void creator_says_who_it_is(IPluginCreatorV3One& creator) {
    CHECK(creator.getPluginName() == std::string("FPMScan"));
    CHECK(creator.getPluginVersion() == std::string("1"));
    CHECK(creator.getPluginNamespace() == std::string("isfp"));
    CHECK(creator.getInterfaceInfo().kind == std::string("PLUGIN CREATOR_V3ONE"));
    const PluginFieldCollection& names = *creator.getFieldNames();
    CHECK(names.nbFields == 3);
    CHECK(names.fields[0].name == std::string("alpha") && names.fields[0].type == PluginFieldType::kFLOAT32);
    CHECK(names.fields[1].name == std::string("activation") && names.fields[1].type == PluginFieldType::kINT32);
    CHECK(names.fields[2].name == std::string("slope") && names.fields[2].type == PluginFieldType::kFLOAT32);
}

void wrong_fields_are_refused(IPluginCreatorV3One& creator, Log& log) {
    for (std::size_t i = 0; i < 3; ++i) {
        Fields missing;
        missing.list.erase(missing.list.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK(make(creator, missing) == nullptr);
        CHECK(log.said("is missing; export the stage"));
        Fields wrong_type;
        wrong_type.list[i].type = PluginFieldType::kFLOAT64;
        CHECK(make(creator, wrong_type) == nullptr);
        CHECK(log.said("must be one"));
        Fields two;
        two.list[i].length = 2;
        CHECK(make(creator, two) == nullptr);
        CHECK(log.said("must be one"));
        Fields without;
        without.list[i].data = nullptr;
        CHECK(make(creator, without) == nullptr);
        CHECK(log.said("must be one"));
    }
    Fields extra;
    extra.list.push_back({"beta", &extra.alpha, PluginFieldType::kFLOAT32, 1});
    CHECK(make(creator, extra) == nullptr);
    CHECK(log.said("attribute beta is unknown"));
    Fields odd;
    odd.activation = 2;
    CHECK(make(creator, odd) == nullptr);
    CHECK(log.said("activation is 2, expected 0 (tanh) or 1 (leaky ReLU)"));
    Fields endless;
    endless.alpha = INFINITY;
    CHECK(make(creator, endless) == nullptr);
    CHECK(log.said("must be finite"));
    CHECK(creator.createPlugin("scan", nullptr, TensorRTPhase::kBUILD) == nullptr);
    CHECK(log.said("node scan: no attributes"));
}

void capabilities_are_all_there(IPluginV3& plugin) {
    auto& core = ask<IPluginV3OneCore>(plugin, PluginCapabilityType::kCORE);
    CHECK(core.getPluginName() == std::string("FPMScan"));
    CHECK(core.getPluginVersion() == std::string("1"));
    CHECK(core.getPluginNamespace() == std::string("isfp"));
    CHECK(core.getInterfaceInfo().kind == std::string("PLUGIN_V3ONE_CORE"));
    CHECK(build_of(plugin).getInterfaceInfo().kind == std::string("PLUGIN_V3ONE_BUILD"));
    CHECK(runtime_of(plugin).getInterfaceInfo().kind == std::string("PLUGIN_V3ONE_RUNTIME"));
    CHECK(build_of(plugin).getNbOutputs() == 1);
    CHECK(plugin.getCapabilityInterface(static_cast<PluginCapabilityType>(9)) == nullptr);
}

void output_is_of_the_type_and_shape_of_isf(IPluginV3& plugin, Log& log) {
    IPluginV3OneBuild& build = build_of(plugin);
    for (const DataType type : {DataType::kHALF, DataType::kFLOAT}) {
        const DataType inputs[] = {type, type, type};
        DataType output = DataType::kINT8;
        CHECK(build.getOutputDataTypes(&output, 1, inputs, 3) == 0 && output == type);
    }
    DataType output = DataType::kINT8;
    const DataType mixed[] = {DataType::kHALF, DataType::kFLOAT, DataType::kHALF};
    CHECK(build.getOutputDataTypes(&output, 1, mixed, 3) != 0 && log.said("must all be FP32 or all FP16"));
    const DataType whole[] = {DataType::kINT32, DataType::kINT32, DataType::kINT32};
    CHECK(build.getOutputDataTypes(&output, 1, whole, 3) != 0 && log.said("must all be FP32 or all FP16"));

    Expression phrases, size, channels;
    Builder builder;
    DimsExprs inputs[3] = {};
    inputs[0].nbDims = 4;
    inputs[0].d[0] = &phrases;
    inputs[0].d[1] = inputs[0].d[2] = &size;
    inputs[0].d[3] = &channels;
    DimsExprs shape{};
    CHECK(build.getOutputShapes(inputs, 3, nullptr, 0, &shape, 1, builder) == 0);
    CHECK(
        shape.nbDims == 4 && shape.d[0] == &phrases && shape.d[1] == &size && shape.d[2] == &size
        && shape.d[3] == &channels);
    CHECK(
        build.getOutputShapes(inputs, 2, nullptr, 0, &shape, 1, builder) != 0
        && log.said("2 inputs and 1 outputs, expected 3"));
    inputs[0].nbDims = 3;
    CHECK(build.getOutputShapes(inputs, 3, nullptr, 0, &shape, 1, builder) != 0 && log.said("3 dimensions"));
}

void linear_fp16_and_fp32_are_supported_and_nothing_else(IPluginV3& plugin) {
    IPluginV3OneBuild& build = build_of(plugin);
    for (const DataType type : {DataType::kHALF, DataType::kFLOAT}) {
        auto tensors = described(type, 13, 64);
        for (int32_t position = 0; position < 4; ++position) {
            CHECK(build.supportsFormatCombination(position, tensors.data(), 3, 1));
            auto& tensor = tensors[static_cast<std::size_t>(position)].desc;
            tensor.format = TensorFormat::kHWC8;
            CHECK(!build.supportsFormatCombination(position, tensors.data(), 3, 1));
            tensor.format = TensorFormat::kLINEAR;
            tensor.type = DataType::kINT8;
            CHECK(!build.supportsFormatCombination(position, tensors.data(), 3, 1));
            tensor.type = type;
        }
        tensors[2].desc.type = type == DataType::kHALF ? DataType::kFLOAT : DataType::kHALF;
        CHECK(!build.supportsFormatCombination(2, tensors.data(), 3, 1));
        CHECK(!build.supportsFormatCombination(4, tensors.data(), 3, 1));
        CHECK(!build.supportsFormatCombination(0, tensors.data(), 2, 1));
    }
}

void shapes_are_checked_when_the_engine_is_built(IPluginV3& plugin, Log& log) {
    IPluginV3OneBuild& build = build_of(plugin);
    const auto refused = [&](std::size_t input, const Dims& shape, const char* why) {
        auto tensors = described(DataType::kHALF, 13, 64);
        tensors[input].desc.dims = tensors[input].min = tensors[input].max = shape;
        return build.configurePlugin(tensors.data(), 3, tensors.data() + 3, 1) != 0 && log.said(why);
    };
    auto right = described(DataType::kHALF, 13, 64);
    CHECK(build.configurePlugin(right.data(), 3, right.data() + 3, 1) == 0);
    CHECK(build.configurePlugin(right.data(), 2, right.data() + 3, 1) != 0 && log.said("expected 3 (isf, w1, w2)"));
    CHECK(refused(0, dims({1, 13, 12, 64}), "isf has shape [1,13,12,64], expected [P,S,S,C]"));
    CHECK(refused(0, dims({13, 13, 64}), "isf has shape [13,13,64], expected [P,S,S,C]"));
    CHECK(refused(0, dims({0, 13, 13, 64}), "at least one phrase"));
    CHECK(refused(0, dims({100000, 100, 100, 64}), "at most 2^31 - 1 elements"));
    CHECK(refused(1, dims({4, 64, 32}), "w1 has shape [4,64,32], expected [4,C,C] with C = 64; export"));
    CHECK(refused(2, dims({4, 64, 64}), "w2 has shape [4,64,64], expected [4,2,C,C] with C = 64; export"));
}

void workspace_is_that_of_the_profiles_largest_shape(IPluginV3& plugin) {
    auto tensors = described(DataType::kHALF, 13, 64);
    const std::size_t bytes = build_of(plugin).getWorkspaceSize(tensors.data(), 3, tensors.data() + 3, 1);
    CHECK(bytes >= sizeof(float) * 4 * 8 * 13 * 13 * 64);
    CHECK(bytes < 2 * sizeof(float) * 4 * 8 * 13 * 13 * 64);
}

void plugin_comes_back_from_its_serialized_fields(IPluginCreatorV3One& creator, IPluginV3& plugin) {
    const PluginFieldCollection& first = *runtime_of(plugin).getFieldsToSerialize();
    const std::unique_ptr<IPluginV3> again(creator.createPlugin("scan", &first, TensorRTPhase::kRUNTIME));
    CHECK(again != nullptr);
    const std::unique_ptr<IPluginV3> copy(plugin.clone());
    const std::unique_ptr<IPluginV3> attached(runtime_of(plugin).attachToContext(nullptr));
    for (IPluginV3* other : {again.get(), copy.get(), attached.get()}) {
        CHECK(other != nullptr && other != &plugin);
        const PluginFieldCollection& second = *runtime_of(*other).getFieldsToSerialize();
        CHECK(first.nbFields == 3 && second.nbFields == 3);
        for (int32_t i = 0; i < 3; ++i) {
            CHECK(first.fields[i].name == std::string(second.fields[i].name));
            CHECK(first.fields[i].type == second.fields[i].type && second.fields[i].length == 1);
            CHECK(first.fields[i].data != second.fields[i].data);
            CHECK(std::memcmp(first.fields[i].data, second.fields[i].data, 4) == 0);
        }
        CHECK(*static_cast<const float*>(second.fields[0].data) == 0.25F);
        CHECK(*static_cast<const int32_t*>(second.fields[1].data) == 1);
        CHECK(*static_cast<const float*>(second.fields[2].data) == 0.1F);
    }
}

void runtime_refuses_what_was_not_announced(IPluginV3& plugin, Log& log) {
    IPluginV3OneRuntime& runtime = runtime_of(plugin);
    PluginTensorDesc tensors[] = {
        tensor(dims({2, 13, 13, 64})), tensor(dims({4, 64, 64})), tensor(dims({4, 2, 64, 32})),
        tensor(dims({2, 13, 13, 64}))};
    CHECK(runtime.onShapeChange(tensors, 3, tensors + 3, 1) != 0 && log.said("w2 has shape [4,2,64,32]"));
    CHECK(runtime.onShapeChange(tensors, 1, tensors + 3, 1) != 0 && log.said("1 inputs"));
    CHECK(
        runtime.enqueue(tensors, tensors + 3, nullptr, nullptr, nullptr, nullptr) != 0
        && log.said("another shape or type"));
}

// Without a GPU, the plugin must say so instead of crashing; with one, the right shape must be accepted.
void runtime_asks_the_gpu(IPluginV3& plugin, Log& log) {
    const PluginTensorDesc tensors[] = {
        tensor(dims({2, 13, 13, 64})), tensor(dims({4, 64, 64})), tensor(dims({4, 2, 64, 64})),
        tensor(dims({2, 13, 13, 64}))};
    const bool accepted = runtime_of(plugin).onShapeChange(tensors, 3, tensors + 3, 1) == 0;
    CHECK(accepted || log.said("while asking the GPU how to launch the scan"));
}

}  // namespace

int main(int count, char** words) {
    void* library = count == 2 ? dlopen(words[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (library == nullptr) {
        std::printf("usage: plugin_test LIBRARY; %s\n", count == 2 ? dlerror() : "no library was given");
        return 2;
    }
    Log log;
    reinterpret_cast<void (*)(ILoggerFinder*)>(dlsym(library, "setLoggerFinder"))(&log);
    int32_t creators = 0;
    auto* const* list =
        reinterpret_cast<IPluginCreatorInterface* const* (*)(int32_t&)>(dlsym(library, "getCreators"))(creators);
    CHECK(creators == 1);
    auto& creator = *static_cast<IPluginCreatorV3One*>(list[0]);

    creator_says_who_it_is(creator);
    wrong_fields_are_refused(creator, log);
    const Fields fields;
    const std::unique_ptr<IPluginV3> plugin = make(creator, fields);
    CHECK(plugin != nullptr);
    if (plugin != nullptr) {
        capabilities_are_all_there(*plugin);
        output_is_of_the_type_and_shape_of_isf(*plugin, log);
        linear_fp16_and_fp32_are_supported_and_nothing_else(*plugin);
        shapes_are_checked_when_the_engine_is_built(*plugin, log);
        workspace_is_that_of_the_profiles_largest_shape(*plugin);
        plugin_comes_back_from_its_serialized_fields(creator, *plugin);
        runtime_refuses_what_was_not_announced(*plugin, log);
        runtime_asks_the_gpu(*plugin, log);
    }
    return isfp::test::checks_failed();
}
