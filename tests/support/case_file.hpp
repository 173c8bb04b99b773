#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A test case in a file: a sentence on what the case shows, then parts, each after a line "==== TITLE".
///     The last entry wins.
///     ==== services.yaml
///     services: …
///     ==== expected
///     foo.service …
struct CaseFile {
    std::string name;  ///< name of the file, for messages
    std::string about;
    std::map<std::string, std::string> parts;  ///< by title; a part's text ends with a newline unless it is empty

    [[nodiscard]] const std::string& part(const std::string& title) const {
        const auto found = parts.find(title);
        if (found == parts.end()) throw std::runtime_error(name + " has no part \"==== " + title + "\"");
        return found->second;
    }
};

inline CaseFile read_case_file(const std::filesystem::path& path) {
    constexpr std::string_view mark = "==== ";
    CaseFile result{path.filename().string(), {}, {}};
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot read " + path.string());
    std::string* part = &result.about;
    for (std::string line; std::getline(stream, line);) {
        if (line.substr(0, mark.size()) == mark) {
            part = &result.parts[line.substr(mark.size())];
        } else {
            *part += line + "\n";
        }
    }
    return result;
}

/// All `*.case` files of a directory, by name. Throws when there are none, because a test without cases shows nothing.
inline std::vector<CaseFile> read_case_files(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() == ".case") paths.push_back(entry.path());
    }
    if (paths.empty()) throw std::runtime_error("no *.case in " + directory.string());
    std::sort(paths.begin(), paths.end());
    std::vector<CaseFile> cases;
    std::transform(paths.begin(), paths.end(), std::back_inserter(cases), read_case_file);
    return cases;
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

/// Whether a line matches the expected one, in which `…` stands for any text.
inline bool matches(std::string_view expected, std::string_view line) {
    constexpr std::string_view gap = "…";
    auto part_end = expected.find(gap);
    if (part_end == std::string_view::npos) return expected == line;
    if (line.substr(0, part_end) != expected.substr(0, part_end)) return false;
    line.remove_prefix(part_end);
    while (part_end != std::string_view::npos) {
        expected.remove_prefix(part_end + gap.size());
        part_end = expected.find(gap);
        const auto part = expected.substr(0, part_end);
        if (part_end == std::string_view::npos) {
            return line.size() >= part.size() && line.substr(line.size() - part.size()) == part;
        }
        const auto found = line.find(part);
        if (found == std::string_view::npos) return false;
        line.remove_prefix(found + part.size());
    }
    return true;
}

/// Whether a text matches the expected one line by line; see matches().
inline bool lines_match(const std::string& expected, const std::string& text) {
    const auto wanted = lines_of(expected);
    const auto given = lines_of(text);
    return std::equal(wanted.begin(), wanted.end(), given.begin(), given.end(), matches);
}

}  // namespace deployer
