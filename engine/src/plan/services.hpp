#pragma once

#include <deployer/unit_name.hpp>

#include <string_view>
#include <unordered_set>

namespace deployer {

using ServiceSet = std::unordered_set<std::string_view>;

/// The services of wanted or actual units. The set refers to the units' names, so the units have to outlive it.
template <class Units>
ServiceSet services_of(const Units& units) {
    ServiceSet services;
    services.reserve(units.size());
    for (const auto& unit : units) services.insert(service_name(unit.name));
    return services;
}

}  // namespace deployer
