#include "wanted/manifest.hpp"

#include "wanted/git_leftover.hpp"
#include "wanted/slipped_entries.hpp"
#include "yaml/yaml_document.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>
#include <deployer/settings.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

namespace deployer {

namespace {

constexpr long long most_nodes = 10'000;
constexpr long long most_units = 100'000;

using Document = std::shared_ptr<const SettingsDocument>;

/// The document with an empty block in place of each entry that is no block. Settings refuses a whole list for one such
/// entry; the empty block is refused alone, for lack of a name, and the other entries can be read.
Document with_blocks_only(Document document) {
    const auto& keys = document->root.keys;
    const auto services = std::find(keys.begin(), keys.end(), "services");
    if (services == keys.end()) {
        return document;
    }
    const auto is_block = [](const SettingsNode& entry) { return entry.kind == SettingsNode::Kind::block; };
    const auto index = static_cast<std::size_t>(services - keys.begin());
    const auto& list = document->root.items[index];
    if (list.kind != SettingsNode::Kind::list || std::all_of(list.items.begin(), list.items.end(), is_block)) {
        return document;
    }
    auto changed = std::make_shared<SettingsDocument>(*document);
    for (auto& entry : changed->root.items[index].items) {
        if (!is_block(entry)) {
            SettingsNode block;
            block.kind = SettingsNode::Kind::block;
            block.line = entry.line;
            entry = std::move(block);
        }
    }
    return changed;
}

/// The service that an invalid unit name still identifies, by `-sidekick`, by `@` or by a suffix that looks like a
/// mistyped unit type. Empty for any other name: it may be the mistyped or torn name of any service.
std::string service_of_invalid(std::string_view name) {
    if (const auto dot = name.rfind('.'); dot != std::string_view::npos && resembles_unit_type(name.substr(dot + 1))) {
        name = name.substr(0, dot);
    } else if (service_name(name) == name) {
        return {};
    }
    const auto service = service_name(name);
    return unit_name_problem(std::string(service) + ".service") ? std::string() : std::string(service);
}

/// The version becomes part of a line of a unit file, and often of a shell command in that line. Such a character would
/// end the line or the command, or join the next line to it.
bool breaks_a_line(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte <= 0x20U || byte == 0x7FU || character == '"' || character == '\'' || character == '\\';
}

std::optional<std::string> read_version(const Settings& entry) {
    auto version = entry.find_text("version");
    if (!version || version->empty()) {
        return std::nullopt;
    }
    if (std::any_of(version->begin(), version->end(), breaks_a_line)) {
        entry.fail("version", quote(*version) + " has white space, quotes, a backslash or control characters in it");
    }
    return version;
}

std::string read_name(const Settings& entry) {
    auto name = entry.text("name");
    if (const auto problem = unit_name_problem(name)) {
        entry.fail("name", quote(name) + " " + *problem);
    }
    if (service_name(name).empty()) {
        entry.fail("name", quote(name) + " has nothing before \"-sidekick\"");
    }
    return name;
}

std::optional<int> read_count(const Settings& entry) {
    const auto count = entry.find_integer("count", 0, most_nodes);
    return count ? std::optional(static_cast<int>(*count)) : std::nullopt;
}

/// Checks the count against the name (R14). Returns the count for the definition: none for a plain name.
std::optional<int> check_count(const Settings& entry, const std::string& name, std::optional<int> count) {
    if (!is_template(name)) {
        if (count.value_or(0) > 0) {
            entry.fail("count", name + " is one unit, no template: only a name such as " +
                                    std::string(service_name(name)) + "@.service can have a count above 0");
        }
        return std::nullopt;
    }
    if (!count) {
        entry.fail("count", "is missing: a template such as " + name + " needs the number of its nodes (0 for none)");
    }
    const auto last_node = with_instance(name, std::to_string(*count));
    if (const auto problem = unit_name_problem(last_node)) {
        entry.fail("count", "is too high: node " + quote(last_node) + " " + *problem);
    }
    return count;
}

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/// The `http` of `http://…`, in lower case; empty for a path.
std::string scheme_of(std::string_view uri) {
    const auto end = uri.find_first_of(":/?#");
    if (end == std::string_view::npos || uri[end] != ':' || !is_letter(uri.front())) {
        return {};
    }
    std::string scheme(uri.substr(0, end));
    for (auto& character : scheme) {
        if (is_letter(character)) {
            character = static_cast<char>(static_cast<unsigned char>(character) | 0x20U);
        }
    }
    return scheme;
}

/// A relative uri may leave the source's root. The source checks that, since only the source knows its links.
std::optional<std::string> read_uri(const Settings& entry) {
    auto uri = entry.find_text("uri");
    if (!uri || uri->empty()) {
        return std::nullopt;
    }
    const auto shown = quote(presentable_uri(*uri));
    if (std::any_of(uri->begin(), uri->end(),
                    [](char c) { return static_cast<unsigned char>(c) <= 0x20U || c == 0x7F; })) {
        entry.fail("uri", shown + " has white space or control characters in it");
    }
    const auto scheme = scheme_of(*uri);
    if (scheme.empty()) {
        return uri;
    }
    if (scheme != "http" && scheme != "https") {
        entry.fail("uri", shown + " is neither http:// nor https:// nor a path below the source's root");
    }
    const auto rest = std::string_view(*uri).substr(scheme.size());
    if (rest.substr(0, 3) != "://" || rest.size() == 3 || rest[3] == '/') {
        entry.fail("uri", shown + " names no host");
    }
    return scheme + uri->substr(scheme.size());
}

DesiredState read_desired_state(const Settings& entry) {
    if (const auto word = entry.find_text("desiredState"); word && word->empty()) {
        return DesiredState::launched;
    }
    const auto word = entry.find_choice("desiredState", {"inactive", "loaded", "launched"});
    return word ? desired_state_from(*word).value() : DesiredState::launched;
}

std::optional<OnTimeout> read_on_timeout(const Settings& entry) {
    const auto word = entry.find_choice("on_timeout", {"halt", "continue", "rollback"});
    if (!word) return std::nullopt;
    return *word == "halt" ? OnTimeout::halt : *word == "continue" ? OnTimeout::go_on : OnTimeout::rollback;
}

/// An entry as far as it can be read, with all of its problems, so that a person can mend them in one go.
struct Entry {
    ServiceDefinition definition;
    std::string raw_name;  ///< empty when the entry has no name
    std::vector<std::string> problems;
    std::vector<std::string> unknown_keys{};  ///< finished messages on keys that belong to other tools

