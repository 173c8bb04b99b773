#pragma once

#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <utility>

namespace deployer {

/// A number in lower-case hexadecimal, padded with zeros: "00ff" for 255 and 4 digits.
inline std::string in_hex(std::uint32_t number, int digits) {
    std::ostringstream text;
    text << std::hex << std::setw(digits) << std::setfill('0') << number;
    return std::move(text).str();
}

}  // namespace deployer
