// The context in which a thread of the device runs the kernels' bodies; host/host_context.h is its twin.
#pragma once

#include <cuda_fp16.h>

#include <cstdint>

#include "../core/scalar.h"

namespace isfp {

// A type of this namespace, so that the bodies find its overloads.
struct DeviceHalf {
    __half value;
};

__device__ __forceinline__ float to_float(DeviceHalf half) { return __half2float(half.value); }
__device__ __forceinline__ void store(DeviceHalf* target, float value) { target->value = __float2half_rn(value); }

// blockIdx is (slice, group, path).
class DeviceContext {
public:
    // The part of a tile that a thread has: launches give a block two threads for each channel of its slice.
    static constexpr int kColumns = 1;
    static constexpr int kRows = 8;

    __device__ DeviceContext(void* shared, unsigned* arrivals) : shared_(shared), arrivals_(arrivals) {}

    __device__ int slice() const { return static_cast<int>(blockIdx.x); }
    __device__ int group() const { return static_cast<int>(blockIdx.y); }
    __device__ int path() const { return static_cast<int>(blockIdx.z); }
    __device__ int thread() const { return static_cast<int>(threadIdx.x); }
    __device__ int threads() const { return static_cast<int>(blockDim.x); }
    __device__ void* shared() { return shared_; }
    __device__ void sync() { __syncthreads(); }

    // All blocks of this block's path and group. What the block wrote before is released by one thread and acquired by
    // one thread of each other block; the barriers of the blocks hand both on. The counter only grows, so that no reset
    // can race with a late reader.
    __device__ void meet_path() {
        __syncthreads();
        if (gridDim.x > 1) {
            if (threadIdx.x == 0) {
                expected_ += gridDim.x;
                asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(arrivals_) : "memory");
                unsigned arrived = 0;
                do {
                    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(arrived) : "l"(arrivals_) : "memory");
                } while (arrived < expected_);
            }
            __syncthreads();
        }
    }

    // From L2: the first-level cache may hold what another block has since overwritten.
    template <class Scalar>
    __device__ Chunk<Scalar> load(const Chunk<Scalar>* from) {
        union {
            int4 bits;
            Chunk<Scalar> chunk;
        } both = {__ldcg(reinterpret_cast<const int4*>(from))};
        return both.chunk;
    }

    // sums += A @ B, one warp's m16n8k16; see core/fragment_product.h for what each lane holds.
    __device__ void multiply(float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, "
            "%2, %3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }

private:
    void* shared_;
    unsigned* arrivals_;
    unsigned expected_ = 0;
};

}  // namespace isfp
