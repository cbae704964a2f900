// Makes isfp::FPMScan plugins from the attributes of an ONNX node, and from those of a built engine.
#pragma once

#include <NvInferRuntime.h>

#include <array>

namespace isfp {

class FpmScanCreator final : public nvinfer1::IPluginCreatorV3One {
public:
    FpmScanCreator();

    // Null, with a message in the log, if a field is missing, unknown, or not what the operator's table says.
    nvinfer1::IPluginV3* createPlugin(
        nvinfer1::AsciiChar const* name,
        nvinfer1::PluginFieldCollection const* fields,
        nvinfer1::TensorRTPhase phase) noexcept override;

    nvinfer1::PluginFieldCollection const* getFieldNames() noexcept override { return &collection_; }
    nvinfer1::AsciiChar const* getPluginName() const noexcept override;
    nvinfer1::AsciiChar const* getPluginVersion() const noexcept override;
    nvinfer1::AsciiChar const* getPluginNamespace() const noexcept override;

private:
    std::array<nvinfer1::PluginField, 3> fields_;
    nvinfer1::PluginFieldCollection collection_;
};

}  // namespace isfp
