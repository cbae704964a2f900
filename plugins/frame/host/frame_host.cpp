// The C interface for memory of the host, with the same bodies: for tests, and for what surrounds a device in tests.
#include "../frame.h"

#include "../core/arguments.h"

int isfp_frame_letterbox(const std::uint8_t* frame, std::uint8_t* input, const int* place, int fill, void*) {
    const auto arguments = isfp::letterbox_arguments(frame, input, place, fill);
    for (int y = 0; y < arguments.place.input_rows; ++y) {
        for (int x = 0; x < arguments.place.input_columns; ++x) {
            isfp::letterbox_pixel(arguments, y, x);
        }
    }
    return 0;
}

int isfp_frame_masks(
    const float* logits,
    std::uint8_t* bits,
    int* broken,
    const int* place,
    int count,
    int rows,
    int columns,
    float threshold,
    void*) {
    const auto arguments = isfp::mask_arguments(logits, bits, broken, place, count, rows, columns, threshold);
    for (int mask = 0; mask < count; ++mask) {
        if (broken != nullptr) {
            broken[mask] = 0;
        }
        for (int y = 0; y < rows; ++y) {
            for (int byte = 0; byte < isfp::row_bytes(columns); ++byte) {
                isfp::mask_byte(arguments, mask, y, byte);
            }
        }
    }
    return 0;
}
