#pragma once

#include "curl_handles.hpp"
#include "http_client.hpp"
#include "job.hpp"
#include "pauses.hpp"
#include "transfer.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace deployer::http {

/// Kept connections and reset handles, used by one exchange at a time.
struct Line {
    MultiHandle multi;
    std::vector<EasyHandle> spare;
    bool doubtful = false;  ///< one of its connections hangs, so the line must not be used again
};

/// Carries out several requests concurrently on one thread, with attempts, pauses between them, and redirects.
class Exchange {
public:
    Exchange(Line& line, const ClientOptions& options, std::span<const Request> requests, const Call& call);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    Exchange(Exchange&&) = delete;
    Exchange& operator=(Exchange&&) = delete;

    /// Carries out all requests; to be called once. Throws Error `cancelled`.
    [[nodiscard]] std::vector<Result> run();

private:
    using Clock = Transfer::Clock;

    struct Running {
        Job* job;
        std::unique_ptr<Transfer> transfer;
    };

    void admit(const Request& request, Result& result);
    [[nodiscard]] bool is_over() const;
    void step();
    void start(Job& job);
    void start_ready();
    void wake_paused();
    void collect_finished();
    void give_up_stalled();
    void wait() const;
    Running take_running(const Transfer* transfer);
    void put_away(Running running);

    void settle(Job& job, Outcome outcome);
    void settle(Job& job, Response response);
    void settle(Job& job, const Failure& failure);
    bool try_again(Job& job, const std::string& cause, std::chrono::milliseconds at_least);
    void silence(const Job& job);
    [[nodiscard]] bool is_silenced(const Job& job) const;
    void expire();
    [[noreturn]] void cancel() const;

    Line& line_;
    const ClientOptions& options_;
    const Call& call_;
    Pauses pauses_;
    std::vector<Result> results_;
    std::deque<Job> jobs_;
    std::deque<Job*> ready_;
    std::vector<Running> running_;
    std::multimap<Clock::time_point, Job*> paused_;
    std::set<std::string> silenced_;  ///< origins that answered 429
};

}  // namespace deployer::http
