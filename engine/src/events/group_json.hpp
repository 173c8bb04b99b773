#pragma once

#include "events/report.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/JSON/Array.h>

#include <json_document.hpp>

#include <string>
#include <vector>

namespace deployer {

/// Outcomes of services as reports and the history show them.
inline Poco::JSON::Array write_groups(const std::vector<GroupOutcome>& groups) {
    Poco::JSON::Array array;
    for (const auto& group : groups) {
        auto object = json::ordered_object();
        object.set("service", printable(group.service));
        object.set("outcome", std::string(to_string(group.outcome)));
        if (!group.detail.empty()) object.set("detail", printable(group.detail));
        array.add(object);
    }
    return array;
}

}  // namespace deployer
