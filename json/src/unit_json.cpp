#include "unit_json.hpp"

#include <deployer/foreign_text.hpp>

#include <cstddef>
#include <utility>

namespace deployer::json {
namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;

UnitOption read_option(const Fields& fields, const UnitLeniency& leniency) {
    const auto text = [&](const std::string& key) {
        return leniency.empty_is_absent ? fields.find_text(key).value_or("") : fields.text(key);
    };
    auto section = text("section");
    auto name = text("name");
    return {std::move(section), std::move(name), fields.find_text("value").value_or("")};
}

std::optional<std::string> find_state(const Fields& fields, const UnitLeniency& leniency) {
    auto word = fields.find_text("desiredState");
    if (word && word->empty() && leniency.empty_is_absent) fields.refuse("desiredState", "is missing");
    return word;
}

DesiredState read_desired_state(const Fields& fields, const UnitLeniency& leniency) {
    const auto word = find_state(fields, leniency);
    if (!word && leniency.absent_state) return *leniency.absent_state;
    if (!word) fields.refuse("desiredState", "is missing");
    const auto state = desired_state_from(*word);
    if (!state) fields.refuse("desiredState", "is " + quote(*word) + ", none of inactive, loaded and launched");
    return *state;
}

std::string read_name(const Fields& fields, const UnitLeniency& leniency) {
    auto name = fields.text("name");
    if (name.empty() && leniency.empty_is_absent) fields.refuse("name", "is missing");
    return name;
}

}  // namespace

Unit read_unit(const Fields& fields, const UnitLeniency& leniency) {
    Unit unit;
    unit.name = read_name(fields, leniency);
    unit.options = fields.objects("options", [&](const Fields& option) { return read_option(option, leniency); });
    unit.desired_state = read_desired_state(fields, leniency);
    return unit;
}

void append_option(std::string& out, const UnitOption& option, Style style) {
    out += '{';
    append_member(out, "section", option.section, style);
    append_comma(out, style);
    append_member(out, "name", option.name, style);
    append_comma(out, style);
    append_member(out, "value", option.value, style);
    out += '}';
}

void append_options(std::string& out, const std::vector<UnitOption>& options) {
    out += '[';
    for (std::size_t index = 0; index < options.size(); ++index) {
        if (index > 0) append_comma(out);
        append_option(out, options[index]);
    }
    out += ']';
}

void append_unit(std::string& out, const Unit& unit) {
    out += '{';
    append_member(out, "name", unit.name);
    out += ",\"options\":";
    append_options(out, unit.options);
    append_comma(out);
    append_member(out, "desiredState", to_string(unit.desired_state));
    out += '}';
}

Array option_triples(const std::vector<UnitOption>& options) {
    Array array;
    for (const auto& option : options) {
        Array triple;
        triple.add(option.section).add(option.name).add(option.value);
        array.add(triple);
    }
    return array;
}

std::vector<UnitOption> read_option_triples(const Var& value, const std::string& place) {
    const auto array_of = [](const Var& item, const std::string& where) {
        if (item.type() != typeid(Array::Ptr)) throw Mistake(where, "is no array");
        return item.extract<Array::Ptr>();
    };
    const auto array = array_of(value, place);
    std::vector<UnitOption> options;
    options.reserve(array->size());
    for (std::size_t index = 0; index < array->size(); ++index) {
        const auto where = place + '[' + std::to_string(index) + ']';
        const auto triple = array_of(array->get(static_cast<unsigned>(index)), where);
        if (triple->size() != 3) throw Mistake(where, "is not section, name and value");
        options.push_back(
            {read_text(triple->get(0), where), read_text(triple->get(1), where), read_text(triple->get(2), where)});
    }
    return options;
}

}  // namespace deployer::json