    template <class Read>
    void attempt(Read read) {
        try {
            read();
        } catch (const Error& error) {
            problems.emplace_back(error.what());
        }
    }

    [[nodiscard]] std::string service() const {
        return definition.name.empty() ? service_of_invalid(raw_name) : std::string(service_name(definition.name));
    }
};

/// Sorts unknown keys: a key that resembles one of ours is a typing error, thus a problem; others belong to other
/// tools.
void read_other_keys(const Settings& settings, Entry& entry) {
    static const std::vector<std::string> ours{"name",   "version",         "count",
                                               "uri",    "desiredState",    "sequentialDeployment",
                                               "canary", "max_unavailable", "on_timeout"};
    auto keys = settings.keys();
    std::erase_if(keys, [](const auto& key) { return std::find(ours.begin(), ours.end(), key) != ours.end(); });
    auto messages = settings.unknown_keys();
    for (std::size_t index = 0; index < keys.size(); ++index) {
        auto& problems = nearest_word(keys[index], ours) ? entry.problems : entry.unknown_keys;
        const bool is_told = std::find(problems.begin(), problems.end(), messages[index]) != problems.end();
        if (!is_told) problems.push_back(std::move(messages[index]));
    }
}

Entry read_entry(const Settings& settings) {
    Entry entry;
    auto& definition = entry.definition;
    definition.line = settings.line_of("name");
    std::optional<std::string> uri;
    std::optional<int> count;
    bool count_is_known = false;
    entry.attempt([&] {
        entry.raw_name = settings.text("name");
        definition.name = read_name(settings);
    });
    entry.attempt([&] { definition.version = read_version(settings); });
    entry.attempt([&] {
        count = read_count(settings);
        count_is_known = true;
    });
    entry.attempt([&] { uri = read_uri(settings); });
    entry.attempt([&] { definition.desired_state = read_desired_state(settings); });
    auto& rules = definition.rules;
    entry.attempt([&] { rules.sequential = settings.find_boolean("sequentialDeployment").value_or(false); });
    entry.attempt([&] { rules.canary = settings.find_boolean("canary").value_or(false); });
    entry.attempt([&] { rules.on_timeout = read_on_timeout(settings); });
    entry.attempt([&] {
        const auto most = settings.find_integer("max_unavailable", 1, most_nodes);
        if (most) rules.max_unavailable = static_cast<std::size_t>(*most);
    });
    if (count_is_known && !definition.name.empty()) {
        entry.attempt([&] { definition.count = check_count(settings, definition.name, count); });
    }
    definition.location = uri.value_or(definition.name);
    read_other_keys(settings, entry);
    return entry;
}

/// The index of the entry that counts for each valid name: the last one (R15), even when it cannot be used.
std::map<std::string, std::size_t> last_of_each_name(const std::vector<Entry>& entries) {
    std::map<std::string, std::size_t> last;
    for (std::size_t index = 0; index < entries.size(); ++index) {
        const auto& name = entries[index].definition.name;
        if (!name.empty()) {
            last[name] = index;
        }
    }
    return last;
}

/// Reports names that are listed twice. With different counts, the last entry could have nodes destroyed that another
/// entry asks for, so the list is in doubt.
void tell_repeated_names(const std::vector<Entry>& entries, Manifest& manifest) {
    struct Former {
        int line;
        std::optional<int> count;  ///< the last readable count
    };
    std::map<std::string, Former> all;
    for (const auto& entry : entries) {
        const auto& definition = entry.definition;
        if (definition.name.empty()) {
            continue;
        }
        const auto [former, is_first] = all.emplace(definition.name, Former{definition.line, definition.count});
        if (is_first) {
            continue;
        }
        auto& [line, count] = former->second;
        const auto place = manifest.file + ":" + std::to_string(definition.line) + ": " + definition.name +
                           " is listed already on line " + std::to_string(line);
        if (count && definition.count && *count != *definition.count) {
            manifest.held.push_back({{},
                                     place +
                                         ", with another count; the last entry counts, and nothing is destroyed until "
                                         "only one of them is left",
                                     false,
                                     true});
        } else {
            manifest.warnings.push_back(place + "; the last entry counts");
        }
        line = definition.line;
        if (definition.count) count = definition.count;
    }
}

void check_size(const Manifest& manifest) {
    long long units = 0;
    for (const auto& service : manifest.services) {
        units += service.count.value_or(1);
    }
    if (units > most_units) {
        throw Error(ErrorKind::rejected, manifest.file + ": the counts add up to " + std::to_string(units) +
                                             " units, more than " + std::to_string(most_units));
    }
}

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
}

Manifest sort_out(std::vector<Entry> entries, const std::string& file) {
    Manifest manifest;
    manifest.file = file;
    tell_repeated_names(entries, manifest);
    const auto last = last_of_each_name(entries);
    for (std::size_t index = 0; index < entries.size(); ++index) {
        auto& entry = entries[index];
        const bool counts = entry.definition.name.empty() || last.at(entry.definition.name) == index;
        if (!counts) {
            // The unreadable entry may ask for more units than the last one, so its problems put the list in doubt.
            for (auto& problem : entry.problems) manifest.held.push_back({{}, std::move(problem), false, true});
            continue;
        }
        const auto service = entry.service();
        for (auto& problem : entry.problems) {
            manifest.held.push_back({service, std::move(problem), false, true});
        }
        if (entry.problems.empty()) {
            manifest.services.push_back(std::move(entry.definition));
        }
    }
    check_size(manifest);
    return manifest;
}

/// Each `name: UNIT` in the text that belongs to no entry. An entry accounts for one such text: the one on the line of
/// its name that its name begins with.
std::vector<NameInText> slipped_names(std::string_view text, const SettingsNode& services,
                                      const std::vector<Entry>& entries) {
    std::map<int, std::vector<std::string_view>> read;
    for (const auto& entry : entries) {
        if (!entry.raw_name.empty()) read[entry.definition.line].emplace_back(entry.raw_name);
    }
    auto names = names_in_text(text);
    std::erase_if(names, [&](const NameInText& name) {
        auto& of_line = read[name.line];
        const bool may_be_escaped = name.unit.find('\\') != std::string::npos;
        const auto found = std::find_if(of_line.begin(), of_line.end(), [&](std::string_view raw) {
            return may_be_escaped || raw.starts_with(name.unit);
        });
        if (found == of_line.end()) return false;
        of_line.erase(found);
        return true;
    });
    for (auto& name : names_below_entries(services)) {
        const auto is_it = [&](const auto& other) { return other.line == name.line && other.unit == name.unit; };
        if (std::none_of(names.begin(), names.end(), is_it)) names.push_back(std::move(name));
    }
    return names;
}

std::string describe(const NameInText& name) {
    const auto what = "\"name: " + name.unit + "\" ";
    switch (name.place) {
        case NameInText::Place::text:
            break;
        case NameInText::Place::comment:
            return what +
                   "stands here in a comment, behind other words, so the comment may hide an entry; nothing is "
                   "destroyed until it begins an entry, or comes right after \"#\" in a line of its own";
        case NameInText::Place::above_its_rest:
            return what +
                   "is commented out, but lines that may belong to the same entry are not; nothing is "
                   "destroyed until all of an entry is commented out, or none of it";
    }
    return what +
           "stands here, but begins no entry of services; nothing is destroyed until it does, or is commented out";
}

/// Signs outside the entries that the list of services may not be what its author meant.
std::vector<Held> doubts_about(std::string_view text, const CloseReading& reading,
                               const std::vector<std::string>& unknown_keys, const std::vector<Entry>& entries) {
    const auto& document = *reading.document;
    std::vector<Held> doubts;
    const auto doubt = [&](std::string service, std::string error) {
        doubts.push_back({std::move(service), std::move(error), false, true});
    };
    const auto place = [&](int line) { return document.file + ":" + std::to_string(line) + ": "; };
    for (const auto& unknown_key : unknown_keys) {
        doubt("", unknown_key + "; nothing is destroyed as long as it stands here");
    }
    for (const int line : reading.long_values) {
        doubt("", place(line) +
                      "a key or a value goes on in further lines, which may have been entries; nothing is "
                      "destroyed until it stands on one line");
    }
    // A unit with an entry of its own is not held: the entry says what is wanted. Only the list is in doubt then.
    const auto listed = last_of_each_name(entries);
    const auto services = std::find(document.root.keys.begin(), document.root.keys.end(), "services");
    const auto& list = document.root.items[static_cast<std::size_t>(services - document.root.keys.begin())];
    for (const auto& name : slipped_names(text, list, entries)) {
        const bool has_entry = listed.contains(name.unit);
        doubt(has_entry ? std::string() : std::string(service_name(name.unit)), place(name.line) + describe(name));
    }
    return doubts;
}

}  // namespace

