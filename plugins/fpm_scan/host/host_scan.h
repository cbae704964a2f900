// The scan on the host in FP32, for whoever links it: one thread, exact to rounding.
#pragma once

#include <vector>

#include "../core/operator.h"

namespace isfp {

// isf [P,S,S,C], w1 [4,C,C], w2 [4,2,C,C] -> [P,S,S,C].
std::vector<float> host_scan(
    const Shape& shape,
    const Attributes& attributes,
    const std::vector<float>& isf,
    const std::vector<float>& w1,
    const std::vector<float>& w2);

}  // namespace isfp
