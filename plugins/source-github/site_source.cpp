#include "site_source.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA2Engine.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::github {

namespace {

constexpr std::string_view manifest = "services.yaml";
constexpr int pass_limit = 5;
constexpr std::size_t total_limit = std::size_t{64} << 20U;

/// Two revisions are equal exactly when the same locations have the same contents or kinds of errors.
Revision revision_of(const LocatedFiles& files) {
    Poco::SHA2Engine engine(Poco::SHA2Engine::SHA_256);
    // The length goes before each text, so that two different sets never give the same bytes.
    const auto add = [&](std::string_view text) {
        const auto length = std::to_string(text.size()) + ":";
        engine.update(length.data(), length.size());
        engine.update(text.data(), text.size());
    };
    for (const auto& [location, file] : files) {
        add(location);
        add(file->error ? to_string(file->error->kind()) : std::string_view());
        add(file->content);
    }
    return {"sha256:" + Poco::DigestEngine::digestToHex(engine.digest())};
}

std::set<std::string> locations_of(const LocatedFiles& files) {
    std::set<std::string> locations;
    for (const auto& entry : files) locations.insert(entry.first);
    return locations;
}

LocatedFiles part_of(const LocatedFiles& files, const std::set<std::string>& locations) {
    LocatedFiles part;
    for (const auto& [location, file] : files) {
        if (locations.contains(location)) part.emplace(location, file);
    }
    return part;
}

bool is_among(const LocatedFiles& files, const std::string& location, const SharedFile& file) {
    const auto found = files.find(location);
    return found != files.end() && found->second == file;
}

/// Only the files of this site: files from other servers are no part of the revision.
LocatedFiles own_of(const LocatedFiles& files) {
    LocatedFiles own;
    for (const auto& [location, file] : files) {
        if (Site::is_own(location)) own.emplace(location, file);
    }
    return own;
}

void refuse_much(const LocatedFiles& files) {
    std::size_t total = 0;
    for (const auto& entry : files) total += entry.second->content.size();
    if (total <= total_limit) return;
    throw Error(ErrorKind::unavailable, "the files add up to more than " + std::to_string(total_limit >> 20U) + " MiB");
}

class SiteCheckout final : public Checkout {
public:
    /// `settled` tells whether all `files` existed so at one moment.
    SiteCheckout(Site& site, LocatedFiles& last, LocatedFiles files, bool settled)
        : site_(site), last_(last), files_(std::move(files)), settled_(settled), revision_(revision_of(files_)) {}

    [[nodiscard]] const Revision& revision() const override { return revision_; }

    std::vector<File> read(std::span<const FileRequest> requests, const Call& call) override {
        auto wanted = given_;
        wanted.emplace(manifest);
        for (const auto& request : requests) wanted.insert(request.location);
        fetch(wanted, call);
        if (!settled_) settle(wanted, call);
        give(wanted);
        std::vector<File> files;
        files.reserve(requests.size());
        for (const auto& request : requests) files.push_back(*files_.find(request.location)->second);
        return files;
    }

private:
    void fetch(const std::set<std::string>& wanted, const Call& call) {
        std::set<std::string> missing;
        for (const auto& location : wanted) {
            if (!files_.contains(location)) missing.insert(location);
        }
        if (missing.empty()) return;
        files_.merge(site_.ask(missing, call));
        settled_ = false;
    }

    /// Requests all files of the site again until a whole pass brings no change: then all files existed so at one
    /// moment.
    void settle(const std::set<std::string>& wanted, const Call& call) {
        const auto own = locations_of(own_of(part_of(files_, wanted)));
        // A single file cannot mix two moments.
        if (own.size() < 2) return;
        files_ = part_of(files_, wanted);
        for (int pass = 0; !settled_; ++pass) {
            if (pass == pass_limit) throw Error(ErrorKind::unavailable, "the files keep changing while they are read");
            settled_ = true;
            for (const auto& [location, file] : site_.ask(own, call)) take(location, file);
        }
    }

    void take(const std::string& location, const SharedFile& file) {
        auto& before = files_.find(location)->second;
        if (file == before) return;
        // The engine already has the former text, and would mix files of two moments.
        if (given_.contains(location)) {
            throw Error(ErrorKind::unavailable, printable(location) + " changed while the files were read");
        }
        before = file;
        settled_ = false;
    }

    void give(const std::set<std::string>& wanted) {
        auto given = part_of(files_, wanted);
        refuse_much(given);
        given_ = wanted;
        revision_ = revision_of(given);
        // After services.yaml alone, the other locations are still unknown, so nothing may be forgotten yet.
        if (given.size() > 1) site_.keep(given);
        last_ = std::move(given);
    }

    Site& site_;
    LocatedFiles& last_;
    LocatedFiles files_;
    bool settled_;
    std::set<std::string> given_;
    Revision revision_;
};

}  // namespace

std::unique_ptr<Checkout> SiteSource::checkout(const Revision& known, const Call& call) {
    auto locations = locations_of(last_);
    locations.emplace(manifest);
    auto files = site_.ask(locations, call);
    const auto own = own_of(files);
    const bool settled = std::all_of(own.begin(), own.end(),
                                     [&](const auto& entry) { return is_among(last_, entry.first, entry.second); });
    last_ = files;
    if (revision_of(files) == known) return nullptr;
    return std::make_unique<SiteCheckout>(site_, last_, std::move(files), settled);
}

}  // namespace deployer::github
