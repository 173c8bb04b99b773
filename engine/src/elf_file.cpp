#include "elf_file.hpp"

#include <link.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace deployer {
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);

constexpr unsigned char native_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

std::string in_hex(std::string_view bytes) {
    std::ostringstream text;
    text << std::hex << std::setfill('0');
    for (const char byte : bytes) {
        text << (text.tellp() == 0 ? "" : " ") << std::setw(2) << unsigned{static_cast<unsigned char>(byte)};
    }
    return text.str();
}

std::string no_elf_problem(std::string_view begin) {
    const auto magic = in_hex({ELFMAG, SELFMAG});
    if (begin.empty()) return "is empty, not a shared library";
    return "is not a shared library: it begins with " + in_hex(begin) + " and not with " + magic + " (ELF)";
}

template <class Record>
bool read_record(std::ifstream& in, Record& record) {
    return static_cast<bool>(in.read(reinterpret_cast<char*>(&record), sizeof record));
}

/// How many bytes the loader will map.
std::uintmax_t mapped_size(std::ifstream& in, const Header& header) {
    std::uintmax_t size = header.e_phoff + std::uintmax_t{header.e_phnum} * sizeof(Segment);
    in.seekg(static_cast<std::streamoff>(header.e_phoff));
    Segment segment{};
    for (unsigned i = 0; i < header.e_phnum && read_record(in, segment); ++i) {
        if (segment.p_type == PT_LOAD) size = std::max<std::uintmax_t>(size, segment.p_offset + segment.p_filesz);
    }
    return size;
}

}  // namespace

std::optional<std::string> elf_file_problem(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in.is_open()) return "cannot be read: " + std::generic_category().message(errno);

    std::array<char, SELFMAG> magic{};
    in.read(magic.data(), magic.size());
    const std::string_view begin(magic.data(), static_cast<std::size_t>(in.gcount()));
    if (begin != std::string_view(ELFMAG, SELFMAG)) return no_elf_problem(begin);

    const auto size = std::filesystem::file_size(file);
    Header header{};
    in.seekg(0);
    const bool whole_header = read_record(in, header);
    if (whole_header && (header.e_ident[EI_CLASS] != native_class || header.e_phentsize != sizeof(Segment))) {
        return std::nullopt;
    }
    const auto needed = whole_header ? mapped_size(in, header) : sizeof header;
    if (size >= needed) return std::nullopt;
    return "is cut short: it has " + std::to_string(size) + " bytes of at least " + std::to_string(needed) +
           "; copy it again";
}

}  // namespace deployer
