#pragma once

#include "support/catch.hpp"
#include "support/exec_target.hpp"
#include "support/holds.hpp"
#include "support/program.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace deployer::exec_target {

inline const Unit foo{"foo.service", {{"Service", "ExecStart", "/bin/foo"}}, DesiredState::launched};

inline Error refusal_of(const std::string& yaml) {
    return thrown_by([&] { (void)load_target("target-exec", yaml); });
}

/// The error of a call to the target.
inline Error failure_of(Target& target) {
    const TestCall call;
    return thrown_by([&] { target.status(foo, call); });
}

inline std::vector<std::string> lines_of(const TempDir& directory, const std::string& file) {
    std::vector<std::string> lines;
    std::ifstream in(directory.path(file));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

inline std::vector<std::string> with_start(const std::vector<std::string>& lines, const std::string& start) {
    std::vector<std::string> found;
    for (const auto& line : lines) {
        if (line.starts_with(start)) found.push_back(line.substr(start.size()));
    }
    return found;
}

inline bool is_running(const std::string& pid) {
    return ::kill(std::stoi(pid), 0) == 0;
}

inline std::filesystem::path write_program(const TempDir& directory, const std::string& file, const std::string& text) {
    auto path = directory.write(file, text);
    if (::chmod(path.c_str(), 0700) != 0) throw std::runtime_error("cannot make it executable");
    return path;
}

}  // namespace deployer::exec_target
