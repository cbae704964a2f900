// fpm_host_scan CASE RESULT [RUNS]: runs the kernels' bodies with threads of the host over one case, for the tests and
// for tools/bench_fpm.py. Prints how many microseconds the last of RUNS (1 if not given) took, without reading and
// writing.
//
// CASE is text, then raw little-endian numbers: the line "float|half fma|fragments|simple
// nothing|block-barrier|path-barrier P S C alpha activation slope slice_log2 phrases_per_group paths_at_once
// threads\n", then isf, w1, w2. RESULT is the output's numbers.
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "host_launch.h"

namespace {

using isfp::Arguments;
using isfp::Dropped;

struct Case {
    std::string scalar, form, dropped;
    isfp::Shape shape;
    isfp::Attributes attributes;
    int slice_log2 = 5, phrases_per_group = 1, paths_at_once = 4, threads = 1;
};

Case read_header(std::istream& file) {
    std::string line;
    std::getline(file, line);
    std::istringstream words(line);
    Case c;
    int activation = 0;
    words >> c.scalar >> c.form >> c.dropped >> c.shape.phrases >> c.shape.size >> c.shape.channels
        >> c.attributes.alpha >> activation >> c.attributes.slope >> c.slice_log2 >> c.phrases_per_group
        >> c.paths_at_once >> c.threads;
    if (!words) {
        throw std::runtime_error("the case's first line is not as fpm_host_scan.cpp says: " + line);
    }
    c.attributes.activation = static_cast<isfp::Activation>(activation);
    return c;
}

template <class Scalar>
std::vector<Scalar> read(std::istream& file, std::size_t count) {
    std::vector<Scalar> values(count);
    file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(Scalar)));
    if (!file) {
        throw std::runtime_error("the case is cut short");
    }
    return values;
}

Dropped dropped_of(const std::string& word) {
    return word == "block-barrier"  ? Dropped::block_barrier
           : word == "path-barrier" ? Dropped::path_barrier
                                    : Dropped::nothing;
}

template <class Scalar>
void run(const Case& c, int runs, std::istream& file, std::ostream& result) {
    const auto channels = static_cast<std::size_t>(c.shape.channels);
    const auto grid = static_cast<std::size_t>(c.shape.size) * static_cast<std::size_t>(c.shape.size);
    const auto elements = static_cast<std::size_t>(c.shape.phrases) * grid * channels;
    const auto isf = read<Scalar>(file, elements);
    const auto w1 = read<Scalar>(file, isfp::kPaths * channels * channels);
    const auto w2 = read<Scalar>(file, isfp::kPaths * isfp::kDirections * channels * channels);
    std::vector<Scalar> out(elements);
    const isfp::Workspace layout = isfp::workspace_of(c.shape, sizeof(Scalar));
    std::vector<isfp::Chunk<float>> workspace(layout.total / sizeof(isfp::Chunk<float>));
    auto* bytes = reinterpret_cast<char*>(workspace.data());
    std::memset(bytes, 0xFF, layout.total);  // NaN: the workspace holds whatever ran before

    Arguments<Scalar> arguments;
    arguments.isf = isf.data();
    arguments.w1 = w1.data();
    arguments.w2 = w2.data();
    arguments.out = out.data();
    arguments.state = reinterpret_cast<float*>(bytes + layout.state);
    arguments.exchange = reinterpret_cast<Scalar*>(bytes + layout.exchange);
    arguments.shape = c.shape;
    arguments.attributes = c.attributes;
    arguments.slice_log2 = c.slice_log2;
    arguments.slices = isfp::divide_up(c.shape.channels, 1 << c.slice_log2);
    arguments.phrases_per_group = c.phrases_per_group;

    isfp::HostGrid host;
    host.threads = c.threads;
    host.paths_at_once = c.paths_at_once;
    const Dropped dropped = dropped_of(c.dropped);
    std::chrono::duration<double, std::micro> taken{};
    for (int done = 0; done < runs; ++done) {
        const auto start = std::chrono::steady_clock::now();
        if (c.form == "simple") {
            isfp::run_simple(arguments, host, dropped);
        } else if (c.form == "fma") {
            isfp::run_scan<isfp::FmaProduct>(arguments, host, dropped);
        } else if constexpr (sizeof(Scalar) == 2) {
            isfp::run_scan<isfp::FragmentProduct>(arguments, host, dropped);
        } else {
            throw std::runtime_error("fragments hold 16-bit numbers: use them with half");
        }
        taken = std::chrono::steady_clock::now() - start;
    }
    std::cout << taken.count() << "\n";
    result.write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(elements * sizeof(Scalar)));
}

}  // namespace

int main(int count, char** words) {
    if (count != 3 && count != 4) {
        std::cerr << "usage: fpm_host_scan CASE RESULT [RUNS]\n";
        return 2;
    }
    try {
        std::ifstream file(words[1], std::ios::binary);
        std::ofstream result(words[2], std::ios::binary);
        const Case c = read_header(file);
        const int runs = count == 4 ? std::stoi(words[3]) : 1;
        c.scalar == "half" ? run<isfp::HostHalf>(c, runs, file, result) : run<float>(c, runs, file, result);
        return result.flush() ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "fpm_host_scan: " << error.what() << "\n";
        return 1;
    }
}
