#include "wanted/wanted.hpp"

#include "wanted/git_leftover.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace deployer {

namespace {

constexpr std::string_view manifest_location = "services.yaml";

bool is_absolute(std::string_view location) {
    return location.substr(0, 7) == "http://" || location.substr(0, 8) == "https://";
}

/// Where to look when a service file is wrong: "foo@.service (units/foo, services.yaml:12)". An absolute uri is left
/// out, since it may hold a password; the line number leads to it.
std::string describe(const Manifest& manifest, const ServiceDefinition& definition) {
    const bool has_own_place = definition.location != definition.name && !is_absolute(definition.location);
    return definition.name + " (" + (has_own_place ? definition.location + ", " : "") + manifest.file + ":" +
           std::to_string(definition.line) + ")";
}

constexpr std::string_view placeholder = "DOCKER_APP_VERSION=latest";

/// Comments are whole lines, also between the parts of a continued line, as for parse_unit_file().
bool is_in_comment(std::string_view text, std::size_t offset) {
    const auto line = text.substr(text.substr(0, offset).rfind('\n') + 1);
    const auto start = std::min(line.find_first_not_of(" \t\r\v\f"), line.size());
    return line.substr(start).starts_with('#') || line.substr(start).starts_with(';');
}

/// The text with the version in place of the first placeholder that is in no comment; nullopt when there is none.
std::optional<std::string> put_version_in(std::string text, const std::string& version) {
    auto found = text.find(placeholder);
    while (found != std::string::npos && is_in_comment(text, found)) found = text.find(placeholder, found + 1);
    if (found == std::string::npos) return std::nullopt;
    const auto name = placeholder.substr(0, placeholder.find('=') + 1);
    text.replace(found + name.size(), placeholder.size() - name.size(), version);
    return text;
}

/// Whether an error concerns this one file. `unavailable` concerns every file of the source, except for an absolute
/// uri: its host is to blame, and other files come from elsewhere.
bool concerns_file_alone(const Error& error, const ServiceDefinition& definition) {
    switch (error.kind()) {
        case ErrorKind::cancelled:
            return false;
        case ErrorKind::unavailable:
            return is_absolute(definition.location);
        case ErrorKind::rejected:
        case ErrorKind::not_found:
        case ErrorKind::misconfigured:
        case ErrorKind::internal:
            return true;
    }
    return false;
}

/// Whether the same request may succeed next time. A foreign host's answer is not part of the revision, so it may
/// change; a request that the source refuses to make will be refused again.
bool may_pass(const Error& error, const ServiceDefinition& definition) {
    return is_absolute(definition.location) && error.kind() != ErrorKind::rejected &&
           error.kind() != ErrorKind::misconfigured;
}

/// The content of a service file. If it cannot be used: null, and `state` says why the service is held.
SharedContent read_content(const Manifest& manifest, const ServiceDefinition& definition, const File& file,
                           WantedState& state) {
    const auto hold = [&](const Error& error, bool passing) {
        state.held.push_back({std::string(service_name(definition.name)),
                              error.while_doing(describe(manifest, definition)).what(), passing});
    };
    if (file.error) {
        if (!concerns_file_alone(*file.error, definition)) {
            throw file.error->while_doing("cannot read " + describe(manifest, definition));
        }
        hold(*file.error, may_pass(*file.error, definition));
        return nullptr;
    }
    const auto versioned = definition.version ? put_version_in(file.content, *definition.version) : std::nullopt;
    try {
        if (const auto leftover = find_git_leftover(file.content)) {
            throw Error(ErrorKind::rejected, "line " + std::to_string(leftover->line) + ": " + leftover->problem);
        }
        auto content = make_content(parse_unit_file(versioned.value_or(file.content)));
        if (definition.version && !versioned) {
            state.warnings.push_back(manifest.file + ":" + std::to_string(definition.line) + ": version " +
                                     quote(*definition.version) + " of " + definition.name +
                                     " has no effect: no option of its service file holds " + std::string(placeholder));
        }
        return content;
    } catch (const Error& error) {
        hold(error, is_absolute(definition.location));
        return nullptr;
    }
}

/// A unit and the line of services.yaml that it comes from.
struct Candidate {
    WantedUnit unit;
    int line = 0;
};

void add_units(const ServiceDefinition& definition, const SharedContent& content, std::vector<Candidate>& candidates) {
    const auto add = [&](std::string name) {
        candidates.push_back({{std::move(name), content, definition.desired_state}, definition.line});
    };
    if (!definition.count) {
        add(definition.name);
        return;
    }
    for (int node = 1; node <= *definition.count; ++node) {
        add(with_instance(definition.name, std::to_string(node)));
    }
}

/// Sorts the units. Of units with the same name (a node written out besides its template) the last one counts, as with
/// entries.
std::vector<WantedUnit> settle(std::vector<Candidate> candidates, const std::string& file,
                               std::vector<std::string>& warnings) {
    std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& left, const Candidate& right) {
        return numeric_less(left.unit.name, right.unit.name);
    });
    std::vector<WantedUnit> units;
    units.reserve(candidates.size());
    for (auto candidate = candidates.begin(); candidate != candidates.end(); ++candidate) {
        const auto next = std::next(candidate);
        if (next == candidates.end() || next->unit.name != candidate->unit.name) {
            units.push_back(std::move(candidate->unit));
            continue;
        }
        warnings.push_back(file + ":" + std::to_string(next->line) + ": " + next->unit.name +
                           " is also made by the entry on line " + std::to_string(candidate->line) +
                           "; the last entry counts");
    }
    return units;
}

