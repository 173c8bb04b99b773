#include "promise.hpp"

#include <deployer/unit.hpp>

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>

#include <json_object.hpp>
#include <unit_json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

using namespace deployer;

namespace {

std::optional<Unit> read(const std::string& text, const json::UnitLeniency& leniency) {
    try {
        return json::read_unit(json::Fields(Poco::JSON::Parser().parse(text)), leniency);
    } catch (const Poco::Exception&) {
        return std::nullopt;
    }
}

void check(const std::string& text, const json::UnitLeniency& leniency) {
    const auto unit = read(text, leniency);
    if (!unit) return;
    std::string written;
    json::append_unit(written, *unit);
    const auto again = read(written, {});
    promise(again.has_value(), "a unit that was written is read");
    promise(again->name == unit->name, "its name comes back");
    promise(again->options == unit->options, "its options come back");
    promise(again->desired_state == unit->desired_state, "its desired state comes back");
}

}  // namespace

/// The text is a unit as some program or server writes it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    check(text, {});
    check(text, {DesiredState::loaded, true});
    return 0;
}
