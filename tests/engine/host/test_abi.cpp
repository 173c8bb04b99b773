#include "host/elf_file.hpp"
#include "host/plugin_host.hpp"
#include "support/catch.hpp"
#include "support/loaded_plugin.hpp"
#include "support/temp_dir.hpp"

#include <deployer/conformance.hpp>
#include <deployer/plugin.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;

// The ABI between the program and its plugins, as lines: sizes, offsets, slots of vtables, values, symbols. tests/abi/
// has the record of each minor version. Every line of a record is in all later records.

namespace {

using Lines = std::set<std::string>;

void put(Lines& lines, const std::string& what, std::string_view name, std::size_t number) {
    lines.insert(what + ' ' + std::string(name) + ' ' + std::to_string(number));
}

// ---- Values

template <class Type>
void put_size(Lines& lines, std::string_view name) {
    put(lines, "size", name, sizeof(Type));
    put(lines, "alignment", name, alignof(Type));
}

template <class Struct, class Member>
void put_offset(Lines& lines, std::string_view name, const Struct& object, Member Struct::*member) {
    const auto* const begin = reinterpret_cast<const char*>(&object);
    put(lines, "offset", name, static_cast<std::size_t>(reinterpret_cast<const char*>(&(object.*member)) - begin));
}

template <class Struct, class Member>
void put_offset(Lines& lines, std::string_view name, Member Struct::*member) {
    put_offset(lines, name, Struct{}, member);
}

template <class Enum>
void put_value(Lines& lines, std::string_view name, Enum value) {
    put(lines, "value", name, static_cast<std::size_t>(value));
}

void put_unit(Lines& lines) {
    put_size<UnitOption>(lines, "UnitOption");
    put_offset(lines, "UnitOption.section", &UnitOption::section);
    put_offset(lines, "UnitOption.name", &UnitOption::name);
    put_offset(lines, "UnitOption.value", &UnitOption::value);
    put_size<Unit>(lines, "Unit");
    put_offset(lines, "Unit.name", &Unit::name);
    put_offset(lines, "Unit.options", &Unit::options);
    put_offset(lines, "Unit.desired_state", &Unit::desired_state);
    put_size<ActualUnit>(lines, "ActualUnit");
    put_offset(lines, "ActualUnit.unit", &ActualUnit::unit);
    put_offset(lines, "ActualUnit.current_state", &ActualUnit::current_state);
    put_size<UnitStatus>(lines, "UnitStatus");
    put_offset(lines, "UnitStatus.readiness", &UnitStatus::readiness);
    put_offset(lines, "UnitStatus.detail", &UnitStatus::detail);
    put_value(lines, "DesiredState.inactive", DesiredState::inactive);
    put_value(lines, "DesiredState.loaded", DesiredState::loaded);
    put_value(lines, "DesiredState.launched", DesiredState::launched);
    put_value(lines, "Readiness.waiting", Readiness::waiting);
    put_value(lines, "Readiness.ready", Readiness::ready);
    put_value(lines, "Readiness.failed", Readiness::failed);
    put_value(lines, "Readiness.absent", Readiness::absent);
    put_value(lines, "Readiness.unplaced", Readiness::unplaced);
    put_value(lines, "Readiness.pending", Readiness::pending);
}

void put_calls(Lines& lines) {
    put_size<Call>(lines, "Call");
    // The third member is a reference, and C++ has no pointers to reference members.
    const TestCall call;
    put_offset<Call>(lines, "Call.deadline", call, &Call::deadline);
    put_offset<Call>(lines, "Call.stop", call, &Call::stop);
    put_size<Error>(lines, "Error");
    put_value(lines, "ErrorKind.unavailable", ErrorKind::unavailable);
    put_value(lines, "ErrorKind.rejected", ErrorKind::rejected);
    put_value(lines, "ErrorKind.not_found", ErrorKind::not_found);
    put_value(lines, "ErrorKind.misconfigured", ErrorKind::misconfigured);
    put_value(lines, "ErrorKind.cancelled", ErrorKind::cancelled);
    put_value(lines, "ErrorKind.internal", ErrorKind::internal);
    put_value(lines, "LogLevel.debug", LogLevel::debug);
    put_value(lines, "LogLevel.info", LogLevel::info);
    put_value(lines, "LogLevel.warning", LogLevel::warning);
    put_value(lines, "LogLevel.error", LogLevel::error);
    put_size<Settings>(lines, "Settings");
}

/// The offset of Error's kind. The member is private, but inline functions in plugins read it.
std::size_t offset_of_kind() {
    const Error error(ErrorKind::internal, "");
    const auto* const begin = reinterpret_cast<const char*>(&error);
    for (std::size_t at = sizeof(std::runtime_error); at + sizeof(ErrorKind) <= sizeof error; at += sizeof(ErrorKind)) {
        ErrorKind kind{};
        std::memcpy(&kind, begin + at, sizeof kind);
        if (kind == ErrorKind::internal) return at;
    }
    return sizeof error;
}

void put_settings(Lines& lines) {
    put(lines, "offset", "Error.kind", offset_of_kind());
    put_size<SettingsNode>(lines, "SettingsNode");
    put_offset(lines, "SettingsNode.kind", &SettingsNode::kind);
    put_offset(lines, "SettingsNode.text", &SettingsNode::text);
    put_offset(lines, "SettingsNode.quoted", &SettingsNode::quoted);
    put_offset(lines, "SettingsNode.line", &SettingsNode::line);
    put_offset(lines, "SettingsNode.keys", &SettingsNode::keys);
    put_offset(lines, "SettingsNode.items", &SettingsNode::items);
    put_value(lines, "SettingsNode.Kind.null", SettingsNode::Kind::null);
    put_value(lines, "SettingsNode.Kind.scalar", SettingsNode::Kind::scalar);
    put_value(lines, "SettingsNode.Kind.list", SettingsNode::Kind::list);
    put_value(lines, "SettingsNode.Kind.block", SettingsNode::Kind::block);
    put_size<SettingsDocument>(lines, "SettingsDocument");
    put_offset(lines, "SettingsDocument.file", &SettingsDocument::file);
    put_offset(lines, "SettingsDocument.directory", &SettingsDocument::directory);
    put_offset(lines, "SettingsDocument.root", &SettingsDocument::root);
}

/// Adds lines for the descriptions of settings, which are part of the ABI since 1.1.
void put_descriptions(Lines& lines) {
    put_size<SettingType>(lines, "SettingType");
    put_offset(lines, "SettingType.kind", &SettingType::kind);
    put_offset(lines, "SettingType.least", &SettingType::least);
    put_offset(lines, "SettingType.most", &SettingType::most);
    put_offset(lines, "SettingType.words", &SettingType::words);
    put_value(lines, "SettingType.Kind.text", SettingType::Kind::text);
    put_value(lines, "SettingType.Kind.tree", SettingType::Kind::tree);
    put_size<SettingDescription>(lines, "SettingDescription");
    put_offset(lines, "SettingDescription.path", &SettingDescription::path);
    put_offset(lines, "SettingDescription.types", &SettingDescription::types);
    put_offset(lines, "SettingDescription.required", &SettingDescription::required);
    put_offset(lines, "SettingDescription.default_value", &SettingDescription::default_value);
    put_offset(lines, "SettingDescription.meaning", &SettingDescription::meaning);
}

void put_rest(Lines& lines) {
    put_size<Revision>(lines, "Revision");
    put_offset(lines, "Revision.id", &Revision::id);
    put_size<FileRequest>(lines, "FileRequest");
    put_offset(lines, "FileRequest.location", &FileRequest::location);
    put_size<File>(lines, "File");
    put_offset(lines, "File.content", &File::content);
    put_offset(lines, "File.error", &File::error);
    put_size<ServiceGroupRef>(lines, "ServiceGroupRef");
    put_offset(lines, "ServiceGroupRef.service", &ServiceGroupRef::service);
    put_offset(lines, "ServiceGroupRef.units", &ServiceGroupRef::units);
    put_size<HealthReport>(lines, "HealthReport");
    put_offset(lines, "HealthReport.verdict", &HealthReport::verdict);
    put_offset(lines, "HealthReport.detail", &HealthReport::detail);
    put_value(lines, "HealthReport.Verdict.not_checked", HealthReport::Verdict::not_checked);
    put_value(lines, "HealthReport.Verdict.healthy", HealthReport::Verdict::healthy);
    put_value(lines, "HealthReport.Verdict.unhealthy", HealthReport::Verdict::unhealthy);
}

void put_descriptor(Lines& lines) {
    put(lines, "value", "plugin_magic", plugin_magic);
    put(lines, "value", "plugin_abi_major", plugin_abi_major);
    put_value(lines, "PluginKind.source", PluginKind::source);
    put_value(lines, "PluginKind.target", PluginKind::target);
    put_value(lines, "PluginKind.cache", PluginKind::cache);
    put_value(lines, "PluginKind.health", PluginKind::health);
    put_size<PluginDescriptor>(lines, "PluginDescriptor");
    put_offset(lines, "PluginDescriptor.magic", &PluginDescriptor::magic);
    put_offset(lines, "PluginDescriptor.abi_major", &PluginDescriptor::abi_major);
    put_offset(lines, "PluginDescriptor.abi_minor", &PluginDescriptor::abi_minor);
    put_offset(lines, "PluginDescriptor.struct_size", &PluginDescriptor::struct_size);
    put_offset(lines, "PluginDescriptor.kind", &PluginDescriptor::kind);
    put_offset(lines, "PluginDescriptor.toolchain", &PluginDescriptor::toolchain);
    put_offset(lines, "PluginDescriptor.built_with", &PluginDescriptor::built_with);
    put_offset(lines, "PluginDescriptor.name", &PluginDescriptor::name);
    put_offset(lines, "PluginDescriptor.version", &PluginDescriptor::version);
    put_offset(lines, "PluginDescriptor.create", &PluginDescriptor::create);
    put_offset(lines, "PluginDescriptor.destroy", &PluginDescriptor::destroy);
}

// ---- Virtual functions

/// The slot of the vtable that a call through the pointer to a member goes to. By the Itanium C++ ABI, the pointer
/// holds the slot's offset ("Pointers to Member Functions"), plus 1 on platforms where function addresses are even.
template <class Function>
std::size_t slot_of(Function function) {
    std::uintptr_t word = 0;
    static_assert(sizeof function >= sizeof word);
    std::memcpy(&word, &function, sizeof word);
#if defined(__aarch64__) || defined(__arm__)
    return word / sizeof(void*);
#else
    return (word - 1) / sizeof(void*);
#endif
}

/// An interface with a function appended. The slot of that function shows how many slots the interface has.
template <class Interface>
struct Appended : Interface {
    virtual void next() = 0;
};

template <class Interface>
void put_count(Lines& lines, std::string_view name) {
    put(lines, "functions", name, slot_of(&Appended<Interface>::next));
}

void put_functions(Lines& lines) {
    put(lines, "slot", "Target.identity", slot_of(&Target::identity));
    put(lines, "slot", "Target.list", slot_of(&Target::list));
    put(lines, "slot", "Target.apply", slot_of(&Target::apply));
    put(lines, "slot", "Target.set_desired_state", slot_of(&Target::set_desired_state));
    put(lines, "slot", "Target.destroy", slot_of(&Target::destroy));
    put(lines, "slot", "Target.status", slot_of(&Target::status));
    put(lines, "slot", "Target.serial", slot_of(&Target::serial));
    put(lines, "slot", "Source.checkout", slot_of(&Source::checkout));
    put(lines, "slot", "Source.wait_for_change", slot_of(&Source::wait_for_change));
    put(lines, "slot", "Checkout.revision", slot_of(&Checkout::revision));
    put(lines, "slot", "Checkout.read", slot_of(&Checkout::read));
    put(lines, "slot", "Cache.load", slot_of(&Cache::load));
    put(lines, "slot", "Cache.store", slot_of(&Cache::store));
    put(lines, "slot", "Cache.erase", slot_of(&Cache::erase));
    put(lines, "slot", "Cache.leave", slot_of(&Cache::leave));
    put(lines, "slot", "Health.check", slot_of(&Health::check));
    put(lines, "slot", "Log.write", slot_of(&Log::write));
}

void put_counts(Lines& lines) {
    put_count<Target>(lines, "Target");
    put_count<Source>(lines, "Source");
    put_count<Checkout>(lines, "Checkout");
    put_count<Cache>(lines, "Cache");
    put_count<Health>(lines, "Health");
    put_count<Log>(lines, "Log");
}

// ---- Symbols, and the records

void put_symbols(Lines& lines) {
    const auto library = std::filesystem::path(DEPLOYER_TEST_BUILD) / "lib/libcoco-deployer-sdk.so";
    for (const auto& symbol : exported_symbols(library)) {
        const bool is_ours = symbol.name.starts_with("_Z") && symbol.name.find("8deployer") != std::string::npos;
        // Type information counts although it is weak: exceptions are caught by it on the other side.
        const bool is_type = symbol.name.starts_with("_ZTIN8deployer") || symbol.name.starts_with("_ZTVN8deployer");
        if (is_ours && (is_type || !symbol.is_weak)) lines.insert("symbol " + symbol.name);
    }
}

/// Whether the records are for this platform. Layouts differ between platforms.
constexpr bool is_recorded_platform() {
#if defined(__x86_64__) && defined(__linux__)
    return true;
#else
    return false;
#endif
}

std::filesystem::path record_of(unsigned minor) {
    return std::filesystem::path(DEPLOYER_SOURCE_DIR) / "tests/abi" /
           (std::to_string(plugin_abi_major) + '.' + std::to_string(minor)) / "record.txt";
}

Lines read_record(unsigned minor) {
    std::ifstream in(record_of(minor));
    Lines lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
}

/// The lines of the present build.
Lines present() {
    Lines lines;
    put_unit(lines);
    put_calls(lines);
    put_settings(lines);
    put_descriptions(lines);
    put_rest(lines);
    put_descriptor(lines);
    put_functions(lines);
    put_counts(lines);
    put_symbols(lines);
    return lines;
}

/// The lines of `wanted` that `there` lacks.
std::string missing(const Lines& wanted, const Lines& there) {
    std::string text;
    for (const auto& line : wanted) {
        if (!there.contains(line)) text += line + '\n';
    }
    return text;
}

}  // namespace