/// Ranks reactions by care: the more a reaction leaves unchanged, the more careful it is.
int care_of(const std::optional<OnTimeout>& on_timeout) {
    if (!on_timeout) return 0;
    return *on_timeout == OnTimeout::go_on ? 1 : *on_timeout == OnTimeout::rollback ? 2 : 3;
}

/// Joins the rules of two entries of a service: the more careful rule counts.
void merge(RolloutRules& all, const RolloutRules& rules) {
    all.sequential |= rules.sequential;
    all.canary |= rules.canary;
    if (care_of(rules.on_timeout) > care_of(all.on_timeout)) all.on_timeout = rules.on_timeout;
    if (rules.max_unavailable) {
        all.max_unavailable = std::min(all.max_unavailable.value_or(*rules.max_unavailable), *rules.max_unavailable);
    }
}

}  // namespace

std::vector<FileRequest> file_requests(const Manifest& manifest) {
    std::vector<FileRequest> requests;
    requests.reserve(manifest.services.size());
    for (const auto& definition : manifest.services) {
        requests.push_back({definition.location});
    }
    return requests;
}

WantedState expand(const Manifest& manifest, std::span<const File> files, const Revision& revision) {
    const auto& definitions = manifest.services;
    if (files.size() != definitions.size()) {
        throw Error(ErrorKind::internal, "the source gave " + std::to_string(files.size()) + " files for " +
                                             std::to_string(definitions.size()) + " requests");
    }
    WantedState state{revision, {}, {}, manifest.held, manifest.warnings};
    std::vector<SharedContent> contents;
    contents.reserve(definitions.size());
    for (std::size_t index = 0; index < definitions.size(); ++index) {
        contents.push_back(read_content(manifest, definitions[index], files[index], state));
    }

    // One bad file or entry holds the whole service, nodes and sidekicks, so all files have to be read first.
    std::set<std::string, std::less<>> held_services;
    for (const auto& held : state.held) {
        held_services.insert(held.service);
    }
    std::vector<Candidate> candidates;
    for (std::size_t index = 0; index < definitions.size(); ++index) {
        const auto service = service_name(definitions[index].name);
        if (const auto& rules = definitions[index].rules; !(rules == RolloutRules{})) {
            merge(state.rules[std::string(service)], rules);
        }
        if (!held_services.contains(service)) {
            add_units(definitions[index], contents[index], candidates);
        }
    }
    for (const auto& [service, rules] : state.rules) {
        if (rules.gated()) continue;
        state.warnings.push_back(manifest.file + ": " + (rules.on_timeout ? "on_timeout" : "max_unavailable") +
                                 " has no effect on " + service +
                                 ": its rollout waits for no node, without sequentialDeployment or canary");
    }
    state.units = settle(std::move(candidates), manifest.file, state.warnings);
    std::stable_sort(state.held.begin(), state.held.end(),
                     [](const Held& left, const Held& right) { return numeric_less(left.service, right.service); });
    return state;
}

std::string template_name(const std::string& unit) {
    const auto instance = instance_of(unit);
    if (instance.empty()) return unit;
    const auto begin = static_cast<std::size_t>(instance.data() - unit.data());
    return unit.substr(0, begin) + unit.substr(begin + instance.size());
}

std::map<std::string, std::string, std::less<>> group_digests(const WantedState& wanted) {
    std::map<std::string, std::set<std::string>, std::less<>> parts;
    for (const auto& unit : wanted.units) {
        parts[std::string(service_name(unit.name))].insert(template_name(unit.name) + ' ' + unit.content->digest + ' ' +
                                                           std::string(to_string(unit.desired_state)));
    }
    std::map<std::string, std::string, std::less<>> digests;
    for (const auto& [service, lines] : parts) {
        Poco::SHA1Engine engine;
        for (const auto& line : lines) engine.update(line + '\n');
        digests.emplace(service, Poco::DigestEngine::digestToHex(engine.digest()));
    }
    return digests;
}

WantedState read_wanted(Checkout& checkout, const Call& call) {
    const std::vector<FileRequest> manifest_request{{std::string(manifest_location)}};
    const auto answer = checkout.read(manifest_request, call);
    if (answer.size() != 1) {
        throw Error(ErrorKind::internal, "the source gave " + std::to_string(answer.size()) + " files for 1 request");
    }
    if (answer.front().error) {
        throw answer.front().error->while_doing("cannot read " + std::string(manifest_location));
    }
    const auto manifest = read_manifest(answer.front().content, std::string(manifest_location));
    const auto files = checkout.read(file_requests(manifest), call);
    // The revision is asked for last, because a source may learn it only from the files that it reads.
    return expand(manifest, files, checkout.revision());
}

}  // namespace deployer
