#pragma once

#include <deployer/conformance.hpp>

#include <string>
#include <vector>

namespace deployer::conformance {

/// The line that is printed when a check has ended: "ok", "FAILED" or "skipped", with the reason.
std::string write_line(const CheckResult& result);

/// The last line: "38 passed, 1 failed, 4 skipped".
std::string write_summary(const std::vector<CheckResult>& results);

/// The results in the Test Anything Protocol, version 13 (testanything.org).
std::string write_tap(const std::vector<CheckResult>& results);

/// The results as JUnit XML, which continuous integration servers read. `suite`: the plugin's name.
std::string write_junit(const std::vector<CheckResult>& results, const std::string& suite);

bool all_passed(const std::vector<CheckResult>& results);

}  // namespace deployer::conformance
