#pragma once

#include <deployer/call.hpp>

#include <Poco/Dynamic/Var.h>

#include <string>

namespace deployer::mock {

/// Parses one JSON document. Throws Error `rejected` that says what is wrong, and after which element: not JSON, a key
/// that an object has twice, or more elements than a state file can hold. Ends as Call::check() does.
Poco::Dynamic::Var read_json(const std::string& text, const Call& call);

}  // namespace deployer::mock
