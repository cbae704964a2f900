// plugin_test LIBRARY: loads the built library as TensorRT's registry does and asks the plugin all that TensorRT asks
// it before a GPU is needed.
#include <NvInferRuntime.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "check.h"
#include "plugin_support.h"

namespace {

using namespace isfp::test;

class Expression final : public IDimensionExpr {};

class Builder final : public IExprBuilder {};

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
    CHECK(refused(0, dims({65536, 1, 1, 64}), "at most 65535 phrases"));
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
    if (count != 2) {
        std::puts("usage: plugin_test LIBRARY");
        return 2;
    }
    Log log;
    IPluginCreatorV3One& creator = creator_of(words[1], log);

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
