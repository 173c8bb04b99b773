#pragma once

#include "support/case_file.hpp"
#include "support/catch.hpp"
#include "support/fake_source.hpp"
#include "support/shared_data.hpp"
#include "support/test_call.hpp"
#include "wanted/wanted.hpp"

#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::wanted_readings {

inline const std::string small_unit = "[Service]\nExecStart=/bin/x\n";

inline WantedState read_from(FakeSource& source) {
    const TestCall call;
    return read_wanted(*source.checkout({}, call), call);
}

inline std::string render(const WantedUnit& unit) {
    std::string text = unit.name + " " + std::string(to_string(unit.desired_state)) + ":";
    std::string separator = " ";
    for (const auto& option : unit.content->options) {
        text += separator + "[" + option.section + "] " + option.name + "=" + option.value;
        separator = " | ";
    }
    return text + "\n";
}

inline std::string render(const WantedState& state) {
    std::string text;
    for (const auto& unit : state.units) text += render(unit);
    for (const auto& [service, rules] : state.rules) {
        if (rules.sequential) text += "sequential " + service + "\n";
    }
    for (const auto& held : state.held) {
        text += "held " + (held.service.empty() ? "(any service)" : held.service) + ": " + held.error +
                (held.passing ? " [passing]" : "") + "\n";
    }
    for (const auto& warning : state.warnings) text += "warning: " + warning + "\n";
    return text;
}

inline std::string render_error(const Error& error) {
    return "error (" + std::string(to_string(error.kind())) + "): " + error.what() + "\n";
}

inline std::string render_reading(FakeSource& source) try {
    return render(read_from(source));
} catch (const Error& error) {
    return render_error(error);
}

/// The files of a case. Files that services.yaml names and the case does not give get the content of "every other
/// file".
inline FakeSource::Files files_of(const CaseFile& example) {
    constexpr std::string_view prefix = "file ";
    FakeSource::Files files{{"services.yaml", example.part("services.yaml")}};
    if (const auto other = example.parts.find("every other file"); other != example.parts.end()) {
        for (const auto& request : file_requests(read_manifest(files["services.yaml"]))) {
            files[request.location] = other->second;
        }
    }
    for (const auto& [title, text] : example.parts) {
        if (title.substr(0, prefix.size()) == prefix) files[title.substr(prefix.size())] = text;
    }
    return files;
}

inline std::vector<std::string> names_of(const WantedState& state) {
    std::vector<std::string> names;
    for (const auto& unit : state.units) names.push_back(unit.name);
    return names;
}

/// A checkout whose answers to the service files are altered by a test; services.yaml is not.
class AlteredCheckout : public Checkout {
public:
    using Alter = std::function<void(std::vector<File>&)>;

    AlteredCheckout(FakeSource& source, Alter alter)
        : whole_(source.checkout({}, TestCall())), alter_(std::move(alter)) {}
    [[nodiscard]] const Revision& revision() const override { return whole_->revision(); }
    std::vector<File> read(std::span<const FileRequest> requests, const Call& call) override {
        auto files = whole_->read(requests, call);
        if (requests.front().location != "services.yaml") alter_(files);
        return files;
    }

private:
    std::unique_ptr<Checkout> whole_;
    Alter alter_;
};

inline std::string render_reading(Checkout& checkout) try {
    const TestCall call;
    return render(read_wanted(checkout, call));
} catch (const Error& error) {
    return render_error(error);
}

/// A random services.yaml with its files, and the expected result, worked out entry by entry. The few names make
/// collisions frequent.
struct RandomCase {
    FakeSource::Files files;
    std::map<std::string, std::string> units;  ///< by name: the value of the unit's only option
    std::set<std::string> held;
};

class RandomCases {
public:
    explicit RandomCases(unsigned seed) : random_(seed) {}

    RandomCase next() {
        entries_.clear();
        const int count = 1 + below(9);
        for (int i = 0; i < count; ++i) entries_.push_back(next_entry());
        RandomCase result;
        write_files(result);
        work_out(result);
        return result;
    }

private:
    struct Entry {
        std::string service;
        std::string name;
        int count = 0;  ///< -1: not written
        std::string version;
        enum { fine, bad_count, bad_version, bad_state } flaw = fine;
    };

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

    Entry next_entry() {
        Entry entry;
        entry.service = std::string(1, static_cast<char>('a' + below(5)));
        const bool is_template = below(3) > 0;
        entry.name = entry.service + (below(3) == 0 ? "-sidekick" : "") + (is_template ? "@.service" : ".service");
        entry.count = is_template ? below(13) : below(2) - 1;
        if (below(2) == 0) entry.version = "v" + std::to_string(below(100));
        const int flaw = below(30);
        if (flaw == 0) entry.flaw = Entry::bad_count;
        if (flaw == 1) entry.flaw = Entry::bad_version;
        if (flaw == 2) entry.flaw = Entry::bad_state;
        return entry;
    }

    void write_files(RandomCase& result) {
        std::string text = "services:\n";
        for (const auto& entry : entries_) {
            text += "  - name: " + entry.name + "\n";
            if (entry.flaw == Entry::bad_count)
                text += "    count: many\n";
            else if (entry.count >= 0)
                text += "    count: " + std::to_string(entry.count) + "\n";
            if (entry.flaw == Entry::bad_version)
                text += "    version: \"a b\"\n";
            else if (!entry.version.empty())
                text += "    version: " + entry.version + "\n";
            if (entry.flaw == Entry::bad_state) text += "    desiredState: up\n";
        }
        broken_.clear();
        for (const auto& entry : entries_) {
            switch (below(30)) {
                case 0:
                    broken_.insert(entry.name);
                    result.files.erase(entry.name);
                    break;
                case 1:
                    broken_.insert(entry.name);
                    result.files[entry.name] = "[Service]\nnonsense\n";
                    break;
                default:
                    broken_.erase(entry.name);
                    result.files[entry.name] = "[Service]\nEnvironment=DOCKER_APP_VERSION=latest\n";
            }
        }
        result.files["services.yaml"] = text;
    }

    void work_out(RandomCase& result) const {
        std::map<std::string, Entry> last;
        std::map<std::string, int> counts;
        for (const auto& entry : entries_) {
            if (last.contains(entry.name) && last.at(entry.name).flaw != Entry::fine) result.held.insert("");
            if (is_template(entry.name) && entry.flaw != Entry::bad_count) {
                const auto former = counts.emplace(entry.name, entry.count).first;
                if (former->second != entry.count) result.held.insert("");
                former->second = entry.count;
            }
            last[entry.name] = entry;
        }
        for (const auto& [name, entry] : last) {
            if (entry.flaw != Entry::fine || broken_.contains(name)) result.held.insert(entry.service);
        }
        for (const auto& [name, entry] : last) {
            if (result.held.contains(entry.service)) continue;
            const auto value = "DOCKER_APP_VERSION=" + (entry.version.empty() ? "latest" : entry.version);
            if (!is_template(name)) result.units[name] = value;
            for (int node = 1; is_template(name) && node <= entry.count; ++node) {
                result.units[with_instance(name, std::to_string(node))] = value;
            }
        }
    }

    std::mt19937 random_;
    std::vector<Entry> entries_;
    std::set<std::string> broken_;  ///< files that are missing or do not parse
};

}  // namespace deployer::wanted_readings
