#include "json_object.hpp"

#include <utility>

namespace deployer::json {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

Mistake::Mistake(std::string place, std::string_view problem)
    : Poco::DataFormatException(place + ' ' + std::string(problem)), place_(std::move(place)), problem_(problem) {}

Fields::Fields(const Var& value, std::string where) : where_(std::move(where)) {
    if (value.type() != typeid(Object::Ptr)) refuse("", "is no object");
    object_ = value.extract<Object::Ptr>();
}

std::string Fields::text(const std::string& key) const {
    auto found = find_text(key);
    if (!found) refuse(key, "is missing");
    return *std::move(found);
}

std::optional<std::string> Fields::find_text(const std::string& key) const {
    if (!has(key)) return std::nullopt;
    return read_text(value(key), where_ + key);
}

std::uint64_t Fields::count(const std::string& key) const {
    const auto found = find_count(key);
    if (!found) refuse(key, "is missing");
    return *found;
}

std::optional<std::uint64_t> Fields::find_count(const std::string& key) const {
    if (!has(key)) return std::nullopt;
    const auto found = value(key);
    // Poco treats a boolean as an integer, too.
    if (!found.isInteger() || found.isBoolean()) refuse(key, "is no whole number");
    try {
        return found.convert<Poco::UInt64>();
    } catch (const Poco::Exception&) {
        refuse(key, "is no whole number from 0");
    }
}

bool Fields::flag(const std::string& key) const {
    const auto found = value(key);
    if (!found.isBoolean()) refuse(key, has(key) ? "is neither true nor false" : "is missing");
    return found.convert<bool>();
}

std::vector<std::string> Fields::texts(const std::string& key) const {
    return list(key, read_text);
}

Array::Ptr Fields::array_at(const std::string& key) const {
    if (!has(key)) refuse(key, "is missing");
    const auto found = value(key);
    if (found.type() != typeid(Array::Ptr)) refuse(key, "is no array");
    return found.extract<Array::Ptr>();
}

void Fields::refuse(std::string_view key, std::string_view problem) const {
    auto place = where_ + std::string(key);
    if (place.ends_with('.')) place.pop_back();
    throw Mistake(place.empty() ? "the whole" : std::move(place), problem);
}

std::string read_text(const Var& value, const std::string& place) {
    if (value.type() != typeid(std::string)) throw Mistake(place, "is no text");
    return value.extract<std::string>();
}

}  // namespace deployer::json
