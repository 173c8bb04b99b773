#include "support/catch.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

using namespace deployer;

namespace {

/// A fenced block of a Markdown file: ```LANGUAGE … ```
struct Block {
    std::string language;
    std::string text;
};

std::vector<Block> read_blocks(const std::filesystem::path& file) {
    std::vector<Block> blocks;
    bool inside = false;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("```", 0) == 0) {
            inside = !inside;
            if (inside) blocks.push_back({line.substr(3), {}});
        } else if (inside) {
            blocks.back().text += line + '\n';
        }
    }
    return blocks;
}

/// A copy of etc/ as the working directory, with the program on the PATH.
class Island {
public:
    Island() {
        std::filesystem::copy(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "etc", dir_.path() / "etc",
                              std::filesystem::copy_options::recursive);
    }

    std::string run(const std::string& commands) const {
        const auto bin = std::filesystem::path(DEPLOYER_TEST_PROGRAM).parent_path().string();
        Program shell({"-c", "cd '" + dir_.path().string() + "'; PATH='" + bin + "':$PATH; " + commands}, "/bin/sh");
        (void)shell.wait();
        INFO(shell.err());
        CHECK(shell.err().find("not found") == std::string::npos);
        return shell.out();
    }

private:
    TempDir dir_;
};

/// The text without revisions, because these change with every edit of the demo, and the README shortens them.
std::string without_revisions(const std::string& text) {
    return std::regex_replace(text, std::regex("revision [^\n]*"), "revision");
}

}  // namespace

TEST_CASE("the tour of the README shows what the program prints") {
    const Island island;
    REQUIRE(island.run("coco-fleet-deployer once --config etc/local.yaml").find("applied: 10 created") !=
            std::string::npos);
    const auto blocks = read_blocks(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "README.md");
    int steps = 0;
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) {
        if (blocks[i].language != "sh" || blocks[i + 1].language != "text") continue;
        INFO(blocks[i].text);
        CHECK(without_revisions(island.run(blocks[i].text)) == without_revisions(blocks[i + 1].text));
        ++steps;
    }
    CHECK(steps == 5);
}

TEST_CASE("the demo is beyond reproach and stays applied") {
    const Island island;
    const auto validated = island.run("coco-fleet-deployer validate --config etc/local.yaml --output json");
    CHECK(validated.find("\"in_sync\"") != std::string::npos);
    CHECK(std::regex_search(validated, std::regex("\"warnings\": \\[\\s*\\]")));
    CHECK(island.run("coco-fleet-deployer once --config etc/local.yaml").find("applied: ") != std::string::npos);
    CHECK(island.run("coco-fleet-deployer once --config etc/local.yaml").find("in_sync: nothing to change") !=
          std::string::npos);
}
