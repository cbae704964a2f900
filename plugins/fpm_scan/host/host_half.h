// IEEE half precision for compilers that have none: bits in, float out, and back, rounded to the nearest even.
#pragma once

#include <cstdint>
#include <cstring>

namespace isfp {

struct HostHalf {
    std::uint16_t bits = 0;
};

inline float to_float(HostHalf half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half.bits & 0x8000U) << 16;
    const std::uint32_t exponent = half.bits >> 10 & 0x1FU;
    const std::uint32_t fraction = half.bits & 0x3FFU;
    if (exponent == 0) {  // zero and subnormal numbers: fraction * 2^-24, exact in float
        const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
        return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t rebased = exponent == 0x1F ? 0xFFU : exponent + 112;
    const std::uint32_t bits = sign | rebased << 23 | fraction << 13;
    float value = 0.0F;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

inline HostHalf to_half(float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    const auto with_sign = [sign](std::uint32_t half) { return HostHalf{static_cast<std::uint16_t>(sign | half)}; };
    if (magnitude > 0x7F800000U) {
        return with_sign(0x7E00U);  // NaN
    }
    if (magnitude >= 0x477FF000U) {
        return with_sign(0x7C00U);  // 65520 and more round to infinity
    }
    // A half's last bit weighs 2^-10 of its power of two, and never less than 2^-24.
    const int exponent = static_cast<int>(magnitude >> 23);
    const int shift = exponent >= 113 ? 13 : 126 - exponent;
    if (shift > 25) {
        return with_sign(0);
    }
    const std::uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U;
    std::uint32_t half = fraction >> shift;
    const std::uint32_t rest = fraction & ((1U << shift) - 1);
    const std::uint32_t middle = 1U << (shift - 1);
    half += rest > middle || (rest == middle && (half & 1U) != 0) ? 1 : 0;
    if (exponent >= 113) {  // a carry runs on into the exponent, as it should
        half += static_cast<std::uint32_t>(exponent - 113) << 10;
    }
    return with_sign(half);
}

inline void store(HostHalf* target, float value) { *target = to_half(value); }

}  // namespace isfp