Manifest read_manifest(std::string_view text, const std::string& file) try {
    if (const auto leftover = find_git_leftover(text)) {
        throw Error(ErrorKind::rejected, file + ':' + std::to_string(leftover->line) + ": " + leftover->problem);
    }
    const auto reading = read_yaml_closely(text, file);
    const Settings root(with_blocks_only(reading.document));
    const auto services = root.blocks("services");
    if (services.empty()) {
        root.fail("services", "is missing or empty; it must list the services");
    }
    std::vector<Entry> entries;
    entries.reserve(services.size());
    for (const auto& service : services) {
        entries.push_back(read_entry(service));
    }
    auto doubts = doubts_about(text, reading, root.unknown_keys(), entries);
    std::vector<std::string> unknown_keys;
    for (const auto& entry : entries) append(unknown_keys, entry.unknown_keys);
    auto manifest = sort_out(std::move(entries), file);
    std::move(doubts.begin(), doubts.end(), std::back_inserter(manifest.held));
    append(manifest.warnings, unknown_keys);
    return manifest;
} catch (const Error& error) {
    // Settings throws `misconfigured`, which is right for the configuration file. This file belongs to a revision, and
    // a newer revision may be fine.
    throw Error(ErrorKind::rejected, error.what());
}

}  // namespace deployer
