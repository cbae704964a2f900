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
//
// A thread has the same column of every tile, and every other row of it: the context says how many of each, so that the
// loops over them have fixed lengths on a device and all loads of a step are on their way at once. What a tile starts
// from (v, or h of the first direction) is asked for while the tile before it is multiplied.
#pragma once

#include <cstddef>

#include "arguments.h"
#include "diagonal_tile.h"
#include "stage.h"
#include "thread_part.h"

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
          phrases_(smaller(arguments.phrases_per_group, arguments.shape.phrases - first_phrase_)),
          of_chunks_(part_of(context.thread(), context.threads(), tile_.depth / Chunk<Scalar>::kLength)),
          of_tile_(part_of(context.thread(), context.threads(), tile_.slice)),
          states_(
              arguments.state
              + static_cast<std::size_t>(path_ * arguments.shape.phrases + first_phrase_) * cells()
                    * arguments.shape.channels
              + first_channel_) {}

    ISFP_FUNCTION void run() {
        project();
        for (int direction = 0; direction < kDirections; ++direction) {
            scan(direction);
        }
    }

private:
    // A number for each cell of a tile that a thread has.
    struct Numbers {
        float of[Context::kColumns][Context::kRows];
    };

    struct Places {
        int first;
        int along;
        int to_phrase;
    };

    // state = isf @ w1[path] (Eq. 3) for the block's channels.
    ISFP_FUNCTION void project() {
        const int channels = at_.shape.channels;
        const int rows_of_group = phrases_ * cells();
        const Scalar* isf = at_.isf + static_cast<std::size_t>(first_phrase_) * cells() * channels;
        stage_weights(context_, memory_.weights, tile_, matrix(at_.w1, path_), channels, first_channel_);
        for (int first = 0; first < rows_of_group; first += kTileRows) {
            const int rows = smaller(kTileRows, rows_of_group - first);
            stage_rows(
                context_, memory_.rows, tile_, of_chunks_, isf + static_cast<std::size_t>(first) * channels, rows,
                channels);
            context_.sync();
            Product::run(context_, memory_, tile_, rows);
            context_.sync();
            store_numbers(products(rows), rows, channels, [&](int row, int column) {
                return states_ + ((first + row) * channels + column);
            });
        }
        context_.sync();
    }

    ISFP_FUNCTION void scan(int direction) {
        const Walk walk = walk_of(path_, direction, at_.shape.size);
        const int last = diagonals(at_.shape.size) - 1;
        stage_weights(
            context_, memory_.weights, tile_, matrix(at_.w2, path_ * kDirections + direction), at_.shape.channels,
            first_channel_);
        DiagonalTile next = first_tile(at_.shape.size, phrases_, 0);
        Numbers inputs = load_states(walk, next);
        for (int d = 0; d <= last; ++d) {
            if (d > 0 && at_.slices > 1) {
                publish_incoming(walk, next);
                context_.meet_path();
            }
            for (bool more = true; more;) {
                const DiagonalTile tile = next;
                const Numbers now = inputs;
                more = next_tile(next, phrases_);
                if (!more && d < last) {
                    next = first_tile(at_.shape.size, phrases_, d + 1);
                }
                if (d > 0) {
                    if (at_.slices > 1) {
                        stage_rows(context_, memory_.rows, tile_, of_chunks_, exchange(tile), tile.rows, tile_.depth);
                    } else {
                        sum_incoming(walk, tile, memory_.rows, tile_.pitch);
                    }
                    context_.sync();
                }
                if (more || d < last) {
                    inputs = load_states(walk, next);
                }
                if (d > 0) {
                    Product::run(context_, memory_, tile_, tile.rows);
                }
                // The product is there; and for d = 0, too, nobody still reads, in place of rows that are not there, a
                // cell that another thread advances.
                context_.sync();
                advance(walk, tile, now);
            }
            context_.sync();
        }
    }

    // What the cells of a tile start from.
    ISFP_FUNCTION Numbers load_states(const Walk& walk, const DiagonalTile& tile) {
        const Places places = places_of(walk, tile);
        return numbers_of(tile.rows, [&](int row, int column) { return states_[place_of(places, tile, row, column)]; });
    }

    // The sums of the hidden states that come into the cells of an anti-diagonal, for all blocks of the path. `tile`:
    // its first.
    ISFP_FUNCTION void publish_incoming(const Walk& walk, DiagonalTile tile) {
        do {
            sum_incoming(walk, tile, exchange(tile), tile_.depth);
        } while (next_tile(tile, phrases_));
    }

    // target [rows, pitch] = sums of the hidden states that come into the cells of a tile, for the block's channels;
    // zeros in the padding.
    ISFP_FUNCTION void sum_incoming(const Walk& walk, const DiagonalTile& tile, Scalar* target, int pitch) {
        const int up = -walk.down * at_.shape.channels;
        const int left = -walk.right * at_.shape.channels;
        const Places places = places_of(walk, tile);
        const int columns = smaller(tile_.slice, at_.shape.channels - first_channel_);
        Numbers sums = {};
        for_numbers(tile.rows, [&](int r, int c) {
            const int row = smaller(row_of(r), tile.rows - 1);
            const float* own = states_ + place_of(places, tile, row, smaller(column_of(c), columns - 1));
            const int a = a_of(tile, row);
            const bool below = a > 0;
            const bool beside = a < tile.index;
            const float from_up = own[below ? up : 0];
            const float from_left = own[beside ? left : 0];
            const float from_both = own[below && beside ? up + left : 0];
            const float sum =
                (below ? from_up : 0.0F) + (beside ? from_left : 0.0F) + (below && beside ? from_both : 0.0F);
            sums.of[c][r] = column_of(c) < columns ? sum : 0.0F;
        });
        store_numbers(sums, tile.rows, tile_.depth, [&](int row, int column) {
            return target + (row * pitch + first_channel_ + column);
        });
    }

    // h = act(v + alpha * incoming @ w2) (Eq. 2) for the cells of a tile and the block's channels.
    ISFP_FUNCTION void advance(const Walk& walk, const DiagonalTile& tile, const Numbers& inputs) {
        Numbers hidden = inputs;
        if (tile.index > 0) {
            const Numbers incoming = products(tile.rows);
            for_numbers(tile.rows, [&](int r, int c) { hidden.of[c][r] += at_.attributes.alpha * incoming.of[c][r]; });
        }
        for_numbers(tile.rows, [&](int r, int c) { hidden.of[c][r] = activate(at_.attributes, hidden.of[c][r]); });
        const Places places = places_of(walk, tile);
        store_numbers(hidden, tile.rows, at_.shape.channels, [&](int row, int column) {
            return states_ + place_of(places, tile, row, column);
        });
    }

    ISFP_FUNCTION Numbers products(int rows) {
        return numbers_of(
            rows, [&](int row, int column) { return memory_.product[row * tile_.product_pitch + column]; });
    }

    // Calls `work(r, c)` for the thread's r-th row and c-th column in a tile of `rows` rows, and for the rest of a
    // quarter of its rows: no branch but one that all threads take alike, and short anti-diagonals skip most.
    template <class Work>
    ISFP_FUNCTION void for_numbers(int rows, const Work& work) {
        constexpr int kStep = Context::kRows / 4;
        ISFP_UNROLL
        for (int first = 0; first < Context::kRows; first += kStep) {
            if (first * row_step() < rows) {
                for (int c = 0; c < columns_taken(); ++c) {
                    ISFP_UNROLL
                    for (int r = first; r < first + kStep; ++r) {
                        work(r, c);
                    }
                }
            }
        }
    }

    // `number(row, column)` for each cell that the thread has in a tile of `rows` rows. Those of other cells are never
    // stored; to have no branch, they are the number of a cell that is there.
    template <class Number>
    ISFP_FUNCTION Numbers numbers_of(int rows, const Number& number) {
        const int columns = smaller(tile_.slice, at_.shape.channels - first_channel_);
        Numbers numbers = {};
        for_numbers(rows, [&](int r, int c) {
            numbers.of[c][r] = number(smaller(row_of(r), rows - 1), smaller(column_of(c), columns - 1));
        });
        return numbers;
    }

    // Stores the numbers of the cells that the thread has in a tile of `rows` rows, as far as they lie before channel
    // `channels`, at `place(row, column)`.
    template <class Place>
    ISFP_FUNCTION void store_numbers(const Numbers& numbers, int rows, int channels, const Place& place) {
        const int columns = smaller(tile_.slice, channels - first_channel_);
        for_numbers(rows, [&](int r, int c) {
            const auto target = place(row_of(r), column_of(c));
            if (row_of(r) < rows && column_of(c) < columns) {
                store(target, numbers.of[c][r]);
            }
        });
    }

    ISFP_FUNCTION int row_of(int r) const { return of_tile_.outer + r * row_step(); }

    ISFP_FUNCTION int column_of(int c) const { return of_tile_.inner + c * of_tile_.inner_step; }

    // Columns that the thread has; 1 on a device.
    ISFP_FUNCTION int columns_taken() const {
        return Context::kColumns == 1 ? 1 : divide_up(tile_.slice - of_tile_.inner, of_tile_.inner_step);
    }

    ISFP_FUNCTION int row_step() const {
        return Context::kRows < kTileRows ? kTileRows / Context::kRows : of_tile_.outer_step;
    }

    // Scan coordinate a of the cell in a tile's row.
    ISFP_FUNCTION int a_of(const DiagonalTile& tile, int row) const {
        return tile.first + tile.begin + row - tile.phrases_before(row) * tile.length;
    }

    // Where in `states_` the cells of a tile lie: from row to row the same step, but for the step to the next phrase.
    ISFP_FUNCTION Places places_of(const Walk& walk, const DiagonalTile& tile) const {
        const int channels = at_.shape.channels;
        const int a = tile.first + tile.begin;
        const int along = (walk.down - walk.right) * channels;
        return {
            (tile.phrase * cells() + cell_index(walk, a, tile.index - a)) * channels, along,
            cells() * channels - tile.length * along};
    }

    ISFP_FUNCTION int place_of(const Places& places, const DiagonalTile& tile, int row, int column) const {
        return places.first + column + row * places.along + tile.phrases_before(row) * places.to_phrase;
    }

    ISFP_FUNCTION int cells() const { return at_.shape.size * at_.shape.size; }

    ISFP_FUNCTION const Scalar* matrix(const Scalar* matrices, int index) const {
        return matrices + static_cast<std::size_t>(index) * at_.shape.channels * at_.shape.channels;
    }

    // The tile's rows in the half of the group's exchange that its anti-diagonal uses.
    ISFP_FUNCTION Scalar* exchange(const DiagonalTile& tile) const {
        const auto group = (static_cast<std::size_t>(path_) * at_.shape.phrases + first_phrase_) * 2 * at_.shape.size;
        return at_.exchange + (group + (tile.index & 1) * phrases_ * at_.shape.size + tile.first_row()) * tile_.depth;
    }

    Context& context_;
    const Arguments<Scalar>& at_;
    const Tile tile_;
    const TileMemory<Scalar> memory_;
    const int path_;
    const int first_channel_;
    const int first_phrase_;
    const int phrases_;
    const ThreadPart of_chunks_;  // of [rows, chunks of a row]
    const ThreadPart of_tile_;    // of [rows, columns of the slice]
    float* const states_;         // of the group's first cell and the block's first channel
};

}  // namespace isfp
