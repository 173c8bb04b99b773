#include "conversation.hpp"

#include "posix/errno_text.hpp"

#include <deployer/foreign_text.hpp>

#include <csignal>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace deployer::exec {
namespace {

/// The time that a program has to end after its streams.
constexpr std::chrono::milliseconds exit_patience(200);

/// The thread that reads takes no signals: they are for the deployer's own threads.
void block_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

Conversation::Conversation(const Options& options, ProgramLog& log)
    : log_(log),
      calls_(
          "program " + quote(options.launch.command.front()), [this](std::string_view line) { streams_.write(line); },
          [this] {
              leaving_.request_stop();
              streams_.wake();
          }),
      hello_until_(Clock::now() + options.start_timeout),
      streams_(options.launch, log) {
    streams_.write(options.hello);
    try {
        thread_ = std::jthread([this] { attend(); });
    } catch (const std::system_error& problem) {
        throw Error(ErrorKind::unavailable, "cannot start a thread: " + errno_text(problem.code().value()));
    }
}

Conversation::~Conversation() {
    leaving_.request_stop();
    streams_.wake();
    thread_.join();
}

void Conversation::attend() noexcept {
    block_signals();
    try {
        serve();
    } catch (const Breach& breach) {
        // When leaving, reading may have stopped within a line: then the breach is no fault of the program.
        if (!leaving_.stop_requested()) condemn(ErrorKind::unavailable, breach.what());
    } catch (const std::exception& problem) {
        condemn(ErrorKind::unavailable, std::string("cannot be followed: ") + problem.what());
    }
    streams_.end(calls_.is_over());
    calls_.bury();
}

void Conversation::serve() {
    while (!has_to_leave()) {
        streams_.wait_for_news(calls_.has_hello() ? std::nullopt : std::optional(hello_until_));
        // Asked before the streams are read, so that they hold all that the program wrote before its end.
        const auto how = streams_.find_end();
        read_streams();
        if (how) return take_note_of_end(*how);
        if (streams_.has_output_ended()) return take_note_of_end("closed its standard output");
        if (streams_.is_deaf()) return take_note_of_end("closed its standard input");
    }
}

bool Conversation::has_to_leave() {
    if (!calls_.has_hello() && Clock::now() >= hello_until_) {
        calls_.end(ErrorKind::unavailable, "did not say hello within its start_timeout", true);
    }
    return leaving_.stop_requested();
}

bool Conversation::read_streams() {
    const bool has_any = streams_.read();
    while (const auto line = streams_.next_line()) handle(*line);
    return has_any;
}

void Conversation::handle(const Line& line) {
    if (!line.has_end) return;
    if (line.is_cut) {
        throw Breach("wrote a line of more than " + std::to_string(line_limit) + " bytes: " + quote(line.text));
    }
    auto message = read_message(line.text, leaving_.get_token());
    if (const auto* const remark = std::get_if<Remark>(&message)) return log_.write(remark->level, remark->text);
    if (const auto* const hello = std::get_if<Hello>(&message)) return calls_.take(*hello);
    if (const auto* const refusal = std::get_if<Refusal>(&message)) return calls_.take(*refusal);
    calls_.take(std::get<Result>(std::move(message)));
}

void Conversation::take_note_of_end(const std::string& how) {
    // Streams mostly close because the program is about to end, and the way it ends says more.
    const auto deadline = Clock::now() + exit_patience;
    while (!streams_.find_end() && streams_.wait_for_end(deadline)) read_streams();
    const auto exit = streams_.find_end();
    // A process that the program left behind could write for ever.
    for (auto rounds = line_limit / read_at_once; exit && rounds > 0 && read_streams(); --rounds) {
    }
    calls_.end(ErrorKind::unavailable, exit.value_or(how) + (calls_.has_hello() ? "" : " before it said hello"), true);
}

}  // namespace deployer::exec
