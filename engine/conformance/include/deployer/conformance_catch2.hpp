#pragma once

#include <deployer/conformance.hpp>

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cstddef>
#include <filesystem>

namespace deployer {

/// Runs the whole suite within a test case of Catch2 (version 2 or 3), with an assertion for each check:
///     TEST_CASE("target-foo keeps the contract") { deployer::require_conformance(TARGET_FOO, "conformance.yaml"); }
inline void require_conformance(const std::filesystem::path& plugin, const std::filesystem::path& settings_file) {
    ConformanceSuite suite(plugin, settings_file);
    for (std::size_t check = 0; check < suite.size(); ++check) {
        const auto result = suite.run(check);
        INFO(result.name << ": " << result.detail);
        CHECK(result.verdict != CheckResult::Verdict::failed);
    }
}

}  // namespace deployer
