#pragma once

#include <chrono>
#include <deployer/export.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
namespace deployer {
enum class ErrorKind {
    unavailable,
    rejected,
    not_found,
    misconfigured,
    cancelled,
    internal,
};
DEPLOYER_SDK_EXPORT std::string_view to_string(ErrorKind kind) noexcept;
class DEPLOYER_SDK_EXPORT Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message);
    ~Error() override;
    Error(const Error&) = default;
    Error(Error&&) = default;
    Error& operator=(const Error&) = default;
    Error& operator=(Error&&) = default;
    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] Error while_doing(std::string_view doing) const;
    [[nodiscard]] Error with_retry_after(std::chrono::milliseconds pause) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }

private:
    ErrorKind kind_;
    std::optional<std::chrono::milliseconds> retry_after_;
};
}  // namespace deployer
