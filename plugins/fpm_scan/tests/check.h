// CHECK(condition): counts and prints what does not hold; the test's exit status is checks_failed().
#pragma once

#include <cstdio>

namespace isfp::test {

inline int failures = 0;

inline int checks_failed() {
    std::printf(failures == 0 ? "all checks hold\n" : "%d checks do not hold\n", failures);
    return failures == 0 ? 0 : 1;
}

}  // namespace isfp::test

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            ++isfp::test::failures;                                                    \
            std::printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                              \
    } while (false)
