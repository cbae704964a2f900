#include "fpm_scan_plugin.h"

#include <exception>
#include <new>

#include "logging.h"
#include "tensor_check.h"

namespace isfp {
namespace {

using nvinfer1::DataType;
using nvinfer1::Dims;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::PluginTensorDesc;

constexpr std::int32_t kSuccess = 0;
constexpr std::int32_t kFailure = -1;

std::int32_t fail(const std::string& message) noexcept {
    try {
        log_error(("isfp::FPMScan: " + message).c_str());
    } catch (const std::exception&) {  // no memory for the longer message: the shorter one is said
        log_error(message.c_str());
    }
    return kFailure;
}

// Also forgets the error, so that nobody after the plugin takes it for his own.
std::string cuda_message(cudaError_t status, const std::string& doing) {
    cudaGetLastError();
    std::string message =
        std::string(cudaGetErrorName(status)) + " (" + cudaGetErrorString(status) + ") while " + doing;
    if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
        message +=
            "; this GPU is none that the plugin was built for: build it here with `make plugin` and build the engine "
            "again";
    } else if (status == cudaErrorInsufficientDriver) {
        message +=
            "; there is no NVIDIA driver, or one older than the CUDA toolkit that the plugin was built with: update "
            "it, or build the plugin here";
    } else if (status == cudaErrorCooperativeLaunchTooLarge) {
        message +=
            "; another program keeps a part of the GPU's multiprocessors (MPS or MIG): give this one the whole, and "
            "set the shape again";
    }
    return message;
}

// No exception may leave a plugin: std::string can throw std::bad_alloc.
template <class Body>
std::int32_t guarded(const Body& body) noexcept {
    try {
        return body();
    } catch (const std::exception& error) {
        log_error(error.what());
        return kFailure;
    }
}

bool has_counts(std::int32_t inputs, std::int32_t outputs) { return inputs == kInputs && outputs == kOutputs; }

std::string wrong_counts(std::int32_t inputs, std::int32_t outputs) {
    return "the node has " + std::to_string(inputs) + " inputs and " + std::to_string(outputs)
           + " outputs, expected 3 (isf, w1, w2) and 1 (out); export the stage again with this version of isfp";
}

bool same_shape(const Shape& a, const Shape& b) {
    return a.phrases == b.phrases && a.size == b.size && a.channels == b.channels;
}

}  // namespace

FpmScanPlugin::FpmScanPlugin(const Attributes& attributes)
    : attributes_(attributes),
      activation_(static_cast<std::int32_t>(attributes.activation)),
      fields_{
          nvinfer1::PluginField{kAlphaField, &attributes_.alpha, nvinfer1::PluginFieldType::kFLOAT32, 1},
          nvinfer1::PluginField{kActivationField, &activation_, nvinfer1::PluginFieldType::kINT32, 1},
          nvinfer1::PluginField{kSlopeField, &attributes_.slope, nvinfer1::PluginFieldType::kFLOAT32, 1}},
      collection_{static_cast<std::int32_t>(fields_.size()), fields_.data()} {}

nvinfer1::IPluginCapability* FpmScanPlugin::getCapabilityInterface(nvinfer1::PluginCapabilityType type) noexcept {
    switch (type) {
        case nvinfer1::PluginCapabilityType::kCORE: return static_cast<nvinfer1::IPluginV3OneCore*>(this);
        case nvinfer1::PluginCapabilityType::kBUILD: return static_cast<nvinfer1::IPluginV3OneBuild*>(this);
        case nvinfer1::PluginCapabilityType::kRUNTIME: return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
    }
    return nullptr;
}

nvinfer1::IPluginV3* FpmScanPlugin::clone() noexcept {
    auto* copy = new (std::nothrow) FpmScanPlugin(attributes_);
    if (copy == nullptr) {
        log_error("isfp::FPMScan: out of memory while copying the plugin");
        return nullptr;
    }
    copy->shape_ = shape_;
    copy->kind_ = kind_;
    copy->plan_ = plan_;
    return copy;
}

std::int32_t FpmScanPlugin::configurePlugin(
    DynamicPluginTensorDesc const* in,
    std::int32_t inputs,
    DynamicPluginTensorDesc const*,
    std::int32_t outputs) noexcept {
    return guarded([&] {
        if (!has_counts(inputs, outputs)) {
            return fail(wrong_counts(inputs, outputs));
        }
        for (const Dims* isf : {&in[0].desc.dims, &in[0].min, &in[0].max}) {
            const std::string wrong = what_is_wrong(*isf, in[1].desc.dims, in[2].desc.dims);
            if (!wrong.empty()) {
                return fail(wrong);
            }
        }
        return kSuccess;
    });
}

