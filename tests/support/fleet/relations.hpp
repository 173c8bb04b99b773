#pragma once

#include <deployer/unit.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::simulated {

using Time = std::chrono::milliseconds;
using Names = std::vector<std::string>;

/// The value with systemd's specifiers %n, %N, %p, %i, %j and %% replaced. Others stay as they are.
[[nodiscard]] std::string with_specifiers(std::string_view value, std::string_view unit);

/// The words of all options of that name, with specifiers replaced.
[[nodiscard]] Names words_of(const Unit& unit, std::string_view section, std::string_view option);

/// The value of the last option of that name; empty when there is none.
[[nodiscard]] std::string last_value(const Unit& unit, std::string_view section, std::string_view option);

/// The units that a unit names in [Unit].
struct Relations {
    Names binds_to;
    Names requirements;  ///< Requires=
    Names requisite;
    Names part_of;
    Names wants;
    Names conflicts;
    Names after;
    Names before;
};

[[nodiscard]] Relations relations_of(const Unit& unit);

/// The duration of the unit's ExecStop= commands: the time of a `sleep` in them, else 0.
[[nodiscard]] Time exec_stop_time(const Unit& unit);

}  // namespace deployer::simulated
