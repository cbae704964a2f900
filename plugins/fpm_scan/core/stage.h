// Filling the tile in shared memory from tensors in global memory. A thread asks for several pieces before it stores
// the first, because a piece is on its way for hundreds of cycles.
#pragma once

#include <cstddef>

#include "scalar.h"
#include "thread_part.h"
#include "tile.h"

namespace isfp {

// 16 bytes of a row of `columns` elements, from column `at` on; zeros behind its end. `kWhole`: rows are multiples of
// 16 bytes, so one load does.
template <bool kWhole, class Scalar, class Context>
ISFP_FUNCTION Chunk<Scalar> load_chunk(Context& context, const Scalar* row, int at, int columns) {
    Chunk<Scalar> chunk = {};
    if (kWhole) {
        if (at < columns) {
            chunk = context.load(reinterpret_cast<const Chunk<Scalar>*>(row + at));
        }
    } else {
        for (int i = 0; i < smaller(Chunk<Scalar>::kLength, columns - at); ++i) {
            chunk.value[i] = row[at + i];
        }
    }
    return chunk;
}

// `stage_weights`, `kBatch` chunks at a time.
template <bool kWhole, int kBatch, class Scalar, class Context>
ISFP_FUNCTION void stage_columns(
    Context& context,
    Scalar* weights,
    const Tile& tile,
    const ThreadPart& part,
    const Scalar* source,
    int channels,
    int first) {
    constexpr int kLength = Chunk<Scalar>::kLength;
    for (int k = part.inner; k < tile.depth; k += part.inner_step) {
        const Scalar* row = source + static_cast<std::size_t>(k) * channels;
        for (int column = part.outer * kLength; column < tile.slice; column += kBatch * part.outer_step * kLength) {
            Chunk<Scalar> batch[kBatch] = {};
            ISFP_UNROLL
            for (int i = 0; i < kBatch; ++i) {
                const int at = column + i * part.outer_step * kLength;
                if (at < tile.slice && k < channels) {
                    batch[i] = load_chunk<kWhole>(context, row, first + at, channels);
                }
            }
            ISFP_UNROLL
            for (int i = 0; i < kBatch; ++i) {
                const int at = column + i * part.outer_step * kLength;
                for (int j = 0; j < kLength && at < tile.slice; ++j) {
                    weights[(at + j) * tile.pitch + k] = batch[i].value[j];
                }
            }
        }
    }
}

// Columns [first, first + slice) of `source` [channels, channels], transposed, zeros outside.
template <class Scalar, class Context>
ISFP_FUNCTION void stage_weights(
    Context& context, Scalar* weights, const Tile& tile, const Scalar* source, int channels, int first) {
    const ThreadPart part = part_of(context.thread(), context.threads(), tile.depth);  // of [chunks, depth]
    if (channels % Chunk<Scalar>::kLength == 0) {
        stage_columns<true, 2>(context, weights, tile, part, source, channels, first);
    } else {
        stage_columns<false, 1>(context, weights, tile, part, source, channels, first);
    }
}

// `stage_rows`, `kBatch` chunks at a time.
template <bool kWhole, int kBatch, class Scalar, class Context>
ISFP_FUNCTION void stage_chunks(
    Context& context,
    Scalar* rows,
    const Tile& tile,
    const ThreadPart& part,
    const Scalar* source,
    int count,
    int columns) {
    constexpr int kLength = Chunk<Scalar>::kLength;
    for (int at = part.inner * kLength; at < tile.depth; at += part.inner_step * kLength) {
        for (int first = part.outer; first < count; first += kBatch * part.outer_step) {
            Chunk<Scalar> batch[kBatch] = {};
            ISFP_UNROLL
            for (int i = 0; i < kBatch; ++i) {
                const int row = first + i * part.outer_step;
                if (row < count) {
                    batch[i] =
                        load_chunk<kWhole>(context, source + static_cast<std::size_t>(row) * columns, at, columns);
                }
            }
            ISFP_UNROLL
            for (int i = 0; i < kBatch; ++i) {
                const int row = first + i * part.outer_step;
                if (row < count) {
                    *reinterpret_cast<Chunk<Scalar>*>(rows + row * tile.pitch + at) = batch[i];
                }
            }
        }
    }
}

// `count` <= 16 rows of `source` [count, columns], zeros behind `columns`. Rows from `count` on keep what they had:
// nobody reads their product. `part`: of [rows, chunks].
template <class Scalar, class Context>
ISFP_FUNCTION void stage_rows(
    Context& context,
    Scalar* rows,
    const Tile& tile,
    const ThreadPart& part,
    const Scalar* source,
    int count,
    int columns) {
    if (columns % Chunk<Scalar>::kLength == 0) {
        stage_chunks<true, 4>(context, rows, tile, part, source, count, columns);
    } else {
        stage_chunks<false, 1>(context, rows, tile, part, source, count, columns);
    }
}

}  // namespace isfp
