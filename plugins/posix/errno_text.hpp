#pragma once

#include <string>
#include <system_error>

namespace deployer {

/// What an errno value means, for people: "No space left on device". Any thread, unlike strerror().
inline std::string errno_text(int number) {
    return std::generic_category().message(number);
}

}  // namespace deployer
