#include "actual/actual.hpp"

#include "actual/unit_list.hpp"

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

using Poco::JSON::Object;

constexpr int snapshot_format = 1;

/// Shares equal contents. The nodes of a service mostly have the same content, so thousands of units stay small.
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

}  // namespace

ActualState actual_from(std::vector<ActualUnit> listing) {
    ActualState actual;
    ContentPool pool;
    actual.units.reserve(listing.size());
    for (auto& listed : listing) {
        auto& unit = listed.unit;
        const auto& word = listed.current_state;
        if (!word.empty() && word != to_string(unit.desired_state)) actual.in_doubt.insert(unit.name);
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
    Object root;
    root.set("format", snapshot_format);
    root.set("target", std::string(identity));
    write_units(actual.units, root);
    Poco::JSON::Array in_doubt;
    for (const auto& unit : actual.in_doubt) in_doubt.add(unit);
    root.set("in_doubt", in_doubt);
    std::ostringstream out;
    root.stringify(out);
    return std::move(out).str();
}

std::optional<ActualState> read_snapshot(std::string_view document, std::string_view identity) try {
    Poco::JSON::Parser parser;
    const json::Fields root(parser.parse(std::string(document)));
    if (root.count("format") != snapshot_format || root.text("target") != identity) return std::nullopt;
    ActualState actual{read_units(root)};
    if (root.has("in_doubt")) {
        for (auto& unit : root.texts("in_doubt")) actual.in_doubt.insert(std::move(unit));
    }
    return actual;
} catch (const Poco::Exception&) {
    // A damaged snapshot counts as missing: the target is listed instead.
    return std::nullopt;
}

}  // namespace deployer