TEST_CASE("what crosses between program and plugins is what the record of this minor says", "[R4]") {
    if (!is_recorded_platform()) {
        WARN("skipped: the records are those of x86-64 Linux");
        return;
    }
    const auto now = present();
    if (std::getenv("DEPLOYER_REWRITE") != nullptr && !std::filesystem::exists(record_of(plugin_abi_minor))) {
        std::ofstream out(record_of(plugin_abi_minor), std::ios::trunc);
        for (const auto& line : now) out << line << '\n';
        return;
    }
    const auto record = read_record(plugin_abi_minor);
    INFO(
        "a change that is meant raises plugin_abi_minor and gets a record of its own: DEPLOYER_REWRITE=1 ./dev test "
        "-R 'record of this minor'");
    const auto gone = missing(record, now);
    const auto added = missing(now, record);
    INFO("gone:\n" << gone << "added:\n" << added);
    CHECK(gone.empty());
    CHECK(added.empty());
}

TEST_CASE("a later minor only adds to what an earlier one had", "[R4]") {
    for (unsigned minor = 0; minor < plugin_abi_minor; ++minor) {
        auto earlier = read_record(minor);
        CHECK(earlier.size() > 100);
        // The number of functions may grow.
        std::erase_if(earlier, [](const auto& line) { return line.starts_with("functions "); });
        const auto gone = missing(earlier, read_record(minor + 1));
        INFO(gone);
        CHECK(gone.empty());
    }
}

TEST_CASE("a plugin that was built with an earlier minor of the SDK loads and keeps its contract", "[R2][R4]") {
    const auto file = std::filesystem::path(DEPLOYER_TEST_FIXTURES) / "built-with-1.0/target-unfaithful.so";
    const auto begin = read_elf_variable(file, "deployer_plugin_v1", 8);
    REQUIRE(begin.size() == 8);
    CHECK(begin.substr(6) == std::string(2, '\0'));
    CHECK(plugin_abi_minor > 0);
    const TempDir dir;
    ConformanceSuite suite(file, dir.write("suite.yaml", "settings: {where: here}\n"));
    CHECK(suite.size() > 30);
    for (std::size_t check = 0; check < suite.size(); ++check) {
        const auto result = suite.run(check);
        INFO(result.name << ": " << result.detail);
        CHECK(result.verdict != CheckResult::Verdict::failed);
    }
}
