#pragma once

#include <deployer/export.hpp>
#include <optional>
#include <string>
#include <string_view>
namespace deployer {
DEPLOYER_SDK_EXPORT std::optional<std::string> unit_name_problem(std::string_view name);
DEPLOYER_SDK_EXPORT std::string_view service_name(std::string_view unit_name) noexcept;
DEPLOYER_SDK_EXPORT bool resembles_unit_type(std::string_view word);
DEPLOYER_SDK_EXPORT bool is_sidekick(std::string_view unit_name) noexcept;
DEPLOYER_SDK_EXPORT bool is_template(std::string_view unit_name) noexcept;
DEPLOYER_SDK_EXPORT std::string_view instance_of(std::string_view unit_name) noexcept;
DEPLOYER_SDK_EXPORT std::string with_instance(std::string_view template_name, std::string_view instance);
DEPLOYER_SDK_EXPORT bool numeric_less(std::string_view left, std::string_view right) noexcept;
}  // namespace deployer
