#pragma once

#include "support/catch.hpp"

#include <deployer/error.hpp>

#include <string_view>

namespace deployer {

/// Whether the text holds the fragment; a failed check shows the text. To be called on the test's own thread, as checks
/// are.
inline bool holds(std::string_view text, std::string_view fragment) {
    UNSCOPED_INFO(text);
    return text.find(fragment) != std::string_view::npos;
}

/// Whether the message of an Error holds the fragment.
inline bool says(const Error& error, std::string_view fragment) {
    return holds(error.what(), fragment);
}

}  // namespace deployer
