#include <deployer/call.hpp>
#include <deployer/error.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>

namespace deployer {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds Call::remaining() const {
    // Rounded up, so that a wait for the remaining time ends past the deadline and not just before it.
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - steady_clock::now()));
}

void Call::check(std::string_view doing) const {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, std::string(doing) + ": cancelled");
    if (steady_clock::now() >= deadline) {
        throw Error(ErrorKind::unavailable, std::string(doing) + " did not finish in time");
    }
}

bool Call::wait(milliseconds pause) const {
    // Compared with the remaining time, because now plus a long pause could overflow.
    const bool whole = pause < remaining();
    const auto until = whole ? steady_clock::now() + pause : deadline;
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock(mutex);
    condition.wait_until(lock, stop, until, [] { return false; });
    return whole && !stop.stop_requested();
}

}  // namespace deployer
