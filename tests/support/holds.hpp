#pragma once

#include "support/catch.hpp"

#include <deployer/error.hpp>

#include <string_view>

namespace deployer {

/// Whether the text holds the fragment; a check that fails shows the text. On the test's own thread, as checks are.
inline bool holds(std::string_view text, std::string_view fragment) {
    UNSCOPED_INFO(text);
    return text.find(fragment) != std::string_view::npos;
}

/// The same of what an Error says.
inline bool says(const Error& error, std::string_view fragment) {
    return holds(error.what(), fragment);
}

}  // namespace deployer
