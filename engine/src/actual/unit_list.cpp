#include "actual/unit_list.hpp"

#include "text/json_fields.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>

#include <map>
#include <string>

namespace deployer {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

std::vector<UnitOption> read_options(const Array& array) {
    std::vector<UnitOption> options;
    options.reserve(array.size());
    for (std::size_t i = 0; i < array.size(); ++i) {
        const auto triple = array.getArray(static_cast<unsigned>(i));
        if (!triple || triple->size() != 3) throw Poco::DataFormatException("option");
        options.push_back({triple->getElement<std::string>(0), triple->getElement<std::string>(1),
                           triple->getElement<std::string>(2)});
    }
    return options;
}

std::vector<SharedContent> read_contents(const Object& root) {
    const auto array = array_of(root, "contents");
    std::vector<SharedContent> contents;
    contents.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto options = array->getArray(static_cast<unsigned>(i));
        if (!options) throw Poco::DataFormatException("contents");
        contents.push_back(make_content(read_options(*options)));
    }
    return contents;
}

Array write_options(const std::vector<UnitOption>& options) {
    Array array;
    for (const auto& option : options) {
        Array triple;
        triple.add(option.section).add(option.name).add(option.value);
        array.add(triple);
    }
    return array;
}

}  // namespace

void write_units(const std::vector<DeployedUnit>& units, Object& object) {
    Array contents;
    std::map<const Content*, std::size_t> numbers;
    Array array;
    for (const auto& unit : units) {
        const auto [number, fresh] = numbers.try_emplace(unit.content.get(), numbers.size());
        if (fresh) contents.add(write_options(unit.content->options));
        Object entry;
        entry.set("name", unit.name);
        entry.set("desiredState", std::string(to_string(unit.desired_state)));
        entry.set("content", number->second);
        array.add(entry);
    }
    object.set("contents", contents);
    object.set("units", array);
}

std::vector<DeployedUnit> read_units(const Object& object) {
    const auto contents = read_contents(object);
    const auto array = array_of(object, "units");
    std::vector<DeployedUnit> units;
    units.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto unit = object_at(*array, i);
        const auto state = desired_state_from(text_of(*unit, "desiredState"));
        const auto content = unit->getValue<std::size_t>("content");
        if (!state || content >= contents.size()) throw Poco::DataFormatException("unit");
        units.push_back({text_of(*unit, "name"), contents[content], *state});
    }
    return units;
}

}  // namespace deployer
