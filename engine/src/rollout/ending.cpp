#include "rollout/ending.hpp"

#include <utility>

namespace deployer {

bool is_hopeless(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::misconfigured;
}

void Supersession::request(const std::string& why) {
    {
        const std::lock_guard lock(mutex_);
        if (why_.empty()) why_ = why;
    }
    source_.request_stop();
}

std::string Supersession::why() const {
    const std::lock_guard lock(mutex_);
    return why_;
}

Ending::Ending(const std::stop_token& stop, const Supersession& supersession, std::function<void()> hurry)
    : supersession_(supersession),
      hurry_(std::move(hurry)),
      on_stop_(stop, [this] { end(); }),
      on_superseded_(supersession.token(), hurry_) {}

bool Ending::interrupt(const Error& error) {
    bool is_first = false;
    {
        const std::lock_guard lock(mutex_);
        is_first = !error_;
        if (is_first) error_ = error;
    }
    end();
    return is_first;
}

bool Ending::interrupt_if_hopeless(const Error& error) {
    if (is_hopeless(error)) interrupt(error);
    return is_hopeless(error);
}

std::string Ending::why() const {
    // The report tells the error once, so the results of single changes do not repeat it.
    if (ended_.stop_requested()) return error() ? "the cycle was broken off" : "the deployer was asked to stop";
    return is_superseded() ? supersession_.why() : "";
}

std::optional<Error> Ending::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}

void Ending::end() {
    ended_.request_stop();
    hurry_();
}

}  // namespace deployer
