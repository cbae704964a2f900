// A launch of the kernels' bodies on the host: as many threads at once as the grid has.
#pragma once

#include <algorithm>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "../core/arguments.h"
#include "../core/fma_product.h"
#include "../core/fragment_product.h"
#include "../core/scan_block.h"
#include "../core/simple_block.h"
#include "../core/sum_paths.h"
#include "host_context.h"

namespace isfp {

struct HostGrid {
    int slices = 1;
    int groups = 1;
    int threads = 1;
    int paths_at_once = kPaths;
    std::size_t shared_bytes = 0;
};

// Runs `body(context)` in every thread of the grid.
template <class Body>
void run_wave(const HostGrid& grid, Dropped dropped, const Body& body) {
    std::vector<std::unique_ptr<HostBlock>> blocks;
    std::vector<std::unique_ptr<std::barrier<>>> meetings;
    std::vector<std::thread> threads;
    for (int path = 0; path < grid.paths_at_once; ++path) {
        for (int group = 0; group < grid.groups; ++group) {
            meetings.push_back(std::make_unique<std::barrier<>>(grid.slices * grid.threads));
            for (int slice = 0; slice < grid.slices; ++slice) {
                blocks.push_back(std::make_unique<HostBlock>(grid.threads, grid.shared_bytes));
                for (int thread = 0; thread < grid.threads; ++thread) {
                    threads.emplace_back([&body, place = HostPlace{slice, group, path, thread, grid.threads},
                                          block = blocks.back().get(), meeting = meetings.back().get(), dropped] {
                        HostContext context(place, *block, *meeting, dropped);
                        body(context);
                    });
                }
            }
        }
    }
    std::for_each(threads.begin(), threads.end(), [](std::thread& thread) { thread.join(); });
}

// Runs `body(context, first_path)` for each wave of paths.
template <class Body>
void run_grid(const HostGrid& grid, Dropped dropped, const Body& body) {
    for (int first_path = 0; first_path < kPaths; first_path += grid.paths_at_once) {
        run_wave(grid, dropped, [&body, first_path](HostContext& context) { body(context, first_path); });
    }
}

template <class Product, class Scalar>
void run_scan(Arguments<Scalar> arguments, HostGrid grid, Dropped dropped) {
    grid.slices = arguments.slices;
    grid.groups = divide_up(arguments.shape.phrases, arguments.phrases_per_group);
    grid.shared_bytes =
        shared_bytes(tile_of(arguments.slice_log2, arguments.shape.channels, sizeof(Scalar)), sizeof(Scalar));
    run_grid(grid, dropped, [&arguments](HostContext& context, int first_path) {
        Arguments<Scalar> wave = arguments;
        wave.first_path = first_path;
        ScanBlock<Product, Scalar, HostContext>(context, wave).run();
    });
    sum_paths(arguments, 0, 1);
}

template <class Scalar>
void run_simple(const Arguments<Scalar>& arguments, HostGrid grid, Dropped dropped) {
    grid.groups = arguments.shape.phrases;
    run_grid(grid, dropped, [&arguments](HostContext& context, int first_path) {
        Arguments<Scalar> wave = arguments;
        wave.first_path = first_path;
        SimpleBlock<Scalar, HostContext>(context, wave).run();
    });
    sum_paths(arguments, 0, 1);
}

}  // namespace isfp
