#include "options.hpp"
#include "program.hpp"
#include "program_log.hpp"
#include "protocol.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/plugin.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::exec {
namespace {

/// JSON text is UTF-8.
void refuse_other_than_text(const Unit& unit) {
    for (const auto& option : unit.options) {
        if (find_invalid_utf8(option.section) || find_invalid_utf8(option.name) || find_invalid_utf8(option.value)) {
            throw Error(ErrorKind::rejected, "option " + quote(option.name) + " is not UTF-8 text");
        }
    }
}

/// Lets a program be the target. The target is never serial, because the program's limit of concurrent calls is known
/// only after its hello; calls beyond the limit wait in this plugin.
///
/// identity() cannot ask the program either, so the identity comes from the configuration: the setting `identity`, else
/// a digest of the command line, the directory and the program's settings. Environment variables do not count, because
/// they hold secrets. The program's own name for its cluster is checked: it must be the setting `identity` if there is
/// one, and must never change; otherwise the cached state of one cluster would be taken for that of another.
class ExecTarget final : public Target {
public:
    explicit ExecTarget(const Settings& settings) : options_(read_options(settings)), program_(options_, log_) {}

    [[nodiscard]] std::string identity() const override { return options_.identity; }

    std::vector<ActualUnit> list(const Call& call) override {
        const ProgramLog::Listening listening(log_, call.log);
        return list(obtain(call), call);
    }

    void apply(const Unit& unit, const Call& call) override {
        const ProgramLog::Listening listening(log_, call.log);
        apply(obtain(call), unit, call);
    }

    void set_desired_state(std::string_view unit, DesiredState state, const Call& call) override {
        const ProgramLog::Listening listening(log_, call.log);
        const auto running = obtain(call);
        if (running.hello.can_set_state) {
            running.conversation->ask("set_desired_state", write_state_params(unit, state), call);
            return;
        }
        auto units = list(running, call);
        const auto held = std::find_if(units.begin(), units.end(),
                                       [&](const ActualUnit& actual) { return actual.unit.name == unit; });
        if (held == units.end()) throw Error(ErrorKind::not_found, "the program does not have " + std::string(unit));
        if (held->unit.desired_state == state) return;
        held->unit.desired_state = state;
        apply(running, held->unit, call);
    }

    void destroy(std::string_view unit, const Call& call) override {
        const ProgramLog::Listening listening(log_, call.log);
        obtain(call).conversation->ask("destroy", write_name_params(unit), call);
    }

    UnitStatus status(const Unit& unit, const Call& call) override {
        const ProgramLog::Listening listening(log_, call.log);
        refuse_other_than_text(unit);
        const auto running = obtain(call);
        const auto result = running.conversation->ask("status", write_unit_params(unit), call);
        return understand(running, result, read_status);
    }

private:
    Program::Running obtain(const Call& call) {
        call.check("calling the program");
        return program_.obtain(call);
    }

    static std::vector<ActualUnit> list(const Program::Running& running, const Call& call) {
        const auto result = running.conversation->ask("list", "{}", call);
        return understand(running, result, read_listing);
    }

    static void apply(const Program::Running& running, const Unit& unit, const Call& call) {
        refuse_other_than_text(unit);
        running.conversation->ask("apply", write_unit_params(unit), call);
    }

    template <class Value>
    static Value understand(const Program::Running& running, const Poco::Dynamic::Var& result,
                            Value (*read)(const Poco::Dynamic::Var&)) {
        try {
            return read(result);
        } catch (const Breach& breach) {
            throw running.conversation->condemn(ErrorKind::unavailable, breach.what());
        }
    }

    const Options options_;
    ProgramLog log_;
    Program program_;
};

}  // namespace
}  // namespace deployer::exec

DEPLOYER_PLUGIN(deployer::Target, deployer::exec::ExecTarget, "target-exec", "1.0.0");
