#pragma once

#include <deployer/export.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace deployer {

/// The kind of a failure decides how the engine reacts (R5). A plugin picks the kind; the engine picks the consequence.
enum class ErrorKind {
    unavailable,    ///< The other side cannot be reached or did not answer in full: retry, and trust no cache.
    rejected,       ///< This unit or file alone is wrong: it fails, and the others go on.
    not_found,      ///< The unit, file or document of the call does not exist.
    misconfigured,  ///< A person has to change something, mostly the configuration.
    cancelled,      ///< The call's stop token was triggered; this is no failure.
    internal,       ///< A defect of the engine or of the plugin. The engine takes every exception but Error for one.
};

/// The kind as a word for logs and JSON: "unavailable", "rejected", ….
DEPLOYER_SDK_EXPORT std::string_view to_string(ErrorKind kind) noexcept;

/// The only exception that a plugin throws on purpose. A message is a link in one line such as
/// `cannot apply foo@2.service: fleet at http://…: connection refused`: lower case, no final period, no secrets.
class DEPLOYER_SDK_EXPORT Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message);
    ~Error() override;
    Error(const Error&) = default;
    Error(Error&&) = default;
    Error& operator=(const Error&) = default;
    Error& operator=(Error&&) = default;

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

    /// The same failure as the caller reports it: with "`doing`: " before the message.
    [[nodiscard]] Error while_doing(std::string_view doing) const;

    /// The same failure, with the pause that the other side asks for before the next attempt. It lengthens the engine's
    /// own pause before the next cycle, up to the longest pause that is configured.
    [[nodiscard]] Error with_retry_after(std::chrono::milliseconds pause) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }

private:
    ErrorKind kind_;
    std::optional<std::chrono::milliseconds> retry_after_;
};

}  // namespace deployer
