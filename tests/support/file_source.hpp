#pragma once

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/loaded_plugin.hpp"
#include "support/shared_data.hpp"
#include "support/small_disk.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/unprivileged.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::file_source {

using namespace std::chrono_literals;

namespace fs = std::filesystem;

/// A source with a short settle time, so that tests do not wait long for quiet.
inline std::shared_ptr<Source> source_at(const fs::path& root) {
    return load_source("source-file", "path: '" + root.string() + "'\nsettle: 20ms\n");
}

inline std::unique_ptr<Checkout> checkout(Source& source) {
    TestCall call;
    return source.checkout({}, call);
}

inline Revision revision_of(Source& source) {
    return checkout(source)->revision();
}
inline Revision revision_of(const fs::path& root) {
    return revision_of(*source_at(root));
}

inline File read_one(Checkout& from, const std::string& location) {
    TestCall call;
    const std::vector<FileRequest> requests{{location}};
    return from.read(requests, call).at(0);
}

inline bool refuses(const File& file, ErrorKind kind, std::string_view fragment) {
    if (!file.error) {
        UNSCOPED_INFO("read: " << file.content.substr(0, 100));
        return false;
    }
    UNSCOPED_INFO(to_string(file.error->kind()));
    return says(*file.error, fragment) && file.error->kind() == kind && file.content.empty();
}

/// Saves as editors do: writes a new file and renames it over the old one.
inline void replace(const TempDir& directory, const fs::path& name, std::string_view text) {
    directory.write(name.string() + ".new", text);
    fs::rename(directory.path(name.string() + ".new"), directory.path(name));
}

/// Whether the source saw a change: the wait ended before its deadline.
inline bool wakes(Source& source, std::chrono::milliseconds deadline = 20s) {
    TestCall call(deadline);
    source.wait_for_change(call);
    return static_cast<const Call&>(call).remaining() > 0ms;
}

}  // namespace deployer::file_source
