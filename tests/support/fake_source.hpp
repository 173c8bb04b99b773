#pragma once

#include <deployer/source.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// A source in memory. A test changes its files and reads the number of calls. Every change moves the revision ("r1",
/// "r2", …) and ends wait_for_change(). Files that were never put are `not_found`. Any thread may call any function.
class FakeSource : public Source {
public:
    using Files = std::map<std::string, std::string>;

    /// A number of failures without an end.
    static constexpr int always = -1;

    explicit FakeSource(Files files = {}) : files_(std::move(files)) {}

    void put(const std::string& location, std::string content) {
        change([&] { files_[location] = std::move(content); });
    }
    void remove(const std::string& location) {
        change([&] {
            files_.erase(location);
            errors_.erase(location);
        });
    }
    /// From the next revision on, reading this file gives the error, until the file is put or removed.
    void put_error(const std::string& location, Error error) {
        change([&] {
            files_.erase(location);
            errors_.insert_or_assign(location, std::move(error));
        });
    }
    /// Moves to another revision with the same files.
    void touch() {
        change([] {});
    }

    void fail_checkout(Error error, int times = always) {
        const std::scoped_lock lock(mutex_);
        checkout_failure_ = {std::move(error), times};
    }
    void fail_read(Error error, int times = always) {
        const std::scoped_lock lock(mutex_);
        read_failure_ = {std::move(error), times};
    }
    /// Ends the failures of fail_checkout() and fail_read().
    void recover() {
        const std::scoped_lock lock(mutex_);
        checkout_failure_ = {};
        read_failure_ = {};
    }

    [[nodiscard]] Revision revision() const {
        const std::scoped_lock lock(mutex_);
        return {"r" + std::to_string(version_)};
    }
    [[nodiscard]] int checkouts() const {  ///< all calls, also those that returned null or threw
        const std::scoped_lock lock(mutex_);
        return checkouts_;
    }
    [[nodiscard]] int reads() const {  ///< number of calls of read()
        const std::scoped_lock lock(mutex_);
        return reads_;
    }
    [[nodiscard]] std::vector<std::string> locations_read() const {  ///< each request, in order
        const std::scoped_lock lock(mutex_);
        return locations_read_;
    }

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override {
        call.check("reading the fake source");
        const std::scoped_lock lock(mutex_);
        ++checkouts_;
        checkout_failure_.happen();
        const Revision now{"r" + std::to_string(version_)};
        if (now == known) {
            return nullptr;
        }
        return std::make_unique<Snapshot>(*this, now, files_, errors_);
    }

    void wait_for_change(const Call& call) override {
        std::unique_lock lock(mutex_);
        const int before = seen_;
        changed_.wait_until(lock, call.stop, call.deadline, [&] { return version_ != before; });
        seen_ = version_;
    }

private:
    using Errors = std::map<std::string, Error>;

    struct Failure {
        std::optional<Error> error;
        int times = 0;

        void happen() {
            if (!error || times == 0) {
                return;
            }
            if (times > 0) {
                --times;
            }
            throw Error(*error);
        }
    };

    class Snapshot : public Checkout {
    public:
        Snapshot(FakeSource& source, Revision revision, Files files, Errors errors)
            : source_(source), revision_(std::move(revision)), files_(std::move(files)), errors_(std::move(errors)) {}

        [[nodiscard]] const Revision& revision() const override { return revision_; }

        std::vector<File> read(std::span<const FileRequest> requests, const Call& call) override {
            call.check("reading files of the fake source");
            source_.count_read(requests);
            std::vector<File> files;
            for (const auto& request : requests) {
                files.push_back(file(request.location));
            }
            return files;
        }

    private:
        [[nodiscard]] File file(const std::string& location) const {
            if (const auto error = errors_.find(location); error != errors_.end()) {
                return {{}, error->second};
            }
            if (const auto found = files_.find(location); found != files_.end()) {
                return {found->second, std::nullopt};
            }
            return {{}, Error(ErrorKind::not_found, location + " does not exist")};
        }

        FakeSource& source_;
        Revision revision_;
        Files files_;
        Errors errors_;
    };

    template <class Change>
    void change(Change make) {
        {
            const std::scoped_lock lock(mutex_);
            make();
            std::erase_if(errors_, [this](const auto& error) { return files_.contains(error.first); });
            ++version_;
        }
        changed_.notify_all();
    }

    void count_read(std::span<const FileRequest> requests) {
        const std::scoped_lock lock(mutex_);
        ++reads_;
        for (const auto& request : requests) {
            locations_read_.push_back(request.location);
        }
        read_failure_.happen();
    }

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    Files files_;
    Errors errors_;
    int version_ = 1;
    int seen_ = 1;  ///< the version that the last wait ended with: a change between two waits ends the second at once
    Failure checkout_failure_;
    Failure read_failure_;
    int checkouts_ = 0;
    int reads_ = 0;
    std::vector<std::string> locations_read_;
};

}  // namespace deployer
