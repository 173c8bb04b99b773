#include "directory_walk.hpp"
#include "movement.hpp"
#include "posix/file_descriptor.hpp"
#include "snapshot.hpp"
#include "tree/tree.hpp"
#include "tree_listing.hpp"
#include "tree_watch.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/plugin.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace deployer {
namespace {

using std::chrono::milliseconds;

class DirectoryCheckout final : public Checkout {
public:
    DirectoryCheckout(std::string root, Tree snapshot, Revision revision)
        : root_(std::move(root)), snapshot_(std::move(snapshot)), revision_(std::move(revision)) {}

    [[nodiscard]] const Revision& revision() const override { return revision_; }

    std::vector<File> read(std::span<const FileRequest> requests, const Call& /*call*/) override {
        std::vector<File> files;
        files.reserve(requests.size());
        for (const auto& request : requests) files.push_back(look_up(request.location));
        return files;
    }

private:
    [[nodiscard]] File look_up(const std::string& location) const {
        if (location.find("://") == std::string::npos) return find_file(snapshot_, root_, location);
        return {{},
                Error(ErrorKind::rejected, "source-file cannot fetch " + quote(presentable_uri(location)) +
                                               ": it reads files below its path only")};
    }

    std::string root_;
    Tree snapshot_;
    Revision revision_;
};

/// Takes a directory on this machine as the wanted state. Between checkouts the source keeps names, stamps and the
/// revision, but no contents.
class SourceFile final : public Source {
public:
    explicit SourceFile(const Settings& settings) : root_(read_root(settings)), settle_(read_settle(settings)) {}

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override {
        try {
            auto look = look_around(call);
            if (seen_ && seen_->revision == known && seen_->entries == look.listing.entries) return nullptr;
            auto snapshot = read_quiet(look, call);
            auto revision = revision_of(snapshot);
            seen_ = Seen{std::move(look.listing.entries), revision};
            if (revision == known) return nullptr;
            return std::make_unique<DirectoryCheckout>(root_.native(), std::move(snapshot), std::move(revision));
        } catch (const Error& error) {
            throw error.while_doing("cannot read directory " + printable(root_.native()));
        } catch (const std::system_error& error) {
            throw Error(ErrorKind::unavailable,
                        "cannot read directory " + printable(root_.native()) + ": " + error.what());
        }
    }

    void wait_for_change(const Call& call) override { watch_.wait(call, movement_.restless()); }

private:
    /// A listing of the tree, with the opened root directory: the root's name may lead to another directory by now.
    struct Look {
        FileDescriptor root;
        TreeListing listing;
        bool moved;  ///< since the look before
    };

    struct Seen {
        std::vector<TreeEntry> entries;
        Revision revision;
    };

    /// The root without a slash at its end; otherwise messages would show two slashes.
    static std::filesystem::path read_root(const Settings& settings) {
        settings.describe("path", "",
                          "The directory that holds `services.yaml`. May be a symbolic link, also one that is switched "
                          "(`current -> releases/5`).");
        auto root = settings.path("path");
        return root.has_filename() || !root.has_parent_path() ? root : root.parent_path();
    }

    static milliseconds read_settle(const Settings& settings) {
        settings.describe("settle", "`200ms`",
                          "How long the tree has to be quiet after a change before it is read, so that a half-done "
                          "copy or checkout is not taken for the wanted state; `20ms` to `60s`. Where time stamps are "
                          "whole seconds (FAT, ext3, some file servers) it is `2s` at least, or a second edit within "
                          "one of them could be lost.");
        const auto settle = settings.find_duration("settle").value_or(milliseconds(200));
        // Time stamps of files advance in steps of up to 10 ms; a second change within a step may not show.
        if (settle < milliseconds(20) || settle > std::chrono::seconds(60)) {
            settings.fail("settle", "has to be between 20ms and 60s");
        }
        return settle;
    }

    Look look_around(const Call& call) {
        // A reported change may not show in any time stamp, so it discards the last revision. This comes before the
        // listing, which may throw.
        if (movement_.is_news(watch_.begin(root_, call.log))) seen_.reset();
        auto root = open_root(root_);
        auto listing = list_tree(root.get(), root_, watch_, call);
        watch_.end();
        const bool moved = movement_.follow(listing, Movement::Clock::now(), listing.quiet_time(settle_));
        return {std::move(root), std::move(listing), moved};
    }

    /// Reads the tree until it was quiet for a while before and unchanged after reading. `look` is then the listing of
    /// the tree that was read.
    Tree read_quiet(Look& look, const Call& call) {
        bool quiet = !look.moved && look.listing.settled(settle_);
        while (true) {
            if (!quiet) wait_until_quiet(look, call);
            auto snapshot = read_snapshot(look.root.get(), look.listing, call);
            quiet = look_again(look, call) && snapshot;
            if (quiet) return *std::move(snapshot);
        }
    }

    void wait_until_quiet(Look& look, const Call& call) {
        do {
            // Compare two listings after a wait instead of times, because a file server may have another clock.
            if (!call.wait(look.listing.quiet_time(settle_))) {
                const auto& path = look.listing.newest_path;
                call.check("waiting until " + (path.empty() ? "it" : quote(path)) + " no longer changes");
            }
        } while (!look_again(look, call));
    }

    /// Lists the tree again into `look`. True when nothing has changed.
    bool look_again(Look& look, const Call& call) {
        auto after = look_around(call);
        const bool same = !after.moved && after.listing.entries == look.listing.entries;
        look = std::move(after);
        return same;
    }

    std::filesystem::path root_;
    milliseconds settle_;
    TreeWatch watch_;
    Movement movement_;
    std::optional<Seen> seen_;
};

}  // namespace
}  // namespace deployer

DEPLOYER_PLUGIN(deployer::Source, deployer::SourceFile, "source-file", "1.0.0");
