#pragma once

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>

namespace deployer {

inline std::string in_quotes(const std::filesystem::path& path) {
    return "'" + path.string() + "'";
}

/// Runs a shell command; a failed check shows its output.
inline std::string run_in_shell(const std::string& command) {
    std::string output;
    FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), count);
    const int status = ::pclose(pipe);
    INFO(command << "\n" << output);
    REQUIRE(status == 0);
    return output;
}

/// The build tree, installed into a directory of the test, as a plugin author has it.
class Installation {
public:
    Installation() {
        run_in_shell(std::string(DEPLOYER_TEST_CMAKE) + " --install " + in_quotes(DEPLOYER_TEST_BUILD) + " --prefix " +
                     in_quotes(prefix()));
    }

    [[nodiscard]] const TempDir& dir() const noexcept { return dir_; }
    [[nodiscard]] std::filesystem::path prefix() const { return dir_.path("installed"); }
    [[nodiscard]] std::filesystem::path program() const { return prefix() / "bin/coco-fleet-deployer"; }
    [[nodiscard]] std::filesystem::path plugins() const { return prefix() / "lib/coco-fleet-deployer/plugins"; }

    /// Configures and builds the project in `source`, in its folder build.
    void build(const std::filesystem::path& source, const std::string& compiler = DEPLOYER_TEST_COMPILER) const {
        const std::string cmake = DEPLOYER_TEST_CMAKE;
        const auto build = source / "build";
        run_in_shell(cmake + " -S " + in_quotes(source) + " -B " + in_quotes(build) +
                     " -DCMAKE_PREFIX_PATH=" + in_quotes(prefix()) + " -DCMAKE_CXX_COMPILER=" + compiler);
        run_in_shell(cmake + " --build " + in_quotes(build));
    }

    /// Installs the result of build() so that the program finds it.
    void install(const std::filesystem::path& source) const {
        run_in_shell(std::string(DEPLOYER_TEST_CMAKE) + " --install " + in_quotes(source / "build") + " --prefix " +
                     in_quotes(prefix()));
    }

private:
    TempDir dir_;
};

}  // namespace deployer
