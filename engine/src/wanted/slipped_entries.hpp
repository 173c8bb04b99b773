#pragma once

#include <deployer/settings.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A `name: UNIT` in the text of services.yaml, whether or not it is a key and a value to YAML.
struct NameInText {
    enum class Place {
        text,
        comment,         ///< in a comment behind other words: the comment may have swallowed an entry
        above_its_rest,  ///< commented out, while keys below, perhaps of the same entry, are not
    };
    std::string unit;
    int line = 0;  ///< of the word `name`
    Place place = Place::text;

    bool operator==(const NameInText&) const = default;
};

/// All `name: UNIT` of the text with a valid unit name, by line. Names in comment lines are left out, since somebody
/// commented them out. Two kinds are not left out: an entry that follows other words of a comment (`# the edge - name:
/// foo.service`), and an entry of which only some lines were commented out, the name among them.
std::vector<NameInText> names_in_text(std::string_view text);

/// All `name: UNIT` with a valid unit name within values of the entries, as YAML reads them. That finds spellings which
/// a search of the text misses.
std::vector<NameInText> names_below_entries(const SettingsNode& services);

}  // namespace deployer
