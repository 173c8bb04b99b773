#include <deployer/plugin.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace fs = std::filesystem;

namespace {

using deployer::ActualUnit;
using deployer::Call;
using deployer::DesiredState;
using deployer::Error;
using deployer::ErrorKind;
using deployer::Readiness;
using deployer::Unit;
using deployer::UnitStatus;

// The first line of a unit's file holds the desired state. It is a comment, so that systemd can read the file too.
constexpr std::string_view state_comment = "# desired state: ";

[[noreturn]] void fail(const std::string& doing, const fs::path& path, const std::error_code& error) {
    throw Error(ErrorKind::unavailable, doing + " " + path.string() + ": " + error.message());
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

std::string write_unit(const Unit& unit) {
    return std::string(state_comment) + std::string(to_string(unit.desired_state)) + '\n' +
           deployer::write_unit_file(unit.options);
}

Unit parse_unit(const std::string& name, std::string_view text) {
    if (!text.starts_with(state_comment)) throw Error(ErrorKind::misconfigured, "it is not of this target's making");
    const auto end = text.find('\n');
    const auto word = text.substr(0, end).substr(state_comment.size());
    const auto state = deployer::desired_state_from(word);
    if (!state) throw Error(ErrorKind::misconfigured, "\"" + std::string(word) + "\" is no desired state");
    return {name, deployer::parse_unit_file(text), *state};
}

/// Writes desired state and options into one file, which is replaced as a whole, so that no reader sees half a unit.
/// Throws `rejected` for a unit that could not be read back, such as one with an option line that is too long.
void save_unit(const fs::path& file, const Unit& unit) {
    const auto text = write_unit(unit);
    (void)parse_unit(unit.name, text);
    // This is no valid unit name, so list() skips a file that a crash leaves behind.
    const auto fresh = file.string() + ".new";
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) fail("cannot write", fresh, last_error());
    std::error_code error;
    fs::rename(fresh, file, error);
    if (error) fail("cannot write", file, error);
}

/// Throws when the directory is missing: without it, an absent file does not mean an absent unit.
void check_directory(const fs::path& directory) {
    std::error_code error;
    if (!fs::is_directory(directory, error)) {
        fail("cannot look into", directory, error ? error : std::make_error_code(std::errc::not_a_directory));
    }
}

/// The unit in a file; nullopt when there is no such unit. A file that cannot be parsed is an error: the deployer would
/// create the unit again if the listing lacked it.
std::optional<Unit> read_unit(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in.is_open() && errno == ENOENT) {
        check_directory(file.parent_path());
        return std::nullopt;
    }
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.is_open() || in.bad()) fail("cannot read", file, last_error());
    try {
        return parse_unit(file.filename().string(), text);
    } catch (const Error& error) {
        // Not `rejected`, because the whole listing fails, not one unit.
        throw Error(ErrorKind::misconfigured, "cannot read " + file.string() + ": " + error.what());
    }
}

/// Whether both units have the same content, apart from white space, which writing and reading a file may change.
bool is_same(const Unit& left, const Unit& right) {
    return left.desired_state == right.desired_state &&
           deployer::content_digest(left.options) == deployer::content_digest(right.options);
}

/// Keeps every unit as a file in a directory. No lock is needed: the engine never makes two calls for one unit at once,
/// and units share no file.
class DirectoryTarget final : public deployer::Target {
public:
    explicit DirectoryTarget(const deployer::Settings& settings) {
        settings.describe("path", "", "The directory that holds the units. Has to exist.");
        directory_ = settings.written_path("path");
    }

    [[nodiscard]] std::string identity() const override { return "directory " + directory_.string(); }

    std::vector<ActualUnit> list(const Call& call) override {
        std::vector<ActualUnit> units;
        std::error_code error;
        fs::directory_iterator entry(directory_, error);
        for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
            call.check("listing " + directory_.string());
            const auto name = entry->path().filename().string();
            if (deployer::unit_name_problem(name)) continue;
            // The file may have been removed since the directory was read; then the unit is absent.
            if (const auto unit = read_unit(entry->path())) units.push_back({*unit, "on disk"});
        }
        if (error) fail("cannot list", directory_, error);
        return units;
    }

    void apply(const Unit& unit, const Call& /*call*/) override {
        const auto known = read_unit(file_of(unit.name));
        if (known && is_same(*known, unit)) return;
        save_unit(file_of(unit.name), unit);
    }

    void set_desired_state(std::string_view name, DesiredState state, const Call& /*call*/) override {
        auto unit = read_unit(file_of(name));
        if (!unit) throw Error(ErrorKind::not_found, "there is no " + file_of(name).string());
        if (unit->desired_state == state) return;
        unit->desired_state = state;
        save_unit(file_of(name), *unit);
    }

    void destroy(std::string_view name, const Call& /*call*/) override {
        std::error_code error;
        fs::remove(file_of(name), error);  // No error when there is none.
        if (error) fail("cannot remove", file_of(name), error);
        check_directory(directory_);
    }

    UnitStatus status(const Unit& unit, const Call& /*call*/) override {
        const auto known = read_unit(file_of(unit.name));
        if (!known) return {Readiness::absent, "there is no file of it"};
        if (!is_same(*known, unit)) return {Readiness::waiting, "its file holds another version"};
        return {Readiness::ready, "on disk"};
    }

private:
    [[nodiscard]] fs::path file_of(std::string_view name) const { return directory_ / name; }

    fs::path directory_;
};

}  // namespace

DEPLOYER_PLUGIN(deployer::Target, DirectoryTarget, "target-directory", "1.0.0");
