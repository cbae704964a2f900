// Filling the tile in shared memory from tensors in global memory.
#pragma once

#include <cstddef>

#include "scalar.h"
#include "tile.h"

namespace isfp {

// 16 bytes of a row of `columns` elements, from column `at` on; zeros behind its end. One 16-byte load where rows are
// multiples of 16 bytes.
template <class Scalar, class Context>
ISFP_FUNCTION Chunk<Scalar> load_chunk(Context& context, const Scalar* row, int at, int columns) {
    constexpr int kLength = Chunk<Scalar>::kLength;
    Chunk<Scalar> chunk = {};
    if (columns % kLength == 0) {
        if (at < columns) {
            chunk = context.load(reinterpret_cast<const Chunk<Scalar>*>(row + at));
        }
    } else {
        for (int i = 0; i < smaller(kLength, columns - at); ++i) {
            chunk.value[i] = row[at + i];
        }
    }
    return chunk;
}

// Columns [first, first + slice) of `source` [channels, channels], transposed, zeros outside.
template <class Scalar, class Context>
ISFP_FUNCTION void stage_weights(
    Context& context, Scalar* weights, const Tile& tile, const Scalar* source, int channels, int first) {
    constexpr int kLength = Chunk<Scalar>::kLength;
    const int chunks = tile.slice / kLength * tile.depth;
    for (int e = context.thread(); e < chunks; e += context.threads()) {
        const int k = e % tile.depth;
        const int column = e / tile.depth * kLength;
        Chunk<Scalar> chunk = {};
        if (k < channels) {
            chunk = load_chunk(context, source + static_cast<std::size_t>(k) * channels, first + column, channels);
        }
        for (int i = 0; i < kLength; ++i) {
            weights[(column + i) * tile.pitch + k] = chunk.value[i];
        }
    }
}

// `count` <= 16 rows of `source` [count, columns], zeros behind `columns`. Rows from `count` on keep what they had:
// nobody reads their product.
template <class Scalar, class Context>
ISFP_FUNCTION void stage_rows(
    Context& context, Scalar* rows, const Tile& tile, const Scalar* source, int count, int columns) {
    constexpr int kLength = Chunk<Scalar>::kLength;
    const int chunks = tile.depth / kLength;
    for (int e = context.thread(); e < count * chunks; e += context.threads()) {
        const int row = e / chunks;
        const int at = e % chunks * kLength;
        *reinterpret_cast<Chunk<Scalar>*>(rows + row * tile.pitch + at) =
            load_chunk(context, source + static_cast<std::size_t>(row) * columns, at, columns);
    }
}

}  // namespace isfp