std::int32_t FpmScanPlugin::getOutputDataTypes(
    DataType* output_types, std::int32_t outputs, DataType const* input_types, std::int32_t inputs) const noexcept {
    return guarded([&] {
        if (!has_counts(inputs, outputs)) {
            return fail(wrong_counts(inputs, outputs));
        }
        if (!is_scalar(input_types[0]) || input_types[1] != input_types[0] || input_types[2] != input_types[0]) {
            return fail("isf, w1 and w2 must all be FP32 or all FP16; cast them in the ONNX file before the node");
        }
        output_types[0] = input_types[0];
        return kSuccess;
    });
}

std::int32_t FpmScanPlugin::getOutputShapes(
    nvinfer1::DimsExprs const* input_shapes,
    std::int32_t inputs,
    nvinfer1::DimsExprs const*,
    std::int32_t,
    nvinfer1::DimsExprs* output_shapes,
    std::int32_t outputs,
    nvinfer1::IExprBuilder&) noexcept {
    return guarded([&] {
        if (!has_counts(inputs, outputs)) {
            return fail(wrong_counts(inputs, outputs));
        }
        if (input_shapes[0].nbDims != 4) {
            return fail(
                "input isf has " + std::to_string(input_shapes[0].nbDims) + " dimensions, expected the 4 of [P,S,S,C]");
        }
        output_shapes[0] = input_shapes[0];
        return kSuccess;
    });
}

bool FpmScanPlugin::supportsFormatCombination(
    std::int32_t position, DynamicPluginTensorDesc const* tensors, std::int32_t inputs, std::int32_t outputs) noexcept {
    if (!has_counts(inputs, outputs) || position < 0 || position >= inputs + outputs) {
        return false;
    }
    const PluginTensorDesc& tensor = tensors[position].desc;
    return tensor.format == nvinfer1::TensorFormat::kLINEAR && is_scalar(tensor.type)
           && tensor.type == tensors[0].desc.type;
}

std::int32_t FpmScanPlugin::getNbOutputs() const noexcept { return kOutputs; }

std::size_t FpmScanPlugin::getWorkspaceSize(
    DynamicPluginTensorDesc const* in, std::int32_t, DynamicPluginTensorDesc const*, std::int32_t) const noexcept {
    return scan_workspace(shape_of(in[0].max), scalar_kind(in[0].desc.type));
}

std::int32_t FpmScanPlugin::onShapeChange(
    PluginTensorDesc const* in, std::int32_t inputs, PluginTensorDesc const*, std::int32_t outputs) noexcept {
    return guarded([&] {
        if (!has_counts(inputs, outputs)) {
            return fail(wrong_counts(inputs, outputs));
        }
        const std::string wrong = what_is_wrong(in[0].dims, in[1].dims, in[2].dims);
        if (!wrong.empty()) {
            return fail(wrong);
        }
        shape_ = shape_of(in[0].dims);
        kind_ = scalar_kind(in[0].type);
        const cudaError_t status = plan_scan(shape_, kind_, plan_);
        return status == cudaSuccess ? kSuccess : fail(cuda_message(status, "asking the GPU how to launch the scan"));
    });
}

std::int32_t FpmScanPlugin::enqueue(
    PluginTensorDesc const* input_descriptions,
    PluginTensorDesc const*,
    void const* const* inputs,
    void* const* outputs,
    void* workspace,
    cudaStream_t stream) noexcept {
    return guarded([&] {
        if (!same_shape(shape_of(input_descriptions[0].dims), shape_)
            || scalar_kind(input_descriptions[0].type) != kind_) {
            return fail(
                "enqueue got another shape or type than onShapeChange announced; this is a fault of the caller of the "
                "plugin");
        }
        const cudaError_t status = enqueue_scan(
            shape_, kind_, attributes_, plan_, {inputs[0], inputs[1], inputs[2], outputs[0], workspace}, stream);
        return status == cudaSuccess ? kSuccess : fail(cuda_message(status, "launching the scan"));
    });
}

nvinfer1::IPluginV3* FpmScanPlugin::attachToContext(nvinfer1::IPluginResourceContext*) noexcept { return clone(); }

nvinfer1::PluginFieldCollection const* FpmScanPlugin::getFieldsToSerialize() noexcept { return &collection_; }

}  // namespace isfp
