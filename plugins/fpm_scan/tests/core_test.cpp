// The parts of the scan that need neither threads nor a device: the walk over the grid, the launch that is chosen, the
// workspace, and the host's half precision.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

#include "../core/arguments.h"
#include "../core/diagonal_tile.h"
#include "../core/launch_choice.h"
#include "../core/thread_part.h"
#include "../host/host_half.h"
#include "check.h"

namespace {

using isfp::Device;
using isfp::LaunchPlan;
using isfp::Shape;

void every_cell_comes_after_its_incoming_neighbours() {
    for (int size : {1, 2, 3, 7, 10, 13, 16, 33}) {
        for (int path = 0; path < isfp::kPaths; ++path) {
            for (int direction = 0; direction < isfp::kDirections; ++direction) {
                const isfp::Walk walk = isfp::walk_of(path, direction, size);
                std::set<int> seen;
                for (int d = 0; d < isfp::diagonals(size); ++d) {
                    const isfp::Diagonal diagonal = isfp::diagonal_of(size, d);
                    for (int i = 0; i < diagonal.length; ++i) {
                        const int a = diagonal.first + i;
                        const int b = d - a;
                        CHECK(a >= 0 && a < size && b >= 0 && b < size);
                        CHECK(a == 0 || seen.count(isfp::cell_index(walk, a - 1, b)) == 1);
                        CHECK(b == 0 || seen.count(isfp::cell_index(walk, a, b - 1)) == 1);
                    }
                    for (int i = 0; i < diagonal.length; ++i) {
                        CHECK(seen.insert(isfp::cell_index(walk, diagonal.first + i, d - diagonal.first - i)).second);
                    }
                }
                CHECK(seen.size() == static_cast<std::size_t>(size * size));
            }
        }
    }
}

void tiles_take_every_cell_of_every_phrase_once() {
    for (const int size : {1, 2, 9, 13, 16, 17, 20, 33}) {
        for (int phrases = 1; phrases <= 9; ++phrases) {
            for (int d = 0; d < isfp::diagonals(size); ++d) {
                isfp::DiagonalTile tile = isfp::first_tile(size, phrases, d);
                int taken = 0;
                do {
                    CHECK(tile.rows > 0 && tile.rows <= isfp::kTileRows && tile.first_row() == taken);
                    for (int row = 0; row < tile.rows; ++row, ++taken) {
                        const int before = tile.phrases_before(row);
                        CHECK(tile.phrase + before == taken / tile.length);
                        CHECK(tile.begin + row - before * tile.length == taken % tile.length);
                    }
                } while (isfp::next_tile(tile, phrases));
                CHECK(taken == phrases * isfp::diagonal_of(size, d).length);
            }
        }
    }
}

void a_table_is_shared_so_that_each_element_is_taken_once() {
    for (const int threads : {1, 2, 3, 16, 64, 128, 256}) {
        for (const int inner : {2, 14, 32, 64, 100, 512}) {
            std::set<int> taken;
            for (int thread = 0; thread < threads; ++thread) {
                const isfp::ThreadPart part = isfp::part_of(thread, threads, inner);
                for (int i = part.inner; i < inner; i += part.inner_step) {
                    for (int o = part.outer; o < 16; o += part.outer_step) {
                        CHECK(taken.insert(o * inner + i).second);
                    }
                }
            }
            CHECK(taken.size() == static_cast<std::size_t>(16 * inner));
        }
    }
}

void first_cell_of_each_direction_is_its_corner() {
    const int size = 5;
    const int top_left = 0, top_right = 4, bottom_left = 20, bottom_right = 24;
    const int corners[isfp::kPaths][isfp::kDirections] = {
        {top_left, bottom_right},   // DR, UL
        {bottom_right, top_left},   // UL, DR
        {top_right, bottom_left},   // DL, UR
        {bottom_left, top_right}};  // UR, DL
    for (int path = 0; path < isfp::kPaths; ++path) {
        for (int direction = 0; direction < isfp::kDirections; ++direction) {
            CHECK(isfp::cell_index(isfp::walk_of(path, direction, size), 0, 0) == corners[path][direction]);
        }
    }
}

// Blocks on one multiprocessor, by shared memory and threads alone.
isfp::Occupancy occupancy_of(const Device& device) {
    return [device](int threads, std::size_t bytes) {
        return std::min(static_cast<int>((device.shared_bytes + 1024) / (bytes + 1024)), 1536 / threads);
    };
}

bool covers(const LaunchPlan& plan, const Shape& shape) {
    return plan.slices << plan.slice_log2 >= shape.channels && plan.groups * plan.phrases_per_group >= shape.phrases
           && (plan.groups - 1) * plan.phrases_per_group < shape.phrases && isfp::kPaths % plan.paths_per_launch == 0;
}

void plans_fit_the_device_and_cover_the_work() {
    for (const int multiprocessors : {1, 4, 8, 16, 28, 46, 128}) {
        for (const std::size_t shared :
             {std::size_t{48 << 10}, std::size_t{99 << 10}, std::size_t{163 << 10}, std::size_t{227 << 10}}) {
            const Device device{multiprocessors, shared, true};
            for (const int channels : {1, 24, 64, 100, 128, 200, 256, 384, 512, 1000, 2048}) {
                for (const int phrases : {1, 2, 3, 8, 50}) {
                    for (const int bytes : {2, 4}) {
                        const Shape shape{phrases, 13, channels};
                        const LaunchPlan plan = isfp::choose_launch(shape, bytes, device, occupancy_of(device));
                        CHECK(plan.threads > 0 && plan.threads <= 256);
                        if (!plan.fast) {
                            CHECK(plan.groups == phrases && plan.phrases_per_group == 1 && plan.shared_bytes == 0);
                            continue;
                        }
                        CHECK(plan.threads == 2 << plan.slice_log2);  // as a device's thread counts its part of a tile
                        CHECK(covers(plan, shape));
                        CHECK(plan.shared_bytes <= shared);
                        const int blocks = plan.slices * plan.groups * plan.paths_per_launch;
                        CHECK(
                            plan.slices == 1
                            || blocks <= multiprocessors * occupancy_of(device)(plan.threads, plan.shared_bytes));
                    }
                }
            }
        }
    }
}

void known_devices_get_the_fast_path() {
    const Device orin{16, 163 << 10, true};
    const Device desktop{128, 99 << 10, true};
    for (const Device& device : {orin, desktop}) {
        for (const int channels : {64, 128, 256, 512}) {
            for (const int bytes : {2, 4}) {
                CHECK(isfp::choose_launch({1, 13, channels}, bytes, device, occupancy_of(device)).fast);
            }
        }
    }
    const LaunchPlan wide = isfp::choose_launch({1, 13, 512}, 2, orin, occupancy_of(orin));
    CHECK(wide.slices == 4 && wide.paths_per_launch == 4);
    const LaunchPlan narrow = isfp::choose_launch({8, 13, 128}, 2, orin, occupancy_of(orin));
    CHECK(narrow.slices == 1 && narrow.groups == 8);
}

// As measured on an H200: few blocks that wait for each other, and only then the smallest slices.
void a_path_is_shared_by_few_blocks_where_all_phrases_fit_at_once() {
    const Device large{132, 227 << 10, true};
    const auto slice = [&](int phrases, int channels, int bytes) {
        return 1 << isfp::choose_launch({phrases, 13, channels}, bytes, large, occupancy_of(large)).slice_log2;
    };
    for (const int phrases : {1, 4, 8}) {
        CHECK(slice(phrases, 256, 2) == 64);
        CHECK(slice(phrases, 256, 4) == 64);
        CHECK(slice(phrases, 512, 2) == 128);
        CHECK(slice(phrases, 512, 4) == 32);  // 128 channels do not fit, and 64 would be eight blocks
    }
    CHECK(slice(9, 512, 2) == 32);  // 128 channels would leave room for eight phrases
}

void what_does_not_fit_gets_the_slower_path() {
    const Device lone{16, 163 << 10, false};
    CHECK(!isfp::choose_launch({1, 13, 256}, 2, lone, occupancy_of(lone)).fast);
    CHECK(isfp::choose_launch({1, 13, 128}, 2, lone, occupancy_of(lone)).fast);
    const Device small{1, 48 << 10, true};
    CHECK(!isfp::choose_launch({1, 13, 512}, 2, small, occupancy_of(small)).fast);
    const auto none = [](int, std::size_t) { return 0; };
    CHECK(!isfp::choose_launch({1, 13, 64}, 2, {16, 163 << 10, true}, none).fast);
}

void workspace_parts_are_aligned_apart_and_grow() {
    for (const int bytes : {2, 4}) {
        const isfp::Workspace one = isfp::workspace_of({1, 13, 100}, bytes);
        CHECK(one.exchange % 256 == 0 && one.arrivals % 256 == 0 && one.total % 256 == 0);
        CHECK(one.exchange - one.state >= sizeof(float) * 4 * 13 * 13 * 100);
        CHECK(one.arrivals - one.exchange >= static_cast<std::size_t>(bytes) * 4 * 2 * 13 * 112);
        CHECK(one.total - one.arrivals >= one.arrivals_bytes && one.arrivals_bytes == 4 * sizeof(unsigned));
        for (const Shape& larger : {Shape{2, 13, 100}, Shape{1, 14, 100}, Shape{1, 13, 101}}) {
            CHECK(isfp::workspace_of(larger, bytes).total >= one.total);
        }
    }
}

void halves_survive_the_way_to_float_and_back() {
    for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
        const isfp::HostHalf half{static_cast<std::uint16_t>(bits)};
        const float value = isfp::to_float(half);
        CHECK(
            std::isnan(value) ? std::isnan(isfp::to_float(isfp::to_half(value)))
                              : isfp::to_half(value).bits == half.bits);
    }
}

