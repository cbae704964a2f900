// On a device: letterbox and masks against the same bodies on the host, eager and as a graph. Exit status 77 without a
// GPU.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../../fpm_scan/tests/device_support.h"
#include "../core/arguments.h"
#include "../frame.h"

namespace {

using isfp::test::Memory;
using isfp::test::must;

constexpr int kInput = 320;
constexpr int kFill = 128;
constexpr int kMasks = 3;
constexpr float kThreshold = 0.25F;  // a logit

struct Case {
    const char* name;
    int place[8];
};

constexpr Case kCases[] = {
    {"1280x720", {720, 1280, kInput, kInput, 70, 0, 180, 320}},
    {"1920x1080", {1080, 1920, kInput, kInput, 70, 0, 180, 320}},
    {"640x480", {480, 640, kInput, kInput, 40, 0, 240, 320}},
    {"517x333, odd", {333, 517, kInput, kInput, 57, 0, 206, 320}},
    {"100x80, enlarged", {80, 100, kInput, kInput, 32, 0, 256, 320}},
    {"320x320, as it is", {320, 320, kInput, kInput, 0, 0, 320, 320}},
};

template <class Value>
std::vector<Value> copied(const Memory& from) {
    std::vector<Value> values(from.bytes() / sizeof(Value));
    must(cudaMemcpy(values.data(), from.data(), from.bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
}

template <class Value>
void fill(const Memory& to, const std::vector<Value>& values) {
    must(cudaMemcpy(to.data(), values.data(), to.bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
}

// Runs work on a stream, then as a graph whose results must be the same.
template <class Work>
void run(const Work& work, const Memory& result, std::vector<std::uint8_t>& eager, bool& replays_alike) {
    const isfp::test::Stream stream;
    const auto enqueue = [&] { must(static_cast<cudaError_t>(work(stream.get())), "a launch"); };
    enqueue();
    stream.wait("eager");
    eager = copied<std::uint8_t>(result);
    must(cudaMemsetAsync(result.data(), 0x5A, result.bytes(), stream.get()), "cudaMemset");
    const isfp::test::Graph graph(stream, enqueue);
    graph.launch();
    stream.wait("graph");
    replays_alike = copied<std::uint8_t>(result) == eager;
}

bool report(const char* name, const char* step, std::size_t different, bool replays_alike) {
    const bool good = different == 0 && replays_alike;
    std::printf(
        "%s %s %s: %zu bytes differ from the host%s\n", good ? "ok  " : "FAIL", name, step, different,
        replays_alike ? "" : ", and the graph from eager");
    return good;
}

std::size_t differences(const std::vector<std::uint8_t>& found, const std::vector<std::uint8_t>& expected) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        count += found[i] != expected[i] ? 1 : 0;
    }
    return count;
}

bool letterbox_holds(const Case& one) {
    const isfp::Placement place = isfp::placement(one.place);
    std::vector<std::uint8_t> frame(
        static_cast<std::size_t>(place.frame_rows) * static_cast<std::size_t>(place.frame_columns) * isfp::kChannels);
    std::mt19937 random(1);
    for (auto& value : frame) {
        value = static_cast<std::uint8_t>(random());
    }
    std::vector<std::uint8_t> expected(std::size_t{kInput} * kInput * isfp::kChannels);
    const auto arguments = isfp::letterbox_arguments(frame.data(), expected.data(), one.place, kFill);
    for (int y = 0; y < kInput; ++y) {
        for (int x = 0; x < kInput; ++x) {
            isfp::letterbox_pixel(arguments, y, x);
        }
    }
    const Memory source(frame.size());
    const Memory target(expected.size());
    fill(source, frame);
    std::vector<std::uint8_t> found;
    bool alike = false;
    const auto work = [&](cudaStream_t stream) {
        return isfp_frame_letterbox(
            static_cast<const std::uint8_t*>(source.data()), static_cast<std::uint8_t*>(target.data()), one.place,
            kFill, stream);
    };
    run(work, target, found, alike);
    return report(one.name, "letterbox", differences(found, expected), alike);
}

std::size_t bytes_of_masks(const Case& one) {
    return static_cast<std::size_t>(kMasks) * static_cast<std::size_t>(one.place[0])
           * static_cast<std::size_t>(isfp::row_bytes(one.place[1]));
}

struct Masks {
    std::vector<std::uint8_t> bits;
    std::vector<int> broken;
};

Masks host_masks(const Case& one, const std::vector<float>& logits) {
    const int rows = one.place[0];
    const int columns = one.place[1];
    Masks masks{std::vector<std::uint8_t>(bytes_of_masks(one)), std::vector<int>(kMasks, 0)};
    const auto arguments = isfp::mask_arguments(
        logits.data(), masks.bits.data(), masks.broken.data(), one.place, kMasks, rows, columns, kThreshold);
    for (int mask = 0; mask < kMasks; ++mask) {
        for (int y = 0; y < rows; ++y) {
            for (int byte = 0; byte < isfp::row_bytes(columns); ++byte) {
                isfp::mask_byte(arguments, mask, y, byte);
            }
        }
    }
    return masks;
}

// The masks of the device are those of the host, and so is what it tells of values that are not finite; returns that.
bool masks_hold(const Case& one, const char* step, const std::vector<float>& logits, std::vector<int>& broken) {
    const Masks expected = host_masks(one, logits);
    const Memory source(logits.size() * sizeof(float));
    const Memory target(expected.bits.size());
    const Memory flags(kMasks * sizeof(int));
    fill(source, logits);
    std::vector<std::uint8_t> found;
    bool alike = false;
    const auto work = [&](cudaStream_t stream) {
        return isfp_frame_masks(
            static_cast<const float*>(source.data()), static_cast<std::uint8_t*>(target.data()),
            static_cast<int*>(flags.data()), one.place, kMasks, one.place[0], one.place[1], kThreshold, stream);
    };
    run(work, target, found, alike);
    const bool good = report(one.name, step, differences(found, expected.bits), alike);
    broken = copied<int>(flags);
    if (broken != expected.broken) {
        std::printf("FAIL %s %s: the masks that are told of are not the host's\n", one.name, step);
        return false;
    }
    return good;
}

// Where a frame is smaller than its window, its masks do not read every logit: a NaN is put where they do, and into the
// window's first row and on the padding, where they may not.
bool masks_hold(const Case& one) {
    const isfp::Placement place = isfp::placement(one.place);
    std::vector<float> logits(std::size_t{kMasks} * kInput * kInput);
    std::mt19937 random(2);
    std::normal_distribution<float> normal(0.0F, 3.0F);
    for (auto& value : logits) {
        value = normal(random);
    }
    std::vector<int> broken;
    bool good = masks_hold(one, "masks", logits, broken) && broken == std::vector<int>(kMasks, 0);
    const auto with_nan = [&](const char* step, int row, int column) {
        std::vector<float> spoiled = logits;
        spoiled[(std::size_t{kInput} + static_cast<std::size_t>(row)) * kInput + static_cast<std::size_t>(column)] =
            NAN;
        good = masks_hold(one, step, spoiled, broken) && good;
        return broken;
    };
    const int row = isfp::between(place.frame_rows / 2, place.height, place.frame_rows).first;
    const int column = isfp::between(place.frame_columns / 2, place.width, place.frame_columns).first;
    if (with_nan("masks, a NaN that is read", place.top + row, place.left + column) != std::vector<int>{0, 1, 0}) {
        std::printf("FAIL %s: the mask with a NaN is not the one that is told of\n", one.name);
        good = false;
    }
    with_nan("masks, a NaN in the first row", place.top, place.left + 7);
    with_nan("masks, a NaN in a corner of the input", 0, 0);
    return good;
}

}  // namespace

int main() {
    isfp::test::must_have_gpu();
    bool good = true;
    for (const Case& one : kCases) {
        good = letterbox_holds(one) && good;
        good = masks_hold(one) && good;
    }
    std::printf("%s\n", good ? "every step of a frame holds" : "some steps of a frame do not hold");
    return good ? 0 : 1;
}
