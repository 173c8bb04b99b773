#pragma once

#include <deployer/conformance.hpp>

#include <string>
#include <vector>

namespace deployer::conformance {

/// A line for a check, as it is printed while the suite goes on: "ok", "FAILED" or "skipped", and why.
std::string write_line(const CheckResult& result);

/// The last line: "38 passed, 1 failed, 4 skipped".
std::string write_summary(const std::vector<CheckResult>& results);

/// The Test Anything Protocol, version 13 (testanything.org).
std::string write_tap(const std::vector<CheckResult>& results);

/// The XML that continuous integration servers read as JUnit's; `suite` is the plugin's name.
std::string write_junit(const std::vector<CheckResult>& results, const std::string& suite);

bool all_passed(const std::vector<CheckResult>& results);

}  // namespace deployer::conformance
