#pragma once

#include <cstdio>
#include <cstdlib>

namespace deployer {

/// Checks a property that must hold for every input. A broken promise ends the process, so that the fuzzer keeps the
/// input as a finding.
inline void promise(bool kept, const char* what) {
    if (kept) return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

}  // namespace deployer