void floats_round_to_the_nearest_even_half() {
    for (std::uint32_t bits = 0; bits < 0x7C00;
         ++bits) {  // between each half and the next: below, at and above the middle
        const double low = isfp::to_float({static_cast<std::uint16_t>(bits)});
        const double high = bits == 0x7BFF ? 65536.0 : isfp::to_float({static_cast<std::uint16_t>(bits + 1)});
        const auto middle = static_cast<float>((low + high) / 2);
        const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
        CHECK(isfp::to_half(std::nextafter(middle, 0.0F)).bits == bits);
        CHECK(isfp::to_half(middle).bits == even);
        CHECK(isfp::to_half(std::nextafter(middle, 1e6F)).bits == bits + 1);
        CHECK(isfp::to_half(-middle).bits == (even | 0x8000U));
    }
    CHECK(isfp::to_half(INFINITY).bits == 0x7C00 && isfp::to_half(1e30F).bits == 0x7C00);
}

}  // namespace

int main() {
    every_cell_comes_after_its_incoming_neighbours();
    tiles_take_every_cell_of_every_phrase_once();
    a_table_is_shared_so_that_each_element_is_taken_once();
    first_cell_of_each_direction_is_its_corner();
    plans_fit_the_device_and_cover_the_work();
    known_devices_get_the_fast_path();
    a_path_is_shared_by_few_blocks_where_all_phrases_fit_at_once();
    what_does_not_fit_gets_the_slower_path();
    workspace_parts_are_aligned_apart_and_grow();
    halves_survive_the_way_to_float_and_back();
    floats_round_to_the_nearest_even_half();
    return isfp::test::checks_failed();
}
