#pragma once

#include "promise.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <string_view>

namespace deployer {

/// Messages are one line of text that no terminal obeys, and of a length that a log can take, whatever they complain
/// about.
inline void promise_message(std::string_view message) {
    promise(!message.empty() && message.size() < 2000, "a message has a readable length");
    promise(!find_invalid_utf8(message), "a message is UTF-8");
    promise(
        std::none_of(message.begin(), message.end(), [](unsigned char byte) { return byte < 0x20U || byte == 0x7FU; }),
        "a message is one line without control characters");
}

}  // namespace deployer
