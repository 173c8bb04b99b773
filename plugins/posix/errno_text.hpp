#pragma once

#include <string>
#include <system_error>

namespace deployer {

/// The meaning of an errno value, for people: "No space left on device". Any thread, unlike strerror().
inline std::string errno_text(int number) {
    return std::generic_category().message(number);
}

}  // namespace deployer
