#include "support/catch.hpp"

#include <deployer/nearest_word.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace deployer;

TEST_CASE("the word that was meant is found through slips of few letters", "[R6]") {
    const std::vector<std::string> words{"interval", "state_file", "desiredState", "uri", "a", "plan", "play"};
    CHECK(nearest_word("interval", words) == "interval");
    CHECK(nearest_word("intervall", words) == "interval");
    CHECK(nearest_word("nterval", words) == "interval");
    CHECK(nearest_word("intreval", words) == "interval");
    CHECK(nearest_word("interwall", words) == "interval");
    CHECK(nearest_word("State-File", words) == "state_file");
    CHECK(nearest_word("desiredstate", words) == "desiredState");
    CHECK(nearest_word("url", words) == "uri");
    CHECK(nearest_word("pla", words) == "plan");
}

TEST_CASE("no word is suggested that has nothing in common") {
    const std::vector<std::string> words{"interval", "uri", "a"};
    for (const auto* const word : {"", "-", "b", "colour", "intvl", "internal_value"}) {
        INFO(word);
        CHECK(nearest_word(word, words) == std::nullopt);
    }
    CHECK(nearest_word("interval" + std::string(100, 'l'), words) == std::nullopt);
    CHECK(nearest_word("interval", {}) == std::nullopt);
}
