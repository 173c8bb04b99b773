#include "cli/config_text.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace deployer {
namespace {

using Kind = SettingsNode::Kind;

/// "https://user:password@host/" without user and password; nullopt when there are none.
std::optional<std::string> without_password(const std::string& text) {
    const auto scheme = text.find("://");
    if (scheme == std::string::npos) return std::nullopt;
    const auto begin = scheme + 3;
    const auto end = text.find_first_of("/?#", begin);
    const auto at = text.substr(0, end).rfind('@');
    if (at == std::string::npos || at < begin) return std::nullopt;
    return text.substr(0, begin) + "***" + text.substr(at);
}

bool needs_escapes(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::string in_double_quotes(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const auto character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte < ' ' || byte == 0x7F) {
            out.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 0xFU]);
        } else {
            if (character == '"' || character == '\\') out += '\\';
            out += character;
        }
    }
    return out += '"';
}

std::string in_single_quotes(std::string_view text) {
    std::string out = "'";
    for (const auto character : text) {
        if (character == '\'') out += '\'';
        out += character;
    }
    return out += '\'';
}

class Writer {
public:
    explicit Writer(const std::set<std::string>& secrets) : secrets_(secrets) {}

    std::string operator()(const SettingsNode& root) && {
        write_block(root, "", 0);
        return std::move(out_);
    }

private:
    void write_block(const SettingsNode& block, const std::string& path, std::size_t depth) {
        for (std::size_t i = 0; i < block.items.size(); ++i) {
            const auto& key = block.keys[i];
            out_.append(2 * depth, ' ').append(needs_escapes(key) ? in_double_quotes(key) : key).append(":");
            write_value(block.items[i], path.empty() ? key : std::string(path).append(1, '.').append(key), depth + 1);
        }
    }

    void write_list(const SettingsNode& list, const std::string& path, std::size_t depth) {
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            out_.append(2 * depth, ' ').append("-");
            write_value(list.items[i], path + '[' + std::to_string(i) + ']', depth + 1);
        }
    }

    /// Writes a value behind its key or dash.
    void write_value(const SettingsNode& node, const std::string& path, std::size_t depth) {
        if (node.kind == Kind::scalar) {
            out_.append(" ").append(scalar(node, path)).append("\n");
        } else if (node.kind == Kind::null) {
            out_ += '\n';
        } else if (node.items.empty()) {
            out_.append(node.kind == Kind::list ? " []\n" : " {}\n");
        } else {
            out_ += '\n';
            node.kind == Kind::list ? write_list(node, path, depth) : write_block(node, path, depth);
        }
    }

    [[nodiscard]] std::string scalar(const SettingsNode& node, const std::string& path) const {
        const bool names_variable = node.text.rfind("${", 0) == 0;
        // An unset variable is refused wherever a secret is read. Any other mark would be used as the secret itself.
        if (secrets_.count(path) > 0 && !names_variable) return "${NOT_PRINTED}  # a secret: put it in again";
        const auto& text = node.text;
        if (const auto rest = without_password(text)) {
            return "# the password is not printed, put it in again: " + in_double_quotes(*rest);
        }
        if (needs_escapes(text)) return in_double_quotes(text);
        return node.quoted || text.find_first_of("#:{}[],&*?|<>=!%@`\"'\\- ") == 0 ||
                       text.find(": ") != std::string::npos || text.find(" #") != std::string::npos
                   ? in_single_quotes(text)
                   : text;
    }

    const std::set<std::string>& secrets_;
    std::string out_;
};

}  // namespace

std::string write_config_text(const SettingsDocument& document, const std::set<std::string>& secrets) {
    return Writer(secrets)(document.root);
}

}  // namespace deployer
