#pragma once

#include <deployer/error.hpp>

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace deployer {

/// Whether every other call would fail with the same error: the target is out of reach, or does not accept the
/// configuration.
bool is_hopeless(const Error& error);

/// The request that a rollout ends in favour of a newer revision or a pause (R44). Any thread.
class Supersession {
public:
    /// `why` goes into results: "superseded by revision r2". Only the first request counts.
    void request(const std::string& why);

    [[nodiscard]] bool is_requested() const noexcept { return source_.stop_requested(); }
    [[nodiscard]] std::string why() const;
    [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

private:
    mutable std::mutex mutex_;
    std::string why_;
    std::stop_source source_;
};

/// Whether a run of a rollout ends before all groups have ended, and why: the deployer is asked to stop, the rollout is
/// superseded, or a call failed with an error that every other call would meet too. Any thread.
class Ending {
public:
    /// `hurry` is called when the run begins to end, from any thread and perhaps several times. If a stop was requested
    /// before, the constructor calls it. `supersession` must outlive the Ending.
    Ending(const std::stop_token& stop, const Supersession& supersession, std::function<void()> hurry);

    /// Ends the run with this error. False: the run was ending with another error already, so a change that fails now
    /// is not a failure of its own.
    bool interrupt(const Error& error);
    /// Ends the run with this error if every other call would fail as well. Returns whether that is so.
    bool interrupt_if_hopeless(const Error& error);

    [[nodiscard]] bool is_requested() const noexcept { return ended_.stop_requested() || is_superseded(); }
    [[nodiscard]] bool is_superseded() const noexcept { return supersession_.is_requested(); }
    /// The reason, in the words of results; empty: the run is not ending.
    [[nodiscard]] std::string why() const;
    [[nodiscard]] std::optional<Error> error() const;

private:
    void end();

    const Supersession& supersession_;
    std::function<void()> hurry_;
    mutable std::mutex mutex_;
    std::optional<Error> error_;
    std::stop_source ended_;

    // The last members, because they may call back while they are constructed.
    std::stop_callback<std::function<void()>> on_stop_;
    std::stop_callback<std::function<void()>> on_superseded_;
};

}  // namespace deployer
