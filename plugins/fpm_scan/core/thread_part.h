// Which threads take which part of a table, so that a thread divides once for the whole kernel and not once an element.
#pragma once

#include "portable.h"

namespace isfp {

// A thread's elements of a table [outer, inner] whose inner index runs fastest over the threads: inner + i *
// inner_step, and of each of these outer + i * outer_step. Threads that are too many for whole inner rows take nothing.
struct ThreadPart {
    int inner;
    int inner_step;
    int outer;
    int outer_step;
};

ISFP_FUNCTION ThreadPart part_of(int thread, int threads, int inner) {
    const int outer_step = larger(1, threads / inner);
    const int outer = thread / inner;
    return {outer < outer_step ? thread - outer * inner : inner, threads, outer, outer_step};
}

}  // namespace isfp
