#include "exchange.hpp"

#include "request_check.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace deployer::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds long_pause(5'000);
constexpr milliseconds longest_wait(60'000);
constexpr int too_many_requests = 429;

bool asks_to_try_again(int status) {
    return status == too_many_requests || status == 502 || status == 503 || status == 504;
}

std::string in_seconds(milliseconds time) {
    const auto tenths = (time.count() + 50) / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s";
}

void check(CURLMcode code) {
    if (code == CURLM_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != CURLM_OK) throw Error(ErrorKind::internal, std::string("libcurl: ") + curl_multi_strerror(code));
}

EasyHandle take_spare(Line& line) {
    if (line.spare.empty()) {
        EasyHandle handle(curl_easy_init());
        if (!handle) throw std::bad_alloc();
        return handle;
    }
    auto handle = std::move(line.spare.back());
    line.spare.pop_back();
    return handle;
}

}  // namespace

Exchange::Exchange(Line& line, const ClientOptions& options, std::span<const Request> requests, const Call& call)
    : line_(line), options_(options), call_(call), results_(requests.size()) {
    for (std::size_t index = 0; index < requests.size(); ++index) admit(requests[index], results_[index]);
}

Exchange::~Exchange() {
    for (const auto& running : running_) curl_multi_remove_handle(line_.multi.get(), running.transfer->handle());
}

void Exchange::admit(const Request& request, Result& result) {
    try {
        check_sendable(request);
        const Url url(request.url);
        check_allowed(url, options_);
        ready_.push_back(&jobs_.emplace_back(Job{request, result, url, url}));
    } catch (const Error& error) {
        result.error = error.while_doing(named(request));
    }
}

std::vector<Result> Exchange::run() {
    while (!is_over()) {
        if (call_.stop.stop_requested()) cancel();
        if (Clock::now() >= call_.deadline) {
            expire();
            break;
        }
        step();
    }
    return std::move(results_);
}

bool Exchange::is_over() const {
    return ready_.empty() && running_.empty() && paused_.empty();
}

void Exchange::step() {
    wake_paused();
    start_ready();
    int still_running = 0;
    check(curl_multi_perform(line_.multi.get(), &still_running));
    collect_finished();
    give_up_stalled();
    const bool can_start = !ready_.empty() && running_.size() < options_.max_parallel;
    if (!can_start && !is_over()) wait();
}

void Exchange::wake_paused() {
    const auto now = Clock::now();
    while (!paused_.empty() && paused_.begin()->first <= now) {
        ready_.push_back(paused_.begin()->second);
        paused_.erase(paused_.begin());
    }
}

void Exchange::start_ready() {
    while (!ready_.empty() && running_.size() < options_.max_parallel) {
        auto* job = ready_.front();
        ready_.pop_front();
        if (is_silenced(*job)) {
            give_up(*job, "not asked any more: another request was answered 429");
        } else {
            start(*job);
        }
    }
}

void Exchange::start(Job& job) {
    // A redirect belongs to the attempt that met it.
    if (job.redirects == 0) ++job.attempts;
    const Errand errand{job.request, job.here, job.start, job.at_home, job.broken};
    auto transfer = std::make_unique<Transfer>(take_spare(line_), errand, options_);
    check(curl_multi_add_handle(line_.multi.get(), transfer->handle()));
    running_.push_back({&job, std::move(transfer)});
}

void Exchange::collect_finished() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(line_.multi.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto code = message->data.result;
        void* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        auto ended = take_running(static_cast<const Transfer*>(transfer));
        auto outcome = ended.transfer->finish(code);
        auto& job = *ended.job;
        put_away(std::move(ended));
        settle(job, std::move(outcome));
    }
}

void Exchange::give_up_stalled() {
    const auto now = Clock::now();
    const auto stalled = [now](const Running& running) { return running.transfer->stall_limit() <= now; };
    for (;;) {
        const auto found = std::find_if(running_.begin(), running_.end(), stalled);
        if (found == running_.end()) return;
        auto given_up = take_running(found->transfer.get());
        const auto failure = given_up.transfer->stalled();
        auto& job = *given_up.job;
        put_away(std::move(given_up));
        // A hanging connection may outlive this request, and would hang for later requests as well.
        line_.doubtful = true;
        settle(job, failure);
    }
}

