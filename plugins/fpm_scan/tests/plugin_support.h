// What TensorRT would hand to the plugin, made here: a logger, descriptions of tensors, fields; and the library, loaded
// as TensorRT's registry loads it. TensorRT itself is not linked.
#pragma once

#include <NvInferRuntime.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace isfp::test {

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

inline Dims dims(std::initializer_list<int64_t> sizes) {
    Dims result{};
    result.nbDims = static_cast<int32_t>(sizes.size());
    std::copy(sizes.begin(), sizes.end(), result.d);
    return result;
}

inline PluginTensorDesc tensor(
    const Dims& shape, DataType type = DataType::kHALF, TensorFormat format = TensorFormat::kLINEAR) {
    return {shape, type, format, 1.0F};
}

// isf, w1, w2, out for a profile of 1 to 8 phrases.
inline std::array<DynamicPluginTensorDesc, 4> described(DataType type, int64_t size, int64_t channels) {
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

inline std::unique_ptr<IPluginV3> make(
    IPluginCreatorV3One& creator, const Fields& fields, TensorRTPhase phase = TensorRTPhase::kBUILD) {
    const PluginFieldCollection all = fields.all();
    return std::unique_ptr<IPluginV3>(creator.createPlugin("scan", &all, phase));
}

template <class Interface>
Interface& ask(IPluginV3& plugin, PluginCapabilityType type) {
    return *static_cast<Interface*>(plugin.getCapabilityInterface(type));
}

inline IPluginV3OneBuild& build_of(IPluginV3& plugin) {
    return ask<IPluginV3OneBuild>(plugin, PluginCapabilityType::kBUILD);
}

inline IPluginV3OneRuntime& runtime_of(IPluginV3& plugin) {
    return ask<IPluginV3OneRuntime>(plugin, PluginCapabilityType::kRUNTIME);
}

// The library's creator; the library stays loaded, because plugins of it live until the process ends.
inline IPluginCreatorV3One& creator_of(const char* path, Log& log) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::printf("%s\n", dlerror());
        std::exit(2);
    }
    reinterpret_cast<void (*)(ILoggerFinder*)>(dlsym(library, "setLoggerFinder"))(&log);
    int32_t creators = 0;
    auto* const* list =
        reinterpret_cast<IPluginCreatorInterface* const* (*)(int32_t&)>(dlsym(library, "getCreators"))(creators);
    if (creators != 1) {
        std::printf("the library has %d creators, expected 1\n", creators);
        std::exit(1);
    }
    return *static_cast<IPluginCreatorV3One*>(list[0]);
}

}  // namespace isfp::test
