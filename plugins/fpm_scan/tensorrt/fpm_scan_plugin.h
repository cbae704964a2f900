// isfp::FPMScan, version 1, as TensorRT sees it.
#pragma once

#include <NvInferRuntime.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../device/scan.h"

namespace isfp {

constexpr char kPluginName[] = "FPMScan";
constexpr char kPluginVersion[] = "1";
constexpr char kPluginNamespace[] = "isfp";

constexpr char kAlphaField[] = "alpha";
constexpr char kActivationField[] = "activation";
constexpr char kSlopeField[] = "slope";

class FpmScanPlugin final : public nvinfer1::IPluginV3,
                            public nvinfer1::IPluginV3OneCore,
                            public nvinfer1::IPluginV3OneBuild,
                            public nvinfer1::IPluginV3OneRuntime {
public:
    explicit FpmScanPlugin(const Attributes& attributes);

    // IPluginV3
    nvinfer1::IPluginCapability* getCapabilityInterface(nvinfer1::PluginCapabilityType type) noexcept override;
    nvinfer1::IPluginV3* clone() noexcept override;

    // IPluginV3OneCore
    nvinfer1::AsciiChar const* getPluginName() const noexcept override { return kPluginName; }
    nvinfer1::AsciiChar const* getPluginVersion() const noexcept override { return kPluginVersion; }
    nvinfer1::AsciiChar const* getPluginNamespace() const noexcept override { return kPluginNamespace; }

    // IPluginV3OneBuild
    std::int32_t configurePlugin(
        nvinfer1::DynamicPluginTensorDesc const* in,
        std::int32_t inputs,
        nvinfer1::DynamicPluginTensorDesc const* out,
        std::int32_t outputs) noexcept override;
    std::int32_t getOutputDataTypes(
        nvinfer1::DataType* output_types,
        std::int32_t outputs,
        nvinfer1::DataType const* input_types,
        std::int32_t inputs) const noexcept override;
    std::int32_t getOutputShapes(
        nvinfer1::DimsExprs const* input_shapes,
        std::int32_t inputs,
        nvinfer1::DimsExprs const* shape_inputs,
        std::int32_t shape_input_count,
        nvinfer1::DimsExprs* output_shapes,
        std::int32_t outputs,
        nvinfer1::IExprBuilder& builder) noexcept override;
    bool supportsFormatCombination(
        std::int32_t position,
        nvinfer1::DynamicPluginTensorDesc const* tensors,
        std::int32_t inputs,
        std::int32_t outputs) noexcept override;
    std::int32_t getNbOutputs() const noexcept override;
    std::size_t getWorkspaceSize(
        nvinfer1::DynamicPluginTensorDesc const* in,
        std::int32_t inputs,
        nvinfer1::DynamicPluginTensorDesc const* out,
        std::int32_t outputs) const noexcept override;

    // IPluginV3OneRuntime
    std::int32_t onShapeChange(
        nvinfer1::PluginTensorDesc const* in,
        std::int32_t inputs,
        nvinfer1::PluginTensorDesc const* out,
        std::int32_t outputs) noexcept override;
    std::int32_t enqueue(
        nvinfer1::PluginTensorDesc const* input_descriptions,
        nvinfer1::PluginTensorDesc const* output_descriptions,
        void const* const* inputs,
        void* const* outputs,
        void* workspace,
        cudaStream_t stream) noexcept override;
    nvinfer1::IPluginV3* attachToContext(nvinfer1::IPluginResourceContext* context) noexcept override;
    nvinfer1::PluginFieldCollection const* getFieldsToSerialize() noexcept override;

private:
    Attributes attributes_;
    std::int32_t activation_;  // attributes_.activation, in the memory that the serialized field points to
    std::array<nvinfer1::PluginField, 3> fields_;
    nvinfer1::PluginFieldCollection collection_;

    // Set by onShapeChange, for enqueue.
    Shape shape_;
    ScalarKind kind_ = ScalarKind::fp32;
    LaunchPlan plan_;
};

}  // namespace isfp
