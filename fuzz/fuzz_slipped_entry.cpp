#include "actual/actual.hpp"
#include "plan/planner.hpp"
#include "promise.hpp"
#include "slip.hpp"
#include "wanted/manifest.hpp"
#include "wanted/wanted.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// An input is a valid services.yaml, a NUL, and slips of the hand, which are applied to the file one after the other.
// The target runs what the valid file declares; then a plan is made for the slipped file.
//
// The model: a unit is not destroyed if a `name:` of the slipped file still names it, unless the file gives a lower
// count. The model reads the file as text and knows nothing of YAML except comments.

namespace {

/// The wanted state of the list. All services have the same service file, because only the list has slips.
WantedState wanted_by(const Manifest& manifest) {
    const std::vector<File> files(manifest.services.size(), File{"[Service]\nExecStart=/bin/true\n", {}});
    return expand(manifest, files, {"fuzz"});
}

std::optional<Manifest> read(std::string_view text) try { return read_manifest(text); } catch (const Error&) {
    return std::nullopt;
}

ActualState running(const WantedState& wanted) {
    ActualState actual;
    for (const auto& unit : wanted.units) actual.units.push_back({unit.name, unit.content, unit.desired_state});
    return actual;
}

bool is_of_name(char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z') || (value >= '0' && value <= '9') ||
           (value != 0 && std::string_view(":_.\\@-").find(byte) != std::string_view::npos);
}

std::string_view without_end(std::string_view text, std::string_view characters) {
    return text.substr(0, text.find_last_not_of(characters) + 1);
}

/// Whether the last line of `before` was made a comment as a whole: between its # and the end of `before` there are
/// only signs of YAML, or earlier keys of an entry in braces.
bool is_comment(std::string_view before) {
    const auto line = before.substr(before.rfind('\n') + 1);
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] != '#') return false;
    const auto words = line.find_first_not_of("# \t-?{\"'");
    return words == std::string_view::npos || without_end(line, " \t\"'").ends_with(',');
}

/// Whether the text ends in `name:` as a word of its own and outside of comments.
bool ends_in_key(std::string_view before) {
    before = without_end(before, "\"'");
    before = without_end(before, " \t\r\n");
    if (!before.ends_with(':')) return false;
    before.remove_suffix(1);
    before = without_end(before, " \t\r\n");
    before = without_end(before, "\"'");
    if (!before.ends_with("name")) return false;
    before.remove_suffix(4);
    if (is_comment(before)) return false;
    if (before.ends_with('-')) before.remove_suffix(1);
    return before.empty() || before.ends_with('-') || before.ends_with(':') || before.ends_with('\\') ||
           before.ends_with('@') || !is_of_name(before.back());
}

/// Whether the text of the file names this unit or template.
bool is_named(std::string_view text, std::string_view name) {
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
        const auto after = text.substr(at + name.size());
        if ((after.empty() || !is_of_name(after.front())) && ends_in_key(text.substr(0, at))) return true;
    }
    return false;
}

/// Whether the text of the file has `count:` with this value.
bool has_count(std::string_view text, const std::string& count) {
    for (auto at = text.find("count"); at != std::string_view::npos; at = text.find("count", at + 1)) {
        auto after = text.substr(at + 5);
        after.remove_prefix(std::min(after.find_first_not_of("\"' \t\r\n"), after.size()));
        if (!after.starts_with(':')) continue;
        after.remove_prefix(std::min(after.find_first_not_of(" \t\r\n", 1), after.size()));
        if (after.substr(0, after.find_first_not_of("0123456789")) == count) return true;
    }
    return false;
}

/// Whether the file explicitly gives a template a count below this unit's number.
bool is_counted_out(std::string_view text, const Manifest& manifest, const std::string& definition,
                    const std::string& unit) {
    return std::any_of(manifest.services.begin(), manifest.services.end(), [&](const ServiceDefinition& service) {
        return service.name == definition && service.count &&
               std::stoi(std::string(instance_of(unit))) > *service.count &&
               has_count(text, std::to_string(*service.count));
    });
}

/// For each unit, the name in the file that declares it.
std::map<std::string, std::string> definitions_of(const Manifest& manifest) {
    std::map<std::string, std::string> definitions;
    for (const auto& service : manifest.services) {
        if (!service.count) definitions[service.name] = service.name;
        for (int node = 1; node <= service.count.value_or(0); ++node) {
            definitions[with_instance(service.name, std::to_string(node))] = service.name;
        }
    }
    return definitions;
}

constexpr std::size_t most_units = 200;

/// The cluster after the valid file was deployed.
struct Cluster {
    std::map<std::string, std::string> definitions;
    ActualState actual;
};

/// The cluster for a valid file; nullopt for an invalid one.
std::optional<Cluster> deployed(std::string_view valid) {
    const auto manifest = read(valid);
    if (!manifest || !manifest->held.empty()) return std::nullopt;
    auto definitions = definitions_of(*manifest);
    if (definitions.size() > most_units) return std::nullopt;
    return Cluster{std::move(definitions), running(wanted_by(*manifest))};
}

/// Remembers the last cluster, because the fuzzer mostly tries many slips of the same file in turn.
const std::optional<Cluster>& cluster_of(std::string_view valid) {
    static std::string last;
    static std::optional<Cluster> cluster;
    if (valid != last) {
        cluster = deployed(valid);
        last = valid;
    }
    return cluster;
}

void check(const Cluster& cluster, const std::string& slipped) {
    const auto manifest = read(slipped);
    if (!manifest || definitions_of(*manifest).size() > most_units) return;
    const PlanPolicy policy{true, {100, true}, {}};
    const auto plan = make_plan(wanted_by(*manifest), cluster.actual, policy);
    for (const auto& change : plan.changes) {
        if (!is_destroy(change.kind)) continue;
        const auto& definition = cluster.definitions.at(change.unit);
        const bool is_kept =
            is_named(slipped, definition) && !is_counted_out(slipped, *manifest, definition, change.unit);
        if (is_kept) std::fprintf(stderr, "%s is to be destroyed by:\n%s\n", change.unit.c_str(), slipped.c_str());
        promise(!is_kept, "what the file still names is not destroyed");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto valid = input.substr(0, input.find('\0'));
    const auto slips = input.substr(std::min(valid.size() + 1, input.size()));
    if (const auto& cluster = cluster_of(valid)) check(*cluster, slip(std::string(valid), slips));
    return 0;
}

/// Mutates the slips mostly, and the file now and then.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    const auto* const end = std::find(data, data + size, std::uint8_t{0});
    auto length = static_cast<std::size_t>(end - data);
    if (length + slip_size + 1 > max_size) return LLVMFuzzerMutate(data, size, max_size);
    constexpr unsigned rarely = 50;
    if (seed % rarely == 0) {
        length = LLVMFuzzerMutate(data, length, max_size);
        return static_cast<std::size_t>(std::find(data, data + length, std::uint8_t{0}) - data);
    }
    data[length] = 0;
    const auto begin = length + 1;
    const auto slips = size > begin ? size - begin : 0;
    const auto room = std::min(max_size - begin, most_slips * slip_size);
    return begin + LLVMFuzzerMutate(data + begin, std::min(slips, room), room);
}
