// What the plugin's tensors must be, and the message if they are not.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>
#include <string>

#include "../device/scan.h"

namespace isfp {

constexpr std::int32_t kInputs = 3;  // isf, w1, w2
constexpr std::int32_t kOutputs = 1;

bool is_scalar(nvinfer1::DataType type);

// `type` must be one for which is_scalar holds.
ScalarKind scalar_kind(nvinfer1::DataType type);

// P, S and C of an isf [P,S,S,C].
Shape shape_of(const nvinfer1::Dims& isf);

// Empty if isf is [P,S,S,C], w1 [4,C,C] and w2 [4,2,C,C], with -1 for what the build does not know yet; else what is
// wrong and what to do.
std::string what_is_wrong(const nvinfer1::Dims& isf, const nvinfer1::Dims& w1, const nvinfer1::Dims& w2);

}  // namespace isfp
