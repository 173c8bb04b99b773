#include "host/elf_file.hpp"

#include "text/hex.hpp"

#include <link.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <system_error>
#include <vector>

namespace deployer {
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);
using DynamicEntry = ElfW(Dyn);

constexpr unsigned char native_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

/// Reads parts of a file.
class ElfFile {
public:
    explicit ElfFile(const std::filesystem::path& file) : in_(file, std::ios::binary) {}

    [[nodiscard]] bool is_open() const { return in_.is_open(); }

    /// The bytes at `offset`; fewer at the end of the file.
    std::string bytes(std::uintmax_t offset, std::size_t size) {
        std::string bytes(size, '\0');
        seek(offset);
        in_.read(bytes.data(), static_cast<std::streamsize>(size));
        bytes.resize(static_cast<std::size_t>(in_.gcount()));
        return bytes;
    }

    template <class Record>
    std::optional<Record> record(std::uintmax_t offset) {
        Record record{};
        seek(offset);
        if (!in_.read(reinterpret_cast<char*>(&record), sizeof record)) return std::nullopt;
        return record;
    }

    /// Up to `count` records of a table; fewer where the file ends.
    template <class Record>
    std::vector<Record> table(std::uintmax_t offset, std::uintmax_t count) {
        std::vector<Record> records;
        for (std::uintmax_t i = 0; i < count; ++i) {
            const auto next = record<Record>(offset + i * sizeof(Record));
            if (!next) break;
            records.push_back(*next);
        }
        return records;
    }

    std::vector<Segment> segments(const Header& header) { return table<Segment>(header.e_phoff, header.e_phnum); }

private:
    void seek(std::uintmax_t offset) {
        in_.clear();
        in_.seekg(static_cast<std::streamoff>(offset));
    }

    std::ifstream in_;
};

std::string hex_dump(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) text += (text.empty() ? "" : " ") + in_hex(static_cast<unsigned char>(byte), 2);
    return text;
}

std::string no_elf_problem(std::string_view begin) {
    if (begin.empty()) return "is empty, not a shared library";
    return "is not a shared library: it begins with " + hex_dump(begin) + " and not with " +
           hex_dump(std::string_view(ELFMAG, SELFMAG)) + " (ELF)";
}

std::string cut_short_problem(std::uintmax_t size, std::uintmax_t needed) {
    return "is cut short: it has " + std::to_string(size) + " bytes of at least " + std::to_string(needed) +
           "; copy it again";
}

/// How many bytes the loader will map.
std::uintmax_t mapped_size(const Header& header, const std::vector<Segment>& segments) {
    std::uintmax_t size = header.e_phoff + std::uintmax_t{header.e_phnum} * sizeof(Segment);
    for (const auto& segment : segments) {
        if (segment.p_type == PT_LOAD) size = std::max<std::uintmax_t>(size, segment.p_offset + segment.p_filesz);
    }
    return size;
}

/// Whether the dynamic section says where symbols and their names are. The loader relies on that, and crashes
/// otherwise.
bool has_whole_dynamic_section(ElfFile& elf, const std::vector<Segment>& segments) {
    const auto dynamic = std::find_if(segments.begin(), segments.end(),
                                      [](const auto& segment) { return segment.p_type == PT_DYNAMIC; });
    if (dynamic == segments.end()) return true;
    bool has_symbols = false;
    bool has_names = false;
    for (const auto& entry : elf.table<DynamicEntry>(dynamic->p_offset, dynamic->p_filesz / sizeof(DynamicEntry))) {
        if (entry.d_tag == DT_NULL) break;
        has_symbols = has_symbols || entry.d_tag == DT_SYMTAB;
        has_names = has_names || entry.d_tag == DT_STRTAB;
    }
    return has_symbols && has_names;
}

/// A dynamic symbol that is defined in the file.
struct Definition {
    std::string name;
    Symbol symbol;
};

/// The text at `offset`, up to its closing NUL.
std::string name_at(ElfFile& elf, std::uintmax_t offset) {
    std::string name;
    for (;; offset += 64) {
        const auto piece = elf.bytes(offset, 64);
        const auto end = piece.find('\0');
        name += piece.substr(0, end);
        if (end != std::string::npos || piece.empty()) return name;
    }
}

std::vector<Definition> definitions(ElfFile& elf) {
    const auto header = elf.record<Header>(0);
    if (!header || header->e_ident[EI_CLASS] != native_class) return {};
    std::vector<Definition> found;
    const auto sections = elf.table<Section>(header->e_shoff, header->e_shnum);
    for (const auto& section : sections) {
        if (section.sh_type != SHT_DYNSYM || section.sh_link >= sections.size()) continue;
        const auto names = sections[section.sh_link].sh_offset;
        for (const auto& symbol : elf.table<Symbol>(section.sh_offset, section.sh_size / sizeof(Symbol))) {
            if (symbol.st_shndx != SHN_UNDEF) found.push_back({name_at(elf, names + symbol.st_name), symbol});
        }
    }
    return found;
}

}  // namespace

std::optional<std::string> elf_file_problem(const std::filesystem::path& file) {
    ElfFile elf(file);
    if (!elf.is_open()) return "cannot be read: " + std::generic_category().message(errno);
    const auto begin = elf.bytes(0, SELFMAG);
    if (begin != std::string_view(ELFMAG, SELFMAG)) return no_elf_problem(begin);

    const auto size = std::filesystem::file_size(file);
    const auto header = elf.record<Header>(0);
    if (!header) return cut_short_problem(size, sizeof(Header));
    // A file for another kind of machine. The loader refuses such a file with a clear message.
    if (header->e_ident[EI_CLASS] != native_class || header->e_phentsize != sizeof(Segment)) return std::nullopt;
    const auto segments = elf.segments(*header);
    const auto needed = mapped_size(*header, segments);
    if (size < needed) return cut_short_problem(size, needed);
    if (has_whole_dynamic_section(elf, segments)) return std::nullopt;
    return "is damaged: its dynamic section names no symbols; copy it again";
}

std::string read_elf_variable(const std::filesystem::path& file, std::string_view symbol, std::size_t size) {
    ElfFile elf(file);
    const auto defined = definitions(elf);
    const auto variable =
        std::find_if(defined.begin(), defined.end(), [&](const auto& definition) { return definition.name == symbol; });
    if (variable == defined.end()) return {};
    const auto address = variable->symbol.st_value;
    for (const auto& segment : elf.segments(*elf.record<Header>(0))) {
        const auto begin = address - segment.p_vaddr;
        if (segment.p_type != PT_LOAD || address < segment.p_vaddr || begin >= segment.p_filesz) continue;
        return elf.bytes(segment.p_offset + begin, size);
    }
    return {};
}

std::vector<ExportedSymbol> exported_symbols(const std::filesystem::path& file) {
    ElfFile elf(file);
    std::vector<ExportedSymbol> symbols;
    for (const auto& definition : definitions(elf)) {
        const auto binding = ELF64_ST_BIND(definition.symbol.st_info);
        // An absolute symbol only names a version of a version script.
        if (definition.symbol.st_shndx == SHN_ABS || binding == STB_LOCAL) continue;
        symbols.push_back({definition.name, binding == STB_WEAK});
    }
    return symbols;
}

}  // namespace deployer
