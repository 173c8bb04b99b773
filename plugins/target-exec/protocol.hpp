#pragma once

#include <deployer/error.hpp>
#include <deployer/log.hpp>
#include <deployer/settings.hpp>
#include <deployer/unit.hpp>

#include <Poco/Dynamic/Var.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace deployer::exec {

inline constexpr std::uint64_t protocol_version = 1;

/// Thrown for a line that violates the protocol. The message follows the program's name: `wrote a line that is not
/// JSON: "…"`.
class Breach : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// How a program introduces itself.
struct Hello {
    std::string program;
    std::uint64_t protocol = 0;
    std::optional<std::string> identity;
    std::size_t concurrent = 1;  ///< the most concurrent calls; 0: any number
    bool can_set_state = true;
};

/// An error in place of a result; `call` is empty when the error is in place of a hello.
struct Refusal {
    std::optional<std::uint64_t> call;
    Error error;
};

struct Result {
    std::uint64_t call = 0;
    std::unique_ptr<Poco::Dynamic::Var> value;  ///< Poco's copies share what they hold; this one shares it with none
};

struct Remark {
    LogLevel level = LogLevel::info;
    std::string text;
};

using Message = std::variant<Hello, Refusal, Result, Remark>;

// Lines to the program, each with its newline. All text is UTF-8.

/// `settings` are an object, of write_settings.
std::string write_hello(std::string_view settings);
/// Passed on as they are written: scalars as text.
std::string write_settings(const std::optional<SettingsNode>& settings);
/// `params` is an object, of those below.
std::string write_request(std::uint64_t call, std::string_view method, std::string_view params,
                          std::chrono::milliseconds timeout);
std::string write_cancel(std::uint64_t call);

std::string write_unit_params(const Unit& unit);
std::string write_name_params(std::string_view unit);
std::string write_state_params(std::string_view unit, DesiredState state);

/// A line of the program. Throws Breach, also at a stop: a long line takes seconds.
Message read_message(const std::string& line, const std::stop_token& stop);

/// The result of a listing. Throws Breach for what is no listing, Error `unavailable` for one that cannot be complete:
/// with a name that is none or is there twice.
std::vector<ActualUnit> read_listing(const Poco::Dynamic::Var& result);
/// Throws Breach.
UnitStatus read_status(const Poco::Dynamic::Var& result);

}  // namespace deployer::exec
