#include "tensor_check.h"

#include <cstddef>
#include <initializer_list>
#include <limits>

namespace isfp {
namespace {

constexpr std::int64_t kUnknown = -1;
constexpr std::int64_t kMostPhrases = 65535;  // of a grid's second dimension
constexpr char kWhatToDo[] = "; export the stage again with this version of isfp";

std::string text_of(const nvinfer1::Dims& dims) {
    std::string text = "[";
    for (std::int32_t i = 0; i < dims.nbDims; ++i) {
        text += (i > 0 ? "," : "") + std::to_string(dims.d[i]);
    }
    return text + "]";
}

bool agree(std::int64_t a, std::int64_t b) { return a == b || a == kUnknown || b == kUnknown; }

bool has_shape(const nvinfer1::Dims& dims, std::initializer_list<std::int64_t> expected) {
    if (dims.nbDims != static_cast<std::int32_t>(expected.size())) {
        return false;
    }
    std::size_t i = 0;
    for (const std::int64_t size : expected) {
        if (!agree(dims.d[i++], size)) {
            return false;
        }
    }
    return true;
}

// The kernels count the elements of one tensor with 32 bits.
bool is_countable(const nvinfer1::Dims& isf) {
    double elements = 1;
    for (std::int32_t i = 0; i < isf.nbDims; ++i) {
        elements *= isf.d[i] == kUnknown ? 1.0 : static_cast<double>(isf.d[i]);
    }
    return elements <= static_cast<double>(std::numeric_limits<std::int32_t>::max());
}

}  // namespace

bool is_scalar(nvinfer1::DataType type) {
    return type == nvinfer1::DataType::kFLOAT || type == nvinfer1::DataType::kHALF;
}

ScalarKind scalar_kind(nvinfer1::DataType type) {
    return type == nvinfer1::DataType::kHALF ? ScalarKind::fp16 : ScalarKind::fp32;
}

Shape shape_of(const nvinfer1::Dims& isf) {
    return {static_cast<int>(isf.d[0]), static_cast<int>(isf.d[1]), static_cast<int>(isf.d[3])};
}

std::string what_is_wrong(const nvinfer1::Dims& isf, const nvinfer1::Dims& w1, const nvinfer1::Dims& w2) {
    if (isf.nbDims != 4 || !agree(isf.d[1], isf.d[2]) || isf.d[0] == 0 || isf.d[1] == 0 || isf.d[3] == 0) {
        return "input isf has shape " + text_of(isf) + ", expected [P,S,S,C] with a square grid and at least one phrase"
               + kWhatToDo;
    }
    if (!is_countable(isf)) {
        return "input isf has shape " + text_of(isf)
               + ", expected at most 2^31 - 1 elements; run fewer phrases at once";
    }
    if (isf.d[0] > kMostPhrases) {
        return "input isf has shape " + text_of(isf) + ", expected at most " + std::to_string(kMostPhrases)
               + " phrases; run fewer at once";
    }
    const std::int64_t channels = isf.d[3];
    if (!has_shape(w1, {4, channels, channels})) {
        return "input w1 has shape " + text_of(w1) + ", expected [4,C,C] with C = " + std::to_string(channels)
               + kWhatToDo;
    }
    if (!has_shape(w2, {4, 2, channels, channels})) {
        return "input w2 has shape " + text_of(w2) + ", expected [4,2,C,C] with C = " + std::to_string(channels)
               + kWhatToDo;
    }
    return {};
}

}  // namespace isfp
