// A context in which real threads of the host run the kernels' bodies: one std::thread for each thread of each block,
// all at once, with the same barriers as on the device. Thread sanitizer sees every access that a missing barrier
// leaves unordered.
#pragma once

#include <barrier>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "../core/scalar.h"
#include "host_half.h"

namespace isfp {

// Which barrier to leave out, to show that the sanitizer looks.
enum class Dropped { nothing, block_barrier, path_barrier };

// What 32 threads that form a warp share: the operands of one matrix instruction.
struct HostWarp {
    HostWarp() : all(32) {}
    std::barrier<> all;
    std::uint32_t a[32][4] = {};
    std::uint32_t b[32][2] = {};
};

struct HostBlock {
    HostBlock(int threads, std::size_t shared_bytes) : all(threads), shared(shared_bytes / sizeof(Chunk<float>) + 1) {
        std::memset(shared.data(), 0xFF, shared.size() * sizeof(Chunk<float>));  // NaN: shared memory starts undefined
        for (int warp = 0; warp < (threads + 31) / 32; ++warp) {
            warps.push_back(std::make_unique<HostWarp>());
        }
    }
    std::barrier<> all;
    std::vector<Chunk<float>> shared;  // chunks, for their alignment
    std::vector<std::unique_ptr<HostWarp>> warps;
};

struct HostPlace {
    int slice;
    int group;
    int path;
    int thread;
    int threads;
};

class HostContext {
public:
#if defined(ISFP_DEVICE_PART)
    // The part of a tile that a thread of a device has: blocks need two threads for each channel of their slice.
    static constexpr int kColumns = 1;
    static constexpr int kRows = 8;
#else
    // The part of a tile that a thread has at most: a lone thread of a block has all of it.
    static constexpr int kColumns = 128;
    static constexpr int kRows = 16;
#endif

    HostContext(HostPlace place, HostBlock& block, std::barrier<>& path, Dropped dropped)
        : place_(place), block_(block), path_(path), dropped_(dropped) {}

    int slice() const { return place_.slice; }
    int group() const { return place_.group; }
    int path() const { return place_.path; }
    int thread() const { return place_.thread; }
    int threads() const { return place_.threads; }
    void* shared() { return block_.shared.data(); }

    void sync() {
        if (dropped_ != Dropped::block_barrier) {
            block_.all.arrive_and_wait();
        }
    }

    // All blocks of this block's path and group.
    void meet_path() {
        if (dropped_ != Dropped::path_barrier) {
            path_.arrive_and_wait();
        } else {
            sync();
        }
    }

    template <class Scalar>
    Chunk<Scalar> load(const Chunk<Scalar>* from) {
        return *from;
    }

    // sums += A @ B, as the PTX manual lays A [16,16], B [16,8] and the sums [16,8] out over the lanes: element i of a
    // lane's eight of A is at row g (+ 8 if i is 2, 3, 6 or 7) and column 2t + i % 2 (+ 8 from i = 4 on), element i of
    // its four of B at row 2t + i % 2 (+ 8 from i = 2 on) and column g, and sum i at row g (+ 8 from i = 2 on) and
    // column 2t + i % 2.
    void multiply(float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
        HostWarp& warp = *block_.warps[place_.thread / 32];
        const int lane = place_.thread % 32;
        for (int i = 0; i < 4; ++i) {
            warp.a[lane][i] = a[i];
        }
        for (int i = 0; i < 2; ++i) {
            warp.b[lane][i] = b[i];
        }
        warp.all.arrive_and_wait();
        for (int i = 0; i < 4; ++i) {
            const int row = lane / 4 + (i >= 2 ? 8 : 0);
            const int column = lane % 4 * 2 + i % 2;
            for (int k = 0; k < 16; ++k) {
                sums[i] += element_of_a(warp, row, k) * element_of_b(warp, k, column);
            }
        }
        warp.all.arrive_and_wait();
    }

private:
    static float half_of(std::uint32_t pair, int index) {
        return to_float(HostHalf{static_cast<std::uint16_t>(pair >> (16 * index))});
    }

    static float element_of_a(const HostWarp& warp, int row, int column) {
        const int lane = row % 8 * 4 + column % 8 / 2;
        const int i = (row >= 8 ? 2 : 0) + (column >= 8 ? 4 : 0) + column % 2;
        return half_of(warp.a[lane][i / 2], i % 2);
    }

    static float element_of_b(const HostWarp& warp, int row, int column) {
        const int lane = column * 4 + row % 8 / 2;
        const int i = (row >= 8 ? 2 : 0) + row % 2;
        return half_of(warp.b[lane][i / 2], i % 2);
    }

    HostPlace place_;
    HostBlock& block_;
    std::barrier<>& path_;
    Dropped dropped_;
};

}  // namespace isfp
