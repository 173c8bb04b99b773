#include "calls_under_way.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <utility>

namespace deployer::exec {
namespace {

using std::chrono::milliseconds;

/// The time that a program has to answer a call that is given up.
constexpr milliseconds last_moment(500);

constexpr milliseconds longest_timeout = std::chrono::hours(24);

/// Removes a call from those under way, however it ends.
template <class Calls>
class Enrolment {
public:
    using Value = typename Calls::mapped_type;

    Enrolment(Calls& calls, std::uint64_t number, Value call, std::condition_variable_any& turns)
        : calls_(calls), number_(number), turns_(turns) {
        calls_.emplace(number, call);
    }
    ~Enrolment() {
        calls_.erase(number_);
        turns_.notify_one();
    }
    Enrolment(const Enrolment&) = delete;
    Enrolment& operator=(const Enrolment&) = delete;
    Enrolment(Enrolment&&) = delete;
    Enrolment& operator=(Enrolment&&) = delete;

private:
    Calls& calls_;
    std::uint64_t number_;
    std::condition_variable_any& turns_;
};

}  // namespace

Hello CallsUnderWay::wait_for_hello(const Call& call) {
    Lock lock(mutex_);
    changed_.wait_until(lock, call.stop, call.deadline, [this] { return hello_ || ending_; });
    if (ending_) throw Error(*ending_);
    if (!hello_) {
        call.check("starting " + name_);
        throw failure(ErrorKind::unavailable, "did not start in time");
    }
    return *hello_;
}

Poco::Dynamic::Var CallsUnderWay::ask(std::string_view method, std::string_view params, const Call& call) {
    Lock lock(mutex_);
    wait_for_turn(lock, call);
    const auto number = ++latest_;
    Pending pending;
    const Enrolment enrolment(pending_, number, &pending, turns_);
    send(write_request(number, method, params, std::min(call.remaining(), longest_timeout)));
    const auto is_decided = [&] { return pending.is_done() || ending_; };
    if (!pending.changed.wait_until(lock, call.stop, call.deadline, is_decided)) give_up(lock, number, pending, call);
    if (pending.result) return *pending.result;
    throw pending.error ? *std::move(pending.error) : Error(*ending_);
}

bool CallsUnderWay::has_turn() const {
    return ending_ || hello_->concurrent == 0 || pending_.size() < hello_->concurrent;
}

void CallsUnderWay::wait_for_turn(Lock& lock, const Call& call) {
    const bool has = turns_.wait_until(lock, call.stop, call.deadline, [this] { return has_turn(); });
    try {
        if (ending_) throw Error(*ending_);
        const auto doing = "waiting for a turn with " + name_;
        call.check(doing);
        if (!has) throw Error(ErrorKind::unavailable, doing + " did not finish in time");
    } catch (const Error&) {
        // This call may have been woken for a turn that it does not take, so another one is woken.
        turns_.notify_one();
        throw;
    }
}

void CallsUnderWay::give_up(Lock& lock, std::uint64_t number, Pending& pending, const Call& call) {
    const auto is_decided = [&] { return pending.is_done() || ending_; };
    send(write_cancel(number));
    if (!pending.changed.wait_for(lock, last_moment, is_decided)) {
        end(failure(ErrorKind::unavailable, "was ended, because it did not answer a call that was given up"), false);
    }
    if (pending.result) return;
    // The reason is why the call was given up, not what the program answered after that.
    const auto what = name_ + (pending.error ? " did not finish" : " did not answer");
    pending.error = call.stop.stop_requested() ? Error(ErrorKind::cancelled, what + " before the call was cancelled")
                                               : Error(ErrorKind::unavailable, what + " in time");
}

bool CallsUnderWay::is_over() const {
    const std::scoped_lock lock(mutex_);
    return ending_.has_value();
}

void CallsUnderWay::wait_until_gone(const Call& call) {
    Lock lock(mutex_);
    if (changed_.wait_until(lock, call.stop, call.deadline, [this] { return is_gone_; })) return;
    const auto doing = "waiting for the end of " + name_;
    call.check(doing);
    throw Error(ErrorKind::unavailable, doing + " did not finish in time");
}

Obituary CallsUnderWay::obituary() const {
    const std::scoped_lock lock(mutex_);
    return {*ending_, is_own_fault_, ended_ - started_};
}

void CallsUnderWay::take(const Hello& hello) {
    const std::scoped_lock lock(mutex_);
    if (hello_) throw Breach("said hello a second time");
    if (hello.protocol != protocol_version) {
        end(failure(ErrorKind::misconfigured, "speaks protocol " + std::to_string(hello.protocol) +
                                                  ", while this deployer speaks " + std::to_string(protocol_version)),
            true);
        return;
    }
    hello_ = hello;
    changed_.notify_all();
}

void CallsUnderWay::take(const Refusal& refusal) {
    const std::scoped_lock lock(mutex_);
    const auto error = refusal.error.while_doing(name_);
    if (refusal.call) {
        auto& pending = pending_call(*refusal.call);
        // The program's `cancelled` is not passed on: the engine would believe that it had cancelled the call itself.
        pending.error = error.kind() == ErrorKind::cancelled ? Error(ErrorKind::internal, error.what()) : error;
        pending.changed.notify_all();
    } else if (hello_) {
        throw Breach("wrote an error without an id: " + quote(refusal.error.what()));
    } else {
        end(error, true);
    }
}

/// The value is moved, so that from here on its parts belong to the call's own thread alone.
void CallsUnderWay::take(Result&& result) {
    const std::scoped_lock lock(mutex_);
    auto& pending = pending_call(result.call);
    pending.result = std::move(result.value);
    pending.changed.notify_all();
}

bool CallsUnderWay::has_hello() const {
    const std::scoped_lock lock(mutex_);
    return hello_.has_value();
}

void CallsUnderWay::bury() {
    const std::scoped_lock lock(mutex_);
    is_gone_ = true;
    changed_.notify_all();
}

Error CallsUnderWay::end(ErrorKind kind, std::string_view reason, bool is_own_fault) {
    const std::scoped_lock lock(mutex_);
    auto error = failure(kind, reason);
    end(error, is_own_fault);
    return error;
}

void CallsUnderWay::send(std::string_view line) const {
    if (!ending_) send_(line);
}

void CallsUnderWay::end(const Error& error, bool is_own_fault) {
    if (ending_) return;
    ending_ = error;
    is_own_fault_ = is_own_fault;
    ended_ = Clock::now();
    for (const auto& [number, pending] : pending_) pending->changed.notify_all();
    changed_.notify_all();
    turns_.notify_all();
    on_end_();
}

CallsUnderWay::Pending& CallsUnderWay::pending_call(std::uint64_t number) {
    const auto found = pending_.find(number);
    if (found == pending_.end() || found->second->is_done()) {
        throw Breach("answered call " + std::to_string(number) + ", which is not under way");
    }
    return *found->second;
}

Error CallsUnderWay::failure(ErrorKind kind, std::string_view what) const {
    return {kind, name_ + ' ' + std::string(what)};
}

}  // namespace deployer::exec
