#include "program_log.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace deployer::exec {
namespace {

constexpr std::size_t longest_line = 1000;
constexpr std::size_t most_kept = 100;
constexpr double burst = 200;
constexpr double lines_a_second = 20;

/// Cuts a long text between two characters, and makes it printable.
std::string cut(std::string_view text) {
    if (text.size() <= longest_line) return printable(text);
    auto length = longest_line;
    const auto is_within_character = [&] { return (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U; };
    while (length > longest_line - 4 && is_within_character()) --length;
    return printable(text.substr(0, length)) + "…";
}

}  // namespace

ProgramLog::Listening::Listening(ProgramLog& program, Log& log) : program_(program), log_(log) {
    const std::scoped_lock lock(program_.mutex_);
    program_.listeners_.push_back(&log_);
    for (const auto& entry : program_.kept_) log_.write(entry.level, entry.text);
    program_.kept_.clear();
    program_.tell_left_out();
}

ProgramLog::Listening::~Listening() {
    const std::scoped_lock lock(program_.mutex_);
    auto& all = program_.listeners_;
    all.erase(std::find(all.begin(), all.end(), &log_));
}

void ProgramLog::write(LogLevel level, std::string_view text) noexcept {
    try {
        const std::scoped_lock lock(mutex_);
        put(level, text);
    } catch (const std::exception&) {
        return;  // When memory is short, only this line is lost.
    }
}

void ProgramLog::put(LogLevel level, std::string_view text) {
    if (!take_leave()) {
        ++left_out_;
        return;
    }
    tell_left_out();
    pass_on({level, cut(text)});
}

void ProgramLog::pass_on(Entry entry) {
    if (!listeners_.empty()) {
        listeners_.front()->write(entry.level, entry.text);
        return;
    }
    if (kept_.size() == most_kept) {
        kept_.pop_front();
        ++left_out_;
    }
    kept_.push_back(std::move(entry));
}

void ProgramLog::tell_left_out() {
    if (left_out_ == 0 || listeners_.empty() || !take_leave()) return;
    const auto count = std::exchange(left_out_, 0);
    pass_on({LogLevel::warning,
             std::to_string(count) + " lines of the program are left out here, because it wrote too many"});
}

bool ProgramLog::take_leave() {
    const auto now = Clock::now();
    const std::chrono::duration<double> passed = now - std::exchange(leave_since_, now);
    leave_ = std::min(burst, leave_ + passed.count() * lines_a_second);
    if (leave_ < 1) return false;
    leave_ -= 1;
    return true;
}

}  // namespace deployer::exec
