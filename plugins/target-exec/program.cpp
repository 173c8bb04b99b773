#include "program.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>

namespace deployer::exec {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds early(10);
constexpr milliseconds longest_pause = std::chrono::minutes(1);

milliseconds pause_after(int early_ends, milliseconds first) {
    if (early_ends < 2) return milliseconds(0);
    auto pause = std::min(first, longest_pause);
    for (int times = 2; times < early_ends && pause < longest_pause; ++times) pause *= 2;
    return std::min(pause, longest_pause);
}

}  // namespace

Program::Running Program::obtain(const Call& call) {
    while (true) {
        milliseconds pause(0);
        const auto conversation = find(pause);
        if (!conversation) {
            wait(pause, call);
        } else if (conversation->is_over()) {
            conversation->wait_until_gone(call);
            forget(conversation);
        } else {
            auto hello = conversation->wait_for_hello(call);
            check_identity(hello, *conversation, call.log);
            return {conversation, std::move(hello)};
        }
    }
}

std::shared_ptr<Conversation> Program::find(milliseconds& pause) {
    const std::scoped_lock lock(mutex_);
    if (!current_) {
        pause = std::chrono::ceil<milliseconds>(earliest_start_ - Clock::now());
        if (pause.count() > 0) return nullptr;
        current_ = std::make_shared<Conversation>(options_, log_);
    }
    return current_;
}

void Program::forget(const std::shared_ptr<Conversation>& former) {
    const std::scoped_lock lock(mutex_);
    if (current_ != former) return;
    const auto obituary = former->obituary();
    latest_end_ = obituary.error.what();
    current_.reset();
    if (obituary.lived >= early) early_ends_ = 0;
    if (!obituary.is_own_fault) return;
    if (obituary.lived < early) ++early_ends_;
    earliest_start_ = Clock::now() + pause_after(early_ends_, options_.restart_pause);
}

void Program::wait(milliseconds pause, const Call& call) {
    std::string doing;
    {
        const std::scoped_lock lock(mutex_);
        doing = "waiting to start it again (" + latest_end_ + ')';
    }
    call.check(doing);
    if (!call.wait(pause)) call.check(doing);
}

void Program::check_identity(const Hello& hello, Conversation& conversation, Log& log) {
    if (!hello.identity) return;
    const std::scoped_lock lock(mutex_);
    const auto& expected = options_.expected ? options_.expected : identity_;
    if (!expected) log.info("the program " + quote(hello.program) + " speaks for " + quote(*hello.identity));
    if (!identity_) identity_ = hello.identity;
    if (!expected || *expected == *hello.identity) return;
    const auto what = "speaks for " + quote(*hello.identity) + ", while " +
                      (options_.expected ? "the setting \"identity\" says " : "it spoke before for ") +
                      quote(*expected);
    throw conversation.condemn(ErrorKind::misconfigured, what);
}

}  // namespace deployer::exec
