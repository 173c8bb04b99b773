#include <deployer/nearest_word.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>
#include <vector>

namespace deployer {
namespace {

/// The word in lower case, without dashes and underscores: people mistake these most often.
std::string fold(std::string_view word) {
    std::string folded;
    for (const char byte : word) {
        if (byte != '-' && byte != '_') folded += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
    }
    return folded;
}

/// The smallest number of edits that turn one word into the other. An edit inserts, drops or changes a letter, or swaps
/// two neighbours.
std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last;
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        before_last = std::move(last);
        last = std::move(row);
        row.assign(right.size() + 1, i);
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> words) {
    // A longer word is no typing mistake, and the time of a comparison grows with the square of the length.
    constexpr std::size_t longest_word = 64;
    if (word.size() > longest_word) return std::nullopt;
    const auto folded = fold(word);
    // At most a third of the letters may differ, or the suggestion would have nothing in common with the word.
    auto limit = std::min(std::max<std::size_t>(folded.size() / 3, 1) + 1, std::max<std::size_t>(folded.size(), 1));
    std::optional<std::string> nearest;
    for (const auto& candidate : words) {
        const auto distance = edit_distance(folded, fold(candidate));
        if (distance >= limit) continue;
        limit = distance;
        nearest = candidate;
    }
    return nearest;
}

}  // namespace deployer
