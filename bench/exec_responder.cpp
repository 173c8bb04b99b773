// The simplest program for target-exec: answers each call with the same result.

#include <unistd.h>

#include <string>
#include <string_view>

namespace {

bool write_out(std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(STDOUT_FILENO, text.data(), text.size());
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// A call begins with its id: {"id":7,"method":…
std::string answer_to(std::string_view line) {
    constexpr std::string_view start = "{\"id\":";
    if (!line.starts_with(start)) return "{\"hello\":\"responder\",\"protocol\":1,\"concurrent\":true}\n";
    line.remove_prefix(start.size());
    return "{\"id\":" + std::string(line.substr(0, line.find(','))) + ",\"result\":{\"readiness\":\"ready\"}}\n";
}

}  // namespace

int main() {
    std::string unread;
    std::string chunk(65536, '\0');
    while (true) {
        const auto count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
        if (count <= 0) return 0;
        unread.append(chunk, 0, static_cast<std::size_t>(count));
        std::string answers;
        std::size_t begin = 0;
        for (auto end = unread.find('\n'); end != std::string::npos; end = unread.find('\n', begin)) {
            answers += answer_to(std::string_view(unread).substr(begin, end - begin));
            begin = end + 1;
        }
        unread.erase(0, begin);
        if (!write_out(answers)) return 1;
    }
}
