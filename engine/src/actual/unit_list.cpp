#include "actual/unit_list.hpp"

#include <Poco/JSON/Array.h>

#include <unit_json.hpp>

#include <cstddef>
#include <map>
#include <string>

namespace deployer {

using json::Fields;
using Poco::JSON::Array;
using Poco::JSON::Object;

void write_units(const std::vector<DeployedUnit>& units, Object& object) {
    Array contents;
    std::map<const Content*, std::size_t> numbers;
    Array array;
    for (const auto& unit : units) {
        const auto [number, fresh] = numbers.try_emplace(unit.content.get(), numbers.size());
        if (fresh) contents.add(json::option_triples(unit.content->options));
        Object entry;
        entry.set("name", unit.name);
        entry.set("desiredState", std::string(to_string(unit.desired_state)));
        entry.set("content", number->second);
        array.add(entry);
    }
    object.set("contents", contents);
    object.set("units", array);
}

std::vector<DeployedUnit> read_units(const Fields& object) {
    const auto contents = object.list("contents", [](const auto& value, const std::string& place) {
        return make_content(json::read_option_triples(value, place));
    });
    return object.objects("units", [&](const Fields& unit) {
        const auto state = desired_state_from(unit.text("desiredState"));
        const auto content = static_cast<std::size_t>(unit.count("content"));
        if (!state || content >= contents.size()) unit.refuse("", "is no unit");
        return DeployedUnit{unit.text("name"), contents[content], *state};
    });
}

}  // namespace deployer
