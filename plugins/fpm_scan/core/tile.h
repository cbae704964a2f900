// Shared memory of one block of the fast path: a slice of a weight matrix, one tile of rows, and their product.
#pragma once

#include <cstddef>

#include "portable.h"

namespace isfp {

constexpr int kTileRows = 16;   // rows of one tensor-core tile; a 13 x 13 grid's longest anti-diagonal fits
constexpr int kTileDepth = 16;  // its depth: channels are padded to a multiple with zeros

struct Tile {
    int slice;  // output channels that the block owns, a power of two >= 32
    int slice_log2;
    int depth;  // input channels, padded
    int pitch;  // elements between two rows of `weights` and of `rows`; 16 bytes of padding keep the banks apart
    int product_pitch;  // floats between two rows of `product`; padded where fragments write eight rows at once
};

ISFP_FUNCTION constexpr int padded_depth(int channels) { return round_up(channels, kTileDepth); }

ISFP_FUNCTION constexpr Tile tile_of(int slice_log2, int channels, int scalar_bytes) {
    const int slice = 1 << slice_log2;
    const int depth = padded_depth(channels);
    const bool fragments = scalar_bytes == 2;
    return {slice, slice_log2, depth, depth + 16 / scalar_bytes, slice + (fragments ? 8 : 0)};
}

ISFP_FUNCTION constexpr std::size_t weights_bytes(const Tile& tile, int scalar_bytes) {
    return static_cast<std::size_t>(tile.slice) * tile.pitch * scalar_bytes;
}

ISFP_FUNCTION constexpr std::size_t rows_bytes(const Tile& tile, int scalar_bytes) {
    return static_cast<std::size_t>(kTileRows) * tile.pitch * scalar_bytes;
}

ISFP_FUNCTION constexpr std::size_t shared_bytes(const Tile& tile, int scalar_bytes) {
    return weights_bytes(tile, scalar_bytes) + rows_bytes(tile, scalar_bytes)
           + sizeof(float) * kTileRows * tile.product_pitch;
}

// The three parts in the block's shared memory: weights [slice, pitch] (transposed: a row holds what one output channel
// weighs), rows [16, pitch], product [16, product_pitch].
template <class Scalar>
struct TileMemory {
    Scalar* weights;
    Scalar* rows;
    float* product;

    ISFP_FUNCTION TileMemory(void* shared, const Tile& tile)
        : weights(static_cast<Scalar*>(shared)),
          rows(weights + static_cast<std::size_t>(tile.slice) * tile.pitch),
          product(reinterpret_cast<float*>(rows + static_cast<std::size_t>(kTileRows) * tile.pitch)) {}
};

}  // namespace isfp
