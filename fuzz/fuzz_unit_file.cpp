#include "message.hpp"
#include "promise.hpp"
#include "stored_unit.hpp"
#include "target-fleet/unit_check.hpp"

#include <deployer/error.hpp>
#include <deployer/unit.hpp>
#include <deployer/unit_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;

namespace {

void check_round_trip(const std::vector<UnitOption>& options) {
    const auto text = write_unit_file(options);
    const auto again = parse_unit_file(text);
    promise(again.size() == options.size(), "every option that was written is read");
    promise(write_unit_file(again) == text, "what was read is written the same");
    promise(parse_unit_file(write_unit_file(again)) == again, "what is in order is read as it was");
    promise(unit_file_hash(again) == unit_file_hash(options), "a round trip keeps the hash");
    promise(content_digest(again) == content_digest(options), "a round trip keeps the digest");
}

/// Promises that a unit that comes back from fleet has the same content; otherwise every cycle would update it.
/// target-fleet rejects a unit that fleet would store with a change.
void check_stored(const std::vector<UnitOption>& options) {
    if (fleet::find_problem({"fuzz.service", options, DesiredState::launched})) return;
    const auto stored = StoredUnit(write_unit_file(options)).read();
    promise(stored.has_value(), "what the plugin takes can be stored");
    promise(stored->size() == options.size(), "every option that was stored comes back");
    promise(content_digest(*stored) == content_digest(options), "what comes back has the digest of what was stored");
}

void check_white_space(std::vector<UnitOption> options) {
    const auto digest = content_digest(options);
    for (auto& option : options) {
        std::string spaced;
        for (const char byte : option.value) spaced += byte == ' ' ? std::string(" \t \\\n ") : std::string(1, byte);
        option.value = "  \u00A0" + spaced + "\t\u2003\f";
    }
    promise(content_digest(options) == digest, "white space does not change the digest");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto options = parse_unit_file(text);
        promise(!options.empty(), "a unit file that is read has options");
        for (const auto& [section, name, value] : options) {
            promise(!section.empty() && !name.empty(), "an option has a section and a name");
            promise(name.size() + 1 + value.size() < unit_line_limit, "an option is below the limit");
        }
        check_round_trip(options);
        check_stored(options);
        check_white_space(options);
    } catch (const Error& error) {
        promise(error.kind() == ErrorKind::rejected, "a bad unit file is rejected");
        promise_message(error.what());
    }
    return 0;
}
