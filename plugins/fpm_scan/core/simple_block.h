// The slower path, for whatever the fast one does not fit: one block takes one path of one phrase, reads the weights
// from global memory and needs neither shared memory nor other blocks.
#pragma once

#include <cstddef>

#include "arguments.h"
#include "scalar.h"

namespace isfp {

template <class Scalar, class Context>
class SimpleBlock {
public:
    ISFP_FUNCTION SimpleBlock(Context& context, const Arguments<Scalar>& arguments)
        : context_(context),
          at_(arguments),
          path_(arguments.first_path + context.path()),
          cells_(arguments.shape.size * arguments.shape.size),
          isf_(arguments.isf + static_cast<std::size_t>(context.group()) * cells_ * arguments.shape.channels),
          state_(
              arguments.state
              + (static_cast<std::size_t>(path_) * arguments.shape.phrases + context.group()) * cells_
                    * arguments.shape.channels) {}

    ISFP_FUNCTION void run() {
        project();
        for (int direction = 0; direction < kDirections; ++direction) {
            scan(direction);
        }
    }

private:
    // state = isf @ w1[path] (Eq. 3).
    ISFP_FUNCTION void project() {
        const int channels = at_.shape.channels;
        const Scalar* weights = matrix(at_.w1, path_);
        for (int e = context_.thread(); e < cells_ * channels; e += context_.threads()) {
            const Scalar* isf = isf_ + e / channels * channels;
            float sum = 0.0F;
            for (int k = 0; k < channels; ++k) {
                sum += to_float(isf[k]) * to_float(weights[static_cast<std::size_t>(k) * channels + e % channels]);
            }
            state_[e] = sum;
        }
        context_.sync();
    }

    // h = act(v + alpha * incoming @ w2) (Eq. 2), one anti-diagonal after the other, in place.
    ISFP_FUNCTION void scan(int direction) {
        const Walk walk = walk_of(path_, direction, at_.shape.size);
        const int channels = at_.shape.channels;
        const int size = at_.shape.size;
        const Scalar* weights = matrix(at_.w2, path_ * kDirections + direction);
        for (int d = 0; d < diagonals(size); ++d) {
            const Diagonal diagonal = diagonal_of(size, d);
            for (int e = context_.thread(); e < diagonal.length * channels; e += context_.threads()) {
                const int a = diagonal.first + e / channels;
                const int b = d - a;
                const int column = e % channels;
                const float* up = a > 0 ? hidden(walk, a - 1, b) : nullptr;
                const float* left = b > 0 ? hidden(walk, a, b - 1) : nullptr;
                const float* both = a > 0 && b > 0 ? hidden(walk, a - 1, b - 1) : nullptr;
                float sum = 0.0F;
                for (int k = 0; k < channels && d > 0; ++k) {
                    const float incoming = (up ? up[k] : 0.0F) + (left ? left[k] : 0.0F) + (both ? both[k] : 0.0F);
                    sum += incoming * to_float(weights[static_cast<std::size_t>(k) * channels + column]);
                }
                float* own = hidden(walk, a, b) + column;
                *own = activate(at_.attributes, *own + at_.attributes.alpha * sum);
            }
            context_.sync();
        }
    }

    ISFP_FUNCTION const Scalar* matrix(const Scalar* matrices, int index) const {
        return matrices + static_cast<std::size_t>(index) * at_.shape.channels * at_.shape.channels;
    }

    ISFP_FUNCTION float* hidden(const Walk& walk, int a, int b) const {
        return state_ + static_cast<std::size_t>(cell_index(walk, a, b)) * at_.shape.channels;
    }

    Context& context_;
    const Arguments<Scalar>& at_;
    const int path_;
    const int cells_;
    const Scalar* const isf_;
    float* const state_;
};

}  // namespace isfp
