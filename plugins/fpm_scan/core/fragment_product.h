// product = rows @ weights^T on tensor cores: FP16 operands, FP32 sums.
//
// The instruction is mma.m16n8k16 (PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type"): of lane l,
// with g = l / 4 and t = l % 4, A holds rows g and g + 8 at columns 2t, 2t + 1, 2t + 8, 2t + 9; B the same four depths
// of column g; the sums rows g and g + 8 of columns 2t and 2t + 1. `context.multiply` is that instruction; a host
// context does the same with 32 threads.
#pragma once

#include <cstdint>

#include "tile.h"

namespace isfp {

struct FragmentProduct {
    static constexpr int kColumns = 8;  // of one instruction
    static constexpr int kStrips = 2;   // instructions that share one A: fewer loads, and two chains of sums

    // All 16 rows, however many are used: the instruction has no fewer.
    template <class Scalar, class Context>
    static ISFP_FUNCTION void run(Context& context, const TileMemory<Scalar>& memory, const Tile& tile, int) {
        static_assert(sizeof(Scalar) == 2, "the fragments hold pairs of 16-bit numbers");
        const int lane = context.thread() % 32;
        const int group = lane / 4;
        const int pair = lane % 4 * 2;
        for (int column = context.thread() / 32 * kStrips * kColumns; column < tile.slice;
             column += context.threads() / 32 * kStrips * kColumns) {
            const Scalar* upper = memory.rows + group * tile.pitch + pair;
            const Scalar* lower = upper + 8 * tile.pitch;
            const Scalar* weights = memory.weights + (column + group) * tile.pitch + pair;
            float sums[kStrips][4] = {};
            ISFP_UNROLL_BY(4)
            for (int k = 0; k < tile.depth; k += kTileDepth) {
                const std::uint32_t a[4] = {two(upper + k), two(lower + k), two(upper + k + 8), two(lower + k + 8)};
                for (int strip = 0; strip < kStrips; ++strip) {
                    const Scalar* w = weights + strip * kColumns * tile.pitch + k;
                    const std::uint32_t b[2] = {two(w), two(w + 8)};
                    context.multiply(sums[strip], a, b);
                }
            }
            for (int strip = 0; strip < kStrips; ++strip) {
                float* product = memory.product + group * tile.product_pitch + column + strip * kColumns + pair;
                product[0] = sums[strip][0];
                product[1] = sums[strip][1];
                product[8 * tile.product_pitch] = sums[strip][2];
                product[8 * tile.product_pitch + 1] = sums[strip][3];
            }
        }
    }

private:
    // Two 16-bit numbers, whatever their type: one load.
    using Word [[gnu::may_alias]] = std::uint32_t;

    template <class Scalar>
    static ISFP_FUNCTION std::uint32_t two(const Scalar* at) {
        return *reinterpret_cast<const Word*>(at);
    }
};

}  // namespace isfp
