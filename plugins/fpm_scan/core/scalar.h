// Storage types: what tensors hold. Arithmetic is always float; a 16-bit type adds its own overloads of these two.
#pragma once

#include "portable.h"

namespace isfp {

ISFP_FUNCTION float to_float(float value) { return value; }

ISFP_FUNCTION void store(float* target, float value) { *target = value; }

// 16 bytes: the widest load that a thread can do.
template <class Scalar>
struct alignas(16) Chunk {
    static constexpr int kLength = 16 / sizeof(Scalar);
    Scalar value[kLength];
};

}  // namespace isfp
