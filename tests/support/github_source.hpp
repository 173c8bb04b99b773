#pragma once

#include "support/catch.hpp"
#include "support/github_double.hpp"
#include "support/loaded_plugin.hpp"
#include "support/nginx.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/socks_proxy.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/tls_files.hpp"
#include "wanted/wanted.hpp"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::github_source {

using namespace std::chrono_literals;

namespace fs = std::filesystem;
using Locations = std::vector<std::string>;

inline std::shared_ptr<Source> repository_of(const GithubDouble& github, const std::string& more = "") {
    return load_source("source-github",
                       "repository: octo/config\nallow_http: true\napi_url: " + github.api_url() + "\n" + more);
}

inline std::shared_ptr<Source> site_of(const GithubDouble& github, const std::string& more = "") {
    return load_source("source-github", "allow_http: true\nroot_uri: " + github.root_uri() + "\n" + more);
}

inline std::unique_ptr<Checkout> checkout(Source& source, const Revision& known = {}) {
    TestCall call;
    return source.checkout(known, call);
}

inline std::vector<File> read(Checkout& from, const Locations& locations, const Call& call) {
    std::vector<FileRequest> requests;
    requests.reserve(locations.size());
    for (const auto& location : locations) requests.push_back({location});
    return from.read(requests, call);
}

inline std::vector<File> read(Checkout& from, const Locations& locations) {
    TestCall call;
    return read(from, locations, call);
}

inline File read_one(Checkout& from, const std::string& location) {
    return read(from, {location}).at(0);
}

/// Reads a checkout as the engine does: services.yaml first, because it names the other files.
inline Revision read_all(Source& source, const Locations& locations, const Revision& known = {}) {
    const auto now = checkout(source, known);
    if (!now) return known;
    read_one(*now, "services.yaml");
    read(*now, locations);
    return now->revision();
}

inline bool says(const Error& error, std::string_view fragment) {
    UNSCOPED_INFO(to_string(error.kind()) << ": " << error.what());
    return std::string_view(error.what()).find(fragment) != std::string_view::npos;
}

inline bool refuses(const File& file, ErrorKind kind, std::string_view fragment) {
    if (!file.error) {
        UNSCOPED_INFO("read: " << file.content.substr(0, 100));
        return false;
    }
    return says(*file.error, fragment) && file.error->kind() == kind && file.content.empty();
}

/// A fault for the first `times` requests whose line begins with `line`.
inline GithubDouble::Fault fault_at(std::string line, GithubFault fault, std::size_t times = 1000) {
    return [line = std::move(line), fault = std::move(fault), times](const GithubRequest& request) {
        const bool hit = request.line.starts_with(line) && request.nth <= times;
        return hit ? std::optional(fault) : std::nullopt;
    };
}

/// Calls `event` before the nth request of that line gets its normal answer.
inline GithubDouble::Fault event_at(std::string line, std::size_t nth, std::function<void()> event) {
    return [line = std::move(line), nth, event = std::move(event)](const GithubRequest& request) {
        if (request.line == line && request.nth == nth) event();
        return std::optional<GithubFault>();
    };
}

inline std::vector<std::string> lines_of(const GithubDouble& github) {
    std::vector<std::string> lines;
    for (const auto& request : github.requests()) {
        lines.push_back(request.line + " " + std::to_string(request.status));
    }
    return lines;
}

inline void write_tree(const TempDir& directory, const GithubTree& tree) {
    for (const auto& [path, file] : tree) {
        if (!file.is_link) {
            directory.write(path, file.content);
            continue;
        }
        fs::create_directories(directory.path(path).parent_path());
        fs::create_symlink(file.content, directory.path(path));
    }
}

inline std::shared_ptr<Source> directory_source(const fs::path& root) {
    return load_source("source-file", "path: '" + root.string() + "'\nsettle: 20ms\n");
}

/// The content or the kind of error of each location, one line each.
inline std::string outcomes(const Locations& locations, const std::vector<File>& files) {
    std::string text;
    for (std::size_t index = 0; index < files.size(); ++index) {
        const auto& [content, error] = files[index];
        text.append(locations[index].substr(0, 60)).append(": ");
        if (error) text.append(1, '(').append(to_string(error->kind())).append(1, ')');
        text.append(content).append(1, '\n');
    }
    return text;
}

}  // namespace deployer::github_source
