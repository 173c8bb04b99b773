#include "actual.hpp"

#include "json_fields.hpp"

#include <deployer/unit_name.hpp>

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace deployer {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr int snapshot_format = 1;

/// Nodes of a service mostly have one content; keeping it once keeps thousands of units small.
class ContentPool {
public:
    SharedContent share(std::vector<UnitOption> options) {
        auto fresh = make_content(std::move(options));
        auto& same_digest = contents_[fresh->digest];
        for (const auto& known : same_digest) {
            if (known->options == fresh->options) return known;
        }
        return same_digest.emplace_back(std::move(fresh));
    }

private:
    std::map<std::string, std::vector<SharedContent>> contents_;
};

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

ActualState read_units(const Object& root, const std::vector<SharedContent>& contents) {
    const auto array = array_of(root, "units");
    ActualState actual;
    actual.units.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto unit = object_at(*array, i);
        const auto state = desired_state_from(text_of(*unit, "desiredState"));
        const auto content = unit->getValue<std::size_t>("content");
        if (!state || content >= contents.size()) throw Poco::DataFormatException("unit");
        actual.units.push_back({text_of(*unit, "name"), contents[content], *state});
    }
    return actual;
}

}  // namespace

ActualState actual_from(std::vector<ActualUnit> listing) {
    ActualState actual;
    ContentPool pool;
    actual.units.reserve(listing.size());
    for (auto& listed : listing) {
        auto& unit = listed.unit;
        actual.units.push_back({std::move(unit.name), pool.share(std::move(unit.options)), unit.desired_state});
    }
    std::sort(actual.units.begin(), actual.units.end(),
              [](const auto& left, const auto& right) { return numeric_less(left.name, right.name); });
    const auto twice = std::adjacent_find(actual.units.begin(), actual.units.end(),
                                          [](const auto& left, const auto& right) { return left.name == right.name; });
    if (twice != actual.units.end()) {
        throw Error(ErrorKind::unavailable, "the listing names " + twice->name + " twice, so it cannot be trusted");
    }
    return actual;
}

std::string write_snapshot(const ActualState& actual, std::string_view identity) {
    Array contents;
    std::map<const Content*, std::size_t> numbers;
    Array units;
    for (const auto& unit : actual.units) {
        const auto [number, fresh] = numbers.try_emplace(unit.content.get(), numbers.size());
        if (fresh) {
            Array options;
            for (const auto& option : unit.content->options) {
                Array triple;
                triple.add(option.section).add(option.name).add(option.value);
                options.add(triple);
            }
            contents.add(options);
        }
        Object object;
        object.set("name", unit.name);
        object.set("desiredState", std::string(to_string(unit.desired_state)));
        object.set("content", number->second);
        units.add(object);
    }
    Object root;
    root.set("format", snapshot_format);
    root.set("target", std::string(identity));
    root.set("contents", contents);
    root.set("units", units);
    std::ostringstream out;
    root.stringify(out);
    return std::move(out).str();
}

std::optional<ActualState> read_snapshot(std::string_view document, std::string_view identity) try {
    Poco::JSON::Parser parser;
    const auto root = parser.parse(std::string(document)).extract<Object::Ptr>();
    if (root->getValue<int>("format") != snapshot_format || text_of(*root, "target") != identity) return std::nullopt;
    return read_units(*root, read_contents(*root));
} catch (const Poco::Exception&) {
    // A snapshot that is not whole is as good as none: the target is listed instead.
    return std::nullopt;
}

}  // namespace deployer