/// Waits until a connection is ready, a pause or stall limit is over, a stop is requested, or the deadline comes.
void Exchange::wait() const {
    auto until = call_.deadline;
    if (!paused_.empty()) until = std::min(until, paused_.begin()->first);
    for (const auto& running : running_) until = std::min(until, running.transfer->stall_limit());
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    const auto timeout = static_cast<int>(std::clamp(left, milliseconds(0), longest_wait).count());
    check(curl_multi_poll(line_.multi.get(), nullptr, 0, timeout, nullptr));
}

Exchange::Running Exchange::take_running(const Transfer* transfer) {
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [transfer](const auto& running) { return running.transfer.get() == transfer; });
    auto taken = std::move(*found);
    running_.erase(found);
    return taken;
}

void Exchange::put_away(Running running) {
    curl_multi_remove_handle(line_.multi.get(), running.transfer->handle());
    line_.spare.push_back(std::move(*running.transfer).take_handle());
}

void Exchange::settle(Job& job, Outcome outcome) {
    if (auto* response = std::get_if<Response>(&outcome)) {
        settle(job, std::move(*response));
    } else {
        settle(job, std::get<Failure>(outcome));
    }
}

void Exchange::settle(Job& job, Response response) {
    job.broken = false;
    const auto redirection = follow(job, response, options_);
    if (redirection == Redirection::followed) ready_.push_front(&job);
    if (redirection != Redirection::none) return;
    const auto status = response.status;
    const auto wish = retry_after(response).value_or(milliseconds(0));
    if (status == too_many_requests && options_.heeds_rate_limits) silence(job);
    if (asks_to_try_again(status) && try_again(job, "status " + std::to_string(status), wish)) return;
    job.result.response = std::move(response);
}

void Exchange::settle(Job& job, const Failure& failure) {
    job.broken = true;
    if (failure.passing && try_again(job, failure.cause, milliseconds(0))) return;
    fail(job, failure);
}

/// False: there are no attempts left, or no time for one.
bool Exchange::try_again(Job& job, const std::string& cause, milliseconds at_least) {
    if (job.attempts >= options_.attempts || is_silenced(job)) return false;
    const auto pause = pauses_.after(job.attempts) + at_least;
    if (pause >= call_.remaining()) return false;
    const auto level = pause < long_pause ? LogLevel::debug : LogLevel::info;
    call_.log.write(level, named(job.request) + ": " + cause + ", trying again in " + in_seconds(pause));
    start_over(job, cause);
    paused_.emplace(Clock::now() + pause, &job);
    return true;
}

/// Ends all further requests to the origin of the job's current url.
void Exchange::silence(const Job& job) {
    silenced_.insert(job.here.origin());
    // A paused request to this origin will get no further attempt, so it ends now.
    std::erase_if(paused_, [this](const auto& paused) {
        const bool ends = is_silenced(*paused.second);
        if (ends) ready_.push_back(paused.second);
        return ends;
    });
}

bool Exchange::is_silenced(const Job& job) const {
    return !silenced_.empty() && silenced_.contains(job.here.origin());
}

void Exchange::expire() {
    std::vector<Job*> open(ready_.begin(), ready_.end());
    for (const auto& running : running_) open.push_back(running.job);
    for (const auto& paused : paused_) open.push_back(paused.second);
    for (auto* job : open) give_up(*job, "no answer in time");
    line_.doubtful = line_.doubtful || !running_.empty();
}

void Exchange::cancel() const {
    const auto* job = !running_.empty() ? running_.front().job
                      : !ready_.empty() ? ready_.front()
                                        : paused_.begin()->second;
    throw Error(ErrorKind::cancelled, named(job->request) + ": cancelled");
}

}  // namespace deployer::http
