#pragma once

#include "promise.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <string_view>

namespace deployer {

/// Promises that a message is one line without control characters, and not too long for a log, whatever input it is
/// about.
inline void promise_message(std::string_view message) {
    promise(!message.empty() && message.size() < 2000, "a message has a readable length");
    promise(!find_invalid_utf8(message), "a message is UTF-8");
    promise(
        std::none_of(message.begin(), message.end(), [](unsigned char byte) { return byte < 0x20U || byte == 0x7FU; }),
        "a message is one line without control characters");
}

}  // namespace deployer
