#include "secret.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace deployer {
namespace {

constexpr std::size_t longest_secret = 64U << 10U;

[[noreturn]] void fail(const std::string& problem) {
    throw Error(ErrorKind::misconfigured, problem);
}

/// The name in `${NAME}`, if that is the whole text.
std::optional<std::string> variable_name(std::string_view text) {
    if (!text.starts_with("${") || !text.ends_with('}')) return std::nullopt;
    const auto name = text.substr(2, text.size() - 3);
    const bool is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                         std::all_of(name.begin(), name.end(),
                                     [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_'; });
    return is_name ? std::optional<std::string>(name) : std::nullopt;
}

}  // namespace

std::string secret_of(const std::string& text) {
    if (text.find("${") == std::string::npos) return text;
    const auto variable = variable_name(text);
    if (!variable) fail("an environment variable must be the whole value: ${NAME}");
    const char* const value = std::getenv(variable->c_str());
    if (value == nullptr || *value == '\0') {
        fail("the environment variable " + *variable + (value == nullptr ? " is not set" : " is empty"));
    }
    return value;
}

std::string read_secret_file(const std::filesystem::path& file) {
    std::error_code failure;
    const auto status = std::filesystem::status(file, failure);
    // Opening a FIFO or a device could wait for ever.
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        fail(file.string() + " is not a regular file");
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    std::string secret(longest_secret + 1, '\0');
    stream.read(secret.data(), static_cast<std::streamsize>(secret.size()));
    if (!stream.is_open() || stream.bad()) {
        const auto reason = std::error_code(errno == 0 ? EIO : errno, std::generic_category());
        fail("cannot read " + file.string() + ": " + reason.message());
    }
    secret.resize(static_cast<std::size_t>(stream.gcount()));
    if (secret.size() > longest_secret) {
        fail(file.string() + " is larger than " + std::to_string(longest_secret) + " bytes, too large for a secret");
    }
    if (secret.ends_with('\n')) secret.pop_back();
    if (secret.ends_with('\r')) secret.pop_back();
    if (secret.empty()) fail(file.string() + " is empty");
    return secret;
}

}  // namespace deployer
