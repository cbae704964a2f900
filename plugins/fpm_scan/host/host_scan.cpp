#include "host_scan.h"

#include "host_launch.h"

namespace isfp {

std::vector<float> host_scan(
    const Shape& shape,
    const Attributes& attributes,
    const std::vector<float>& isf,
    const std::vector<float>& w1,
    const std::vector<float>& w2) {
    std::vector<float> out(isf.size());
    std::vector<float> state(kPaths * isf.size());
    Arguments<float> arguments;
    arguments.isf = isf.data();
    arguments.w1 = w1.data();
    arguments.w2 = w2.data();
    arguments.out = out.data();
    arguments.state = state.data();
    arguments.shape = shape;
    arguments.attributes = attributes;
    HostGrid grid;
    run_simple(arguments, grid, Dropped::nothing);
    return out;
}

}  // namespace isfp
