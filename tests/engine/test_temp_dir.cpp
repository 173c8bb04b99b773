#include "support/catch.hpp"
#include "support/temp_dir.hpp"

#include <stdexcept>

using deployer::TempDir;

TEST_CASE("a temporary directory goes away with what was written into it") {
    std::filesystem::path path;
    {
        const TempDir directory;
        path = directory.path();
        directory.write("a/b.txt", "text\n");
        CHECK(directory.read("a/b.txt") == "text\n");
        CHECK(directory.exists("a"));
        directory.remove("a");
        CHECK_FALSE(directory.exists("a"));
        CHECK_THROWS_AS(directory.read("a/b.txt"), std::runtime_error);
        directory.write("c", "");
        CHECK(directory.read("c").empty());
    }
    CHECK_FALSE(std::filesystem::exists(path));
}
