#pragma once

#include "json_object.hpp"
#include "json_text.hpp"

#include <deployer/unit.hpp>

#include <optional>
#include <string>
#include <vector>

namespace deployer::json {

/// The members of a unit that may be missing in JSON. A unit is {"name": …, "options": [{"section": …, "name": …,
/// "value": …}, …], "desiredState": …}, as in fleet's API; the value of an option without one is empty.
struct UnitLeniency {
    std::optional<DesiredState> absent_state{};  ///< the state of a unit without one; absent: a state is required
    bool empty_is_absent = false;  ///< an empty text counts as missing, because fleet leaves empty texts out
};

/// Reads a unit. Throws Mistake. Does not check whether systemd would accept the name.
[[nodiscard]] Unit read_unit(const Fields& fields, const UnitLeniency& leniency);

/// Appends {"section": …, "name": …, "value": …}.
void append_option(std::string& out, const UnitOption& option, Style style = Style::compact);

/// Appends options as a list: [{…},{…}].
void append_options(std::string& out, const std::vector<UnitOption>& options);

/// Appends {"name":…,"options":[…],"desiredState":…}, as read_unit() reads it.
void append_unit(std::string& out, const Unit& unit);

/// Options as lists of section, name and value, a third of the size: [["Unit","After","a.service"], …].
[[nodiscard]] Poco::JSON::Array option_triples(const std::vector<UnitOption>& options);
/// Reads options from such lists; `place` is the place of the outer list. Throws Mistake.
[[nodiscard]] std::vector<UnitOption> read_option_triples(const Poco::Dynamic::Var& value, const std::string& place);

}  // namespace deployer::json
