#pragma once

#include "posix/file_descriptor.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace deployer {

/// The next `size` bytes of a file, or fewer when the file ends before. Throws std::system_error.
inline std::string read_whole(int file, std::size_t size) {
    std::string text(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
        const auto got = ::read(file, text.data() + filled, size - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "read");
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
}

/// Writes all of the text. Throws std::system_error; a part of the text may have been written then.
inline void write_whole(int file, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw std::system_error(errno, std::generic_category(), "write");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// Closes a file that was written, and throws std::system_error for a failure: network and quota file systems may
/// report a full disk as late as here. The file is closed in any case.
inline void close_written(FileDescriptor& file) {
    if (::close(file.release()) != 0) throw std::system_error(errno, std::generic_category(), "close");
}

}  // namespace deployer
