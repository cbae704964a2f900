// The operator's shape, attributes and activation (docs/architecture.md, "The FPM scan").
#pragma once

#include <cmath>

#include "portable.h"

namespace isfp {

enum class Activation : int { tanh = 0, leaky_relu = 1 };

struct Attributes {
    float alpha = 0.0F;
    Activation activation = Activation::tanh;
    float slope = 0.0F;
};

struct Shape {
    int phrases = 0;   // P
    int size = 0;      // S
    int channels = 0;  // C
};

ISFP_FUNCTION float activate(const Attributes& attributes, float x) {
    if (attributes.activation == Activation::tanh) {
        return tanhf(x);
    }
    return x >= 0.0F ? x : attributes.slope * x;
}

}  // namespace isfp
