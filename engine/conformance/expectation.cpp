#include "conformance/expectation.hpp"

#include "host/defect.hpp"

#include <algorithm>

namespace deployer::conformance {
namespace {

std::string text_of(std::initializer_list<ErrorKind> kinds) {
    std::string text;
    for (const auto kind : kinds) text += (text.empty() ? "" : " or ") + std::string(to_string(kind));
    return text;
}

std::string text_of(const Error& error) {
    return std::string(to_string(error.kind())) + ": " + error.what();
}

void expect_kind(const std::string& doing, std::initializer_list<ErrorKind> kinds, const Error& error) {
    if (std::find(kinds.begin(), kinds.end(), error.kind()) != kinds.end()) return;
    throw CheckFailed(doing + " failed as " + text_of(error) + " (and not as " + text_of(kinds) + ")");
}

}  // namespace

void expect(bool holds, const std::string& otherwise) {
    if (!holds) throw CheckFailed(otherwise);
}

std::optional<Error> error_of(const std::function<void()>& call) {
    try {
        try {
            call();
            return std::nullopt;
        } catch (const CheckFailed&) {
            throw;
        } catch (const CheckSkipped&) {
            throw;
        } catch (...) {
            rethrow_as_error("the plugin");
        }
    } catch (const Error& error) {
        return error;
    }
}

void expect_success(const std::string& doing, const std::function<void()>& call) {
    if (const auto error = error_of(call)) throw CheckFailed(doing + " failed as " + text_of(*error));
}

void expect_error(const std::string& doing, std::initializer_list<ErrorKind> kinds, const std::function<void()>& call) {
    const auto error = error_of(call);
    if (!error) throw CheckFailed(doing + " succeeded (and did not fail as " + text_of(kinds) + ")");
    expect_kind(doing, kinds, *error);
}

void expect_success_or(const std::string& doing, std::initializer_list<ErrorKind> kinds,
                       const std::function<void()>& call) {
    if (const auto error = error_of(call)) expect_kind(doing, kinds, *error);
}

}  // namespace deployer::conformance
