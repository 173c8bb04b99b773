#pragma once

#include <deployer/export.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// The reason why a unit name is invalid, or nullopt for a valid one: at most 256 of `[a-zA-Z0-9:_.\@-]`, not starting
/// with `@`, ending in a type suffix of systemd.unit(5) with something before it. A template (`foo@.service`) passes.
/// The answer goes after the name in a sentence: "is empty", "does not end in a unit type such as .service or .timer".
DEPLOYER_SDK_EXPORT std::optional<std::string> unit_name_problem(std::string_view name);

/// The service that a unit belongs to: the unit's name up to the first `-sidekick`, else up to `@`, else without its
/// type suffix.
DEPLOYER_SDK_EXPORT std::string_view service_name(std::string_view unit_name) noexcept;

/// Whether `word` (without a dot) looks like a unit type: is one (`service`), begins one (`serv`) or is a near
/// misspelling of one (`servcie`).
DEPLOYER_SDK_EXPORT bool resembles_unit_type(std::string_view word);

/// Whether the unit is a sidekick, which goes along with a node: its name contains `-sidekick`.
DEPLOYER_SDK_EXPORT bool is_sidekick(std::string_view unit_name) noexcept;

/// Whether the name is that of a template, such as `foo@.service`: a template stands for its nodes and is no unit.
DEPLOYER_SDK_EXPORT bool is_template(std::string_view unit_name) noexcept;

/// The `2` of `foo@2.service`; empty for plain names and templates.
DEPLOYER_SDK_EXPORT std::string_view instance_of(std::string_view unit_name) noexcept;

/// `foo@.service` with instance `2` gives `foo@2.service`.
DEPLOYER_SDK_EXPORT std::string with_instance(std::string_view template_name, std::string_view instance);

/// Orders names as people expect: runs of digits by their value (`foo@2` before `foo@10`). A strict total order.
DEPLOYER_SDK_EXPORT bool numeric_less(std::string_view left, std::string_view right) noexcept;

}  // namespace deployer
