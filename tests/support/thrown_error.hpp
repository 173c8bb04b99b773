#pragma once

#include <deployer/error.hpp>

#include <stdexcept>

namespace deployer {

/// The Error that the action throws. The test fails by an exception when the action does not throw an Error.
///     const auto error = thrown_by([&] { target->destroy("foo.service", call); });
///     CHECK(error.kind() == ErrorKind::unavailable);
template <class Action>
Error thrown_by(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    throw std::logic_error("no Error was thrown");
}

}  // namespace deployer
