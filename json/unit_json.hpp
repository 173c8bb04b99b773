#pragma once

#include "json_object.hpp"
#include "json_text.hpp"

#include <deployer/unit.hpp>

#include <optional>
#include <string>
#include <vector>

namespace deployer::json {

/// The parts of a unit that a reader of JSON can do without. A unit is {"name": …, "options": [{"section": …, "name":
/// …, "value": …}, …], "desiredState": …}, as fleet has it; a value that is missing is empty.
struct UnitLeniency {
    std::optional<DesiredState> absent_state{};  ///< the state of a unit that says none; absent: that is a mistake
    bool empty_is_absent = false;                ///< for a writer that leaves empty texts out, as fleet does
};

/// Throws Mistake. Does not check whether systemd would take the name.
[[nodiscard]] Unit read_unit(const Fields& fields, const UnitLeniency& leniency);

/// Appends {"section": …, "name": …, "value": …}.
void append_option(std::string& out, const UnitOption& option, Style style = Style::compact);

/// Appends [{…},{…}].
void append_options(std::string& out, const std::vector<UnitOption>& options);

/// Appends {"name":…,"options":[…],"desiredState":…}, as read_unit() reads it.
void append_unit(std::string& out, const Unit& unit);

/// Options as lists of section, name and value, a third of the size: [["Unit","After","a.service"], …].
[[nodiscard]] Poco::JSON::Array option_triples(const std::vector<UnitOption>& options);
/// The options back; `place` is that of the list. Throws Mistake.
[[nodiscard]] std::vector<UnitOption> read_option_triples(const Poco::Dynamic::Var& value, const std::string& place);

}  // namespace deployer::json
