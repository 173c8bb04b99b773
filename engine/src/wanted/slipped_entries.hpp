#pragma once

#include <deployer/settings.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A `name: UNIT` in services.yaml, whatever YAML takes it for.
struct NameInText {
    enum class Place {
        text,
        comment,         ///< behind other words, which may have run into an entry
        above_its_rest,  ///< commented out, while keys of what may be the same entry are not
    };
    std::string unit;
    int line = 0;  ///< of the word `name`
    Place place = Place::text;

    bool operator==(const NameInText&) const = default;
};

/// All in the text that name a valid unit, by line. Those in a line that begins with `#` were commented out and are
/// left out; but not an entry that a comment of other words has run into (`# the edge - name: foo.service`), nor one of
/// which only some lines were commented out, the name among them.
std::vector<NameInText> names_in_text(std::string_view text);

/// All that name a valid unit below the entries of `services`, as YAML reads them: a spelling that the text alone does
/// not tell is no matter.
std::vector<NameInText> names_below_entries(const SettingsNode& services);

}  // namespace deployer
