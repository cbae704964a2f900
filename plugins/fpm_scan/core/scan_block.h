// The fast path, as one block runs it: a block owns a slice of the output channels of one path, for a group of phrases.
// Its slice of the weights stays in shared memory for a whole direction. On each anti-diagonal it
//   1. sums the incoming hidden states of its own channels, for which it needs no other block's states, and publishes
//   the sums;
//   2. meets the other blocks of its path at a barrier, so that the sums of all channels are there;
//   3. multiplies them, 16 rows at a time, with its weights, and makes its channels' new hidden states of them, in
//   place.
// The exchange has two halves, used in turn: a block that writes the next anti-diagonal has passed the barrier behind
// which everyone had read the one before the last. A block that owns all channels of its path sums straight into its
// tile instead and meets nobody.
#pragma once

#include <cstddef>

#include "arguments.h"
#include "stage.h"

namespace isfp {

template <class Product, class Scalar, class Context>
class ScanBlock {
public:
    ISFP_FUNCTION ScanBlock(Context& context, const Arguments<Scalar>& arguments)
        : context_(context),
          at_(arguments),
          tile_(tile_of(arguments.slice_log2, arguments.shape.channels, sizeof(Scalar))),
          memory_(context.shared(), tile_),
          path_(arguments.first_path + context.path()),
          first_channel_(context.slice() << arguments.slice_log2),
          first_phrase_(context.group() * arguments.phrases_per_group),
          phrases_(smaller(arguments.phrases_per_group, arguments.shape.phrases - first_phrase_)) {}

    ISFP_FUNCTION void run() {
        project();
        for (int direction = 0; direction < kDirections; ++direction) {
            scan(direction);
        }
    }

private:
    // state = isf @ w1[path] (Eq. 3) for the block's channels.
    ISFP_FUNCTION void project() {
        const int channels = at_.shape.channels;
        const int cells = phrases_ * at_.shape.size * at_.shape.size;
        const auto first = static_cast<std::size_t>(first_phrase_) * at_.shape.size * at_.shape.size;
        stage_weights(context_, memory_.weights, tile_, matrix(at_.w1, path_), channels, first_channel_);
        for (int cell = 0; cell < cells; cell += kTileRows) {
            const int rows = smaller(kTileRows, cells - cell);
            stage_rows(context_, memory_.rows, tile_, at_.isf + (first + cell) * channels, rows, channels);
            context_.sync();
            Product::run(context_, memory_, tile_);
            context_.sync();
            for (int e = context_.thread(); e < rows << tile_.slice_log2; e += context_.threads()) {
                const int row = e >> tile_.slice_log2;
                const int column = e & (tile_.slice - 1);
                if (first_channel_ + column < channels) {
                    *state(0, static_cast<int>(first) + cell + row, column) =
                        memory_.product[row * tile_.product_pitch + column];
                }
            }
        }
        context_.sync();
    }

    ISFP_FUNCTION void scan(int direction) {
        const Direction turned = direction_of(path_, direction);
        const int channels = at_.shape.channels;
        stage_weights(
            context_, memory_.weights, tile_, matrix(at_.w2, path_ * kDirections + direction), channels,
            first_channel_);
        for (int d = 0; d < diagonals(at_.shape.size); ++d) {
            const Diagonal diagonal = diagonal_of(at_.shape.size, d);
            if (d > 0 && at_.slices > 1) {
                sum_incoming(turned, d, diagonal, 0, phrases_ * diagonal.length, exchange(d, 0), tile_.depth);
                context_.meet_path();
            }
            advance(turned, d, diagonal);
            context_.sync();
        }
    }

    // target [rows, pitch] = sums of the hidden states that come into `rows` cells of anti-diagonal d, from row `first`
    // of the group on, for the block's channels; zeros in the padding.
    ISFP_FUNCTION void sum_incoming(
        Direction turned, int d, Diagonal diagonal, int first, int rows, Scalar* target, int pitch) {
        const int size = at_.shape.size;
        for (int e = context_.thread(); e < rows << tile_.slice_log2; e += context_.threads()) {
            const int row = e >> tile_.slice_log2;
            const int column = e & (tile_.slice - 1);
            const int phrase = first_phrase_ + (first + row) / diagonal.length;
            const int a = diagonal.first + (first + row) % diagonal.length;
            const int b = d - a;
            float sum = 0.0F;
            if (first_channel_ + column < at_.shape.channels) {
                if (a > 0) {
                    sum += *state(phrase, cell_index(turned, size, a - 1, b), column);
                }
                if (b > 0) {
                    sum += *state(phrase, cell_index(turned, size, a, b - 1), column);
                }
                if (a > 0 && b > 0) {
                    sum += *state(phrase, cell_index(turned, size, a - 1, b - 1), column);
                }
            }
            if (first_channel_ + column < tile_.depth) {
                store(target + static_cast<std::size_t>(row) * pitch + first_channel_ + column, sum);
            }
        }
    }

    // h = act(v + alpha * incoming @ w2) (Eq. 2) for the cells of anti-diagonal d and the block's channels.
    ISFP_FUNCTION void advance(Direction turned, int d, Diagonal diagonal) {
        const int all = phrases_ * diagonal.length;
        for (int tile_row = 0; tile_row < all; tile_row += kTileRows) {
            const int rows = smaller(kTileRows, all - tile_row);
            if (d > 0) {
                if (at_.slices > 1) {
                    stage_rows(context_, memory_.rows, tile_, exchange(d, tile_row), rows, tile_.depth);
                } else {
                    sum_incoming(turned, d, diagonal, tile_row, rows, memory_.rows, tile_.pitch);
                }
                context_.sync();
                Product::run(context_, memory_, tile_);
                context_.sync();
            }
            for (int e = context_.thread(); e < rows << tile_.slice_log2; e += context_.threads()) {
                const int row = e >> tile_.slice_log2;
                const int column = e & (tile_.slice - 1);
                if (first_channel_ + column < at_.shape.channels) {
                    const int phrase = first_phrase_ + (tile_row + row) / diagonal.length;
                    const int a = diagonal.first + (tile_row + row) % diagonal.length;
                    float* hidden = state(phrase, cell_index(turned, at_.shape.size, a, d - a), column);
                    const float incoming = d > 0 ? memory_.product[row * tile_.product_pitch + column] : 0.0F;
                    *hidden = activate(at_.attributes, *hidden + at_.attributes.alpha * incoming);
                }
            }
        }
    }

    ISFP_FUNCTION const Scalar* matrix(const Scalar* matrices, int index) const {
        return matrices + static_cast<std::size_t>(index) * at_.shape.channels * at_.shape.channels;
    }

    ISFP_FUNCTION float* state(int phrase, int cell, int column) const {
        const int cells = at_.shape.size * at_.shape.size;
        const auto row = (static_cast<std::size_t>(path_) * at_.shape.phrases + phrase) * cells + cell;
        return at_.state + row * at_.shape.channels + first_channel_ + column;
    }

    // Row `row` of the half of the group's exchange that anti-diagonal d uses.
    ISFP_FUNCTION Scalar* exchange(int d, int row) const {
        const auto group = (static_cast<std::size_t>(path_) * at_.shape.phrases + first_phrase_) * 2 * at_.shape.size;
        return at_.exchange + (group + (d & 1) * phrases_ * at_.shape.size + row) * tile_.depth;
    }

    Context& context_;
    const Arguments<Scalar>& at_;
    const Tile tile_;
    const TileMemory<Scalar> memory_;
    const int path_;
    const int first_channel_;
    const int first_phrase_;
    const int phrases_;
};

}  // namespace isfp
