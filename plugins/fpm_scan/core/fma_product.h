// product = rows @ weights^T with plain fused multiply-adds: exact FP32, and the check of the tensor-core form in the
// tests. Only as many rows as there are, to the next four: an anti-diagonal of a 13 x 13 grid has 6.8 of a tile's 16 in
// the mean.
#pragma once

#include "scalar.h"
#include "tile.h"

namespace isfp {

struct FmaProduct {
    template <class Scalar, class Context>
    static ISFP_FUNCTION void run(Context& context, const TileMemory<Scalar>& memory, const Tile& tile, int rows_used) {
        constexpr int kLength = Chunk<Scalar>::kLength;
        constexpr int kRows = 4;  // a thread's rows: each loaded weight serves four products
        for (int e = context.thread(); e < tile.slice * divide_up(rows_used, kRows); e += context.threads()) {
            const int column = e & (tile.slice - 1);
            const int row = (e >> tile.slice_log2) * kRows;
            const Scalar* weights = memory.weights + column * tile.pitch;
            const Scalar* rows = memory.rows + row * tile.pitch;
            float sum[kRows] = {};
            ISFP_UNROLL_BY(2)
            for (int k = 0; k < tile.depth; k += kLength) {
                const Chunk<Scalar> w = *reinterpret_cast<const Chunk<Scalar>*>(weights + k);
                for (int r = 0; r < kRows; ++r) {
                    const Chunk<Scalar> x = *reinterpret_cast<const Chunk<Scalar>*>(rows + r * tile.pitch + k);
                    for (int i = 0; i < kLength; ++i) {
                        sum[r] += to_float(x.value[i]) * to_float(w.value[i]);
                    }
                }
            }
            for (int r = 0; r < kRows; ++r) {
                memory.product[(row + r) * tile.product_pitch + column] = sum[r];
            }
        }
    }
};

}  // namespace isfp
