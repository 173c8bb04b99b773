// Prints the cost of a call through target-exec to a program and back, with a program that only answers.

#include "host/plugin_host.hpp"
#include "support/loaded_plugin.hpp"
#include "support/test_call.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int runs = 15;
constexpr int calls = 10'000;

/// A unit of usual size, about 1 KB.
Unit usual_unit() {
    Unit unit{"foo@1.service", {}, DesiredState::launched};
    for (int i = 0; i < 15; ++i) {
        unit.options.push_back(
            {"Service", "ExecStartPre", "/usr/bin/docker run --name %p-%i option-" + std::to_string(i)});
    }
    return unit;
}

/// Calls a second: the median of several runs, after a warm-up run that does not count.
template <class Function>
void measure(const std::string& what, int threads, const Function& function) {
    std::vector<double> rates;
    for (int run = 0; run <= runs; ++run) {
        const auto begin = Clock::now();
        std::atomic<int> left = calls;
        std::vector<std::jthread> callers;
        callers.reserve(static_cast<std::size_t>(threads));
        for (int i = 0; i < threads; ++i) {
            callers.emplace_back([&] {
                while (left-- > 0) function();
            });
        }
        callers.clear();
        if (run > 0) rates.push_back(calls / std::chrono::duration<double>(Clock::now() - begin).count());
    }
    std::sort(rates.begin(), rates.end());
    std::printf("%-62s median %8.0f calls a second  (%.0f to %.0f)\n", what.c_str(), rates[rates.size() / 2],
                rates.front(), rates.back());
}

}  // namespace

int main() {
    const auto target = load_target("target-exec", "command: [" DEPLOYER_EXEC_RESPONDER "]");
    const TestCall call(std::chrono::hours(1));
    const auto unit = usual_unit();
    measure("destroy, one call after the other", 1, [&] { target->destroy(unit.name, call); });
    measure("apply of a unit of 15 options, one call after the other", 1, [&] { target->apply(unit, call); });
    measure("status of a unit of 15 options, 8 calls at once", 8, [&] { target->status(unit, call); });
}
