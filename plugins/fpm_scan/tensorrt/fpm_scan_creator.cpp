#include "fpm_scan_creator.h"

#include <cmath>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>

#include "fpm_scan_plugin.h"
#include "logging.h"

namespace isfp {
namespace {

using nvinfer1::PluginField;
using nvinfer1::PluginFieldCollection;
using nvinfer1::PluginFieldType;

constexpr char kWhatToDo[] =
    "; export the stage and build the engine again with this version of isfp and of its plugin";

template <class Value>
Value value_of(
    const PluginFieldCollection& fields, const std::string& name, PluginFieldType type, const char* type_name) {
    for (std::int32_t i = 0; i < fields.nbFields; ++i) {
        const PluginField& field = fields.fields[i];
        if (name == field.name) {
            if (field.type != type || field.length != 1 || field.data == nullptr) {
                throw std::invalid_argument("attribute " + name + " must be one " + type_name + kWhatToDo);
            }
            return *static_cast<const Value*>(field.data);
        }
    }
    throw std::invalid_argument("attribute " + name + " is missing" + kWhatToDo);
}

void refuse_unknown(const PluginFieldCollection& fields) {
    for (std::int32_t i = 0; i < fields.nbFields; ++i) {
        const std::string name = fields.fields[i].name;
        if (name != kAlphaField && name != kActivationField && name != kSlopeField) {
            throw std::invalid_argument(
                "attribute " + name + " is unknown to version " + kPluginVersion + " of the plugin" + kWhatToDo);
        }
    }
}

Attributes attributes_of(const PluginFieldCollection& fields) {
    refuse_unknown(fields);
    const float alpha = value_of<float>(fields, kAlphaField, PluginFieldType::kFLOAT32, "float");
    const float slope = value_of<float>(fields, kSlopeField, PluginFieldType::kFLOAT32, "float");
    const auto activation = value_of<std::int32_t>(fields, kActivationField, PluginFieldType::kINT32, "int");
    if (!std::isfinite(alpha) || !std::isfinite(slope)) {
        throw std::invalid_argument("attributes alpha and slope must be finite" + std::string(kWhatToDo));
    }
    if (activation != static_cast<std::int32_t>(Activation::tanh)
        && activation != static_cast<std::int32_t>(Activation::leaky_relu)) {
        throw std::invalid_argument(
            "attribute activation is " + std::to_string(activation) + ", expected 0 (tanh) or 1 (leaky ReLU)"
            + kWhatToDo);
    }
    return {alpha, static_cast<Activation>(activation), slope};
}

// No exception may leave it: where there is no memory for the whole message, its reason alone is said.
void log_failure(const char* name, const std::exception& error) noexcept {
    try {
        log_error(("isfp::FPMScan, node " + std::string(name != nullptr ? name : "") + ": " + error.what()).c_str());
    } catch (const std::exception&) {
        log_error(error.what());
    }
}

}  // namespace

FpmScanCreator::FpmScanCreator()
    : fields_{
          PluginField{kAlphaField, nullptr, PluginFieldType::kFLOAT32, 1},
          PluginField{kActivationField, nullptr, PluginFieldType::kINT32, 1},
          PluginField{kSlopeField, nullptr, PluginFieldType::kFLOAT32, 1}},
      collection_{static_cast<std::int32_t>(fields_.size()), fields_.data()} {}

nvinfer1::IPluginV3* FpmScanCreator::createPlugin(
    nvinfer1::AsciiChar const* name, PluginFieldCollection const* fields, nvinfer1::TensorRTPhase) noexcept {
    try {
        if (fields == nullptr) {
            throw std::invalid_argument("no attributes were given");
        }
        return new FpmScanPlugin(attributes_of(*fields));
    } catch (const std::exception& error) {
        log_failure(name, error);
        return nullptr;
    }
}

nvinfer1::AsciiChar const* FpmScanCreator::getPluginName() const noexcept { return kPluginName; }

nvinfer1::AsciiChar const* FpmScanCreator::getPluginVersion() const noexcept { return kPluginVersion; }

nvinfer1::AsciiChar const* FpmScanCreator::getPluginNamespace() const noexcept { return kPluginNamespace; }

}  // namespace isfp
