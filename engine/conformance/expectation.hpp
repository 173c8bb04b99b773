#pragma once

#include <deployer/error.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>

namespace deployer::conformance {

/// Ends a failed check: the plugin does not do what it has to do.
class CheckFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Ends a check that cannot be run, because a setting for it is missing.
class CheckSkipped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

void expect(bool holds, const std::string& otherwise);

/// The error that `call` throws, as the engine sees it: an exception other than Error counts as `internal`.
std::optional<Error> error_of(const std::function<void()>& call);

/// Expects that `call` does not throw. `doing` names the call in the failure: "list()".
void expect_success(const std::string& doing, const std::function<void()>& call);

void expect_error(const std::string& doing, std::initializer_list<ErrorKind> kinds, const std::function<void()>& call);

/// Expects an error of one of these kinds, or success.
void expect_success_or(const std::string& doing, std::initializer_list<ErrorKind> kinds,
                       const std::function<void()>& call);

}  // namespace deployer::conformance
