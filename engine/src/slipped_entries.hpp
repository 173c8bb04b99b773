#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A `name: UNIT` in the text of services.yaml, whatever YAML takes it for.
struct NameInText {
    std::string unit;
    int line = 0;  ///< of the word `name`

    bool operator==(const NameInText&) const = default;
};

/// All that name a valid unit, in order. Those in a line that begins with `#` were commented out and are left out; but
/// not an entry that a comment of other words has run into (`# the edge - name: foo.service`).
std::vector<NameInText> names_in_text(std::string_view text);

}  // namespace deployer
