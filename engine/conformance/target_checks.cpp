#include "conformance/checks.hpp"
#include "conformance/expectation.hpp"

#include <deployer/target.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <stop_token>
#include <utility>

namespace deployer::conformance {
namespace {

constexpr std::string_view prefix = "conformance-";
constexpr std::size_t threads_at_once = 8;
constexpr std::size_t units_of_a_thread = 4;

bool is_same_content(const Unit& left, const Unit& right) {
    return content_digest(left.options) == content_digest(right.options);
}

/// Of one check: a cluster may remember a name for a while.
std::string random_word() {
    std::string word;
    std::random_device random;
    std::uniform_int_distribution<int> letter('a', 'z');
    for (int i = 0; i < 6; ++i) word += static_cast<char>(letter(random));
    return word;
}

/// The beginning of the names of this run's units.
std::string own_prefix(const Subject& subject) {
    return std::string(prefix) + subject.workplace().word() + '-';
}

/// A target, and units of a check's own that are destroyed with it.
class Stage {
public:
    explicit Stage(Subject& subject) : subject_(&subject), target_(subject.make<Target>()) {}
    ~Stage() {
        for (const auto& unit : made_) {
            try {
                target_->destroy(unit, subject_->call());
            } catch (...) {
                // The last check sees what is left.
            }
        }
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    Stage(Stage&&) = delete;
    Stage& operator=(Stage&&) = delete;

    [[nodiscard]] Target& target() const { return *target_; }
    [[nodiscard]] Subject& subject() const { return *subject_; }

    /// A unit that nobody else has, which is destroyed in the end if it is there. `content` tells versions apart.
    Unit unit(const std::string& content = "one", DesiredState state = DesiredState::launched) {
        Unit unit{own_prefix(*subject_) + word_ + '-' + std::to_string(made_.size() + 1) + ".service", options(content),
                  state};
        made_.push_back(unit.name);
        return unit;
    }

    static std::vector<UnitOption> options(const std::string& content) {
        return {{"Unit", "Description", "Of the conformance suite, " + content},
                {"Service", "Environment", "VERSION=" + content},
                {"Service", "ExecStart", "/bin/sleep 86400"}};
    }

    void apply(const Unit& unit) const {
        expect_success("apply()", [&] { target_->apply(unit, subject_->call()); });
    }
    void set(const Unit& unit, DesiredState state) const {
        expect_success("set_desired_state()", [&] { target_->set_desired_state(unit.name, state, subject_->call()); });
    }
    void destroy(const Unit& unit) const {
        expect_success("destroy()", [&] { target_->destroy(unit.name, subject_->call()); });
    }
    [[nodiscard]] std::vector<ActualUnit> list() const {
        std::vector<ActualUnit> units;
        expect_success("list()", [&] { units = target_->list(subject_->call()); });
        return units;
    }
    [[nodiscard]] std::optional<Unit> find(const Unit& unit) const {
        for (const auto& listed : list()) {
            if (listed.unit.name == unit.name) return listed.unit;
        }
        return std::nullopt;
    }
    [[nodiscard]] UnitStatus status(const Unit& unit) const {
        UnitStatus status;
        expect_success("status()", [&] { status = target_->status(unit, subject_->call()); });
        return status;
    }
    [[nodiscard]] bool is_ready(const Unit& unit) const { return status(unit).readiness == Readiness::ready; }
    [[nodiscard]] bool is_absent(const Unit& unit) const { return status(unit).readiness == Readiness::absent; }

    /// A target may show the effect of a call only later, so this waits for it.
    void expect_listed(const Unit& unit) const {
        std::string difference;
        const bool is_listed = eventually(subject_->settings().timeout, [&] {
            difference = difference_of(unit, find(unit));
            return difference.empty();
        });
        expect(is_listed, difference);
    }
    void expect_gone(const Unit& unit) const {
        expect(eventually(subject_->settings().timeout, [&] { return !find(unit); }),
               unit.name + " is listed after it was destroyed");
    }

    void expect_ready(const Unit& unit) const {
        UnitStatus last;
        const bool ready = eventually(subject_->settings().timeout, [&] {
            last = status(unit);
            expect(last.readiness != Readiness::failed, "it failed: " + last.detail);
            return last.readiness == Readiness::ready;
        });
        expect(ready,
               "it is not ready after " + std::to_string(subject_->settings().timeout.count()) + " ms: " + last.detail);
    }

private:
    static std::string difference_of(const Unit& wanted, const std::optional<Unit>& listed) {
        if (!listed) return "the unit is not listed";
        if (!is_same_content(*listed, wanted)) {
            return "the content that is listed is another one: " + write_unit_file(listed->options);
        }
        if (listed->desired_state == wanted.desired_state) return {};
        return "it is listed as " + std::string(to_string(listed->desired_state)) + " and not as " +
               std::string(to_string(wanted.desired_state));
    }

    Subject* subject_;
    std::shared_ptr<Target> target_;
    std::string word_ = random_word();
    std::vector<std::string> made_;
};

std::function<void(Subject&)> on_stage(void (*check)(Stage&)) {
    return [check](Subject& subject) {
        Stage stage(subject);
        check(stage);
    };
}

// ---- Identity and listing

void check_identity(Subject& subject) {
    const auto identity_of = [&](Target& target) {
        std::string identity;
        expect_success("identity()", [&] { identity = target.identity(); });
        return identity;
    };
    const auto identity = identity_of(*subject.make<Target>());
    expect(!identity.empty(), "it is empty");
    expect(identity.find_first_of("\r\n") == std::string::npos, "it is more than one line");
    expect(identity == identity_of(*subject.make<Target>()), "another instance has another identity");
}

void check_distinct_identity(Subject& subject) {
    expect(subject.make<Target>()->identity() != subject.make_other<Target>()->identity(),
           "it is the same with the settings of another_cluster: what is cached of one would be believed of the other");
}

void check_listing(Stage& stage) {
    std::map<std::string, int> times;
    for (const auto& listed : stage.list()) {
        const auto problem = unit_name_problem(listed.unit.name);
        expect(!problem, "it lists " + listed.unit.name + ", which " + problem.value_or(""));
        expect(++times[listed.unit.name] == 1, "it lists " + listed.unit.name + " twice");
    }
}

/// More than a usual page of a usual API.
void check_complete_listing(Stage& stage) {
    constexpr int count = 250;
    std::vector<Unit> units;
    units.reserve(count);
    for (int i = 0; i < count; ++i) units.push_back(stage.unit("one", DesiredState::inactive));
    for (const auto& unit : units) stage.apply(unit);
    std::string missing;
    const bool is_complete = eventually(stage.subject().settings().timeout, [&] {
        std::map<std::string, int> times;
        for (const auto& listed : stage.list()) ++times[listed.unit.name];
        const auto found =
            std::find_if(units.begin(), units.end(), [&](const auto& unit) { return times[unit.name] != 1; });
        missing = found == units.end() ? "" : found->name;
        return missing.empty();
    });
    expect(is_complete, "of " + std::to_string(count) + " units, " + missing + " is not listed, or twice");
}

/// Of others there may be any, and others may change them; this one stands for them.
void check_others(Stage& stage) {
    const auto bystander = stage.unit("bystander");
    stage.apply(bystander);
    stage.expect_listed(bystander);
    auto unit = stage.unit();
    stage.apply(unit);
    unit.options = Stage::options("two");
    stage.apply(unit);
    stage.destroy(unit);
    stage.expect_gone(unit);
    const auto left = stage.find(bystander);
    expect(left && is_same_content(*left, bystander) && left->desired_state == bystander.desired_state,
           "another unit is not as it was before");
}

/// The run leaves no unit behind, also after checks that failed or crashed.
void check_nothing_left(Subject& subject) {
    const auto target = subject.make<Target>();
    const auto own = own_prefix(subject);
    std::string left;
    const bool is_clean = eventually(subject.settings().timeout, [&] {
        left.clear();
        for (const auto& listed : target->list(subject.call())) {
            if (!listed.unit.name.starts_with(own)) continue;
            left += (left.empty() ? "" : ", ") + listed.unit.name;
            (void)error_of([&] { target->destroy(listed.unit.name, subject.call()); });
        }
        return left.empty();
    });
    expect(is_clean, "left behind, to be destroyed by hand: " + left);
}

// ---- apply()

void check_apply(Stage& stage) {
    for (const auto state : {DesiredState::inactive, DesiredState::loaded, DesiredState::launched}) {
        const auto unit = stage.unit("one", state);
        stage.apply(unit);
        stage.expect_listed(unit);
    }
}

void check_content(Stage& stage, const std::vector<UnitOption>& options) {
    auto unit = stage.unit("one", DesiredState::inactive);
    unit.options = options;
    const auto error = error_of([&] { stage.target().apply(unit, stage.subject().call()); });
    // A target may have reasons of its own to refuse a unit, as long as it says so.
    if (error && error->kind() == ErrorKind::rejected && !stage.find(unit)) {
        throw CheckSkipped(std::string("the target rejects it: ") + error->what());
    }
    if (error) throw CheckFailed("apply() failed as " + std::string(to_string(error->kind())) + ": " + error->what());
    stage.expect_listed(unit);
}

std::vector<UnitOption> with(std::vector<UnitOption> options) {
    options.push_back({"Service", "ExecStart", "/bin/sleep 86400"});
    return options;
}

std::vector<std::pair<std::string, std::vector<UnitOption>>> contents() {
    std::vector<UnitOption> many;
    for (int i = 1; i <= 200; ++i) many.push_back({"Service", "Environment", "N" + std::to_string(i) + "=1"});
    const std::string name = "Description";
    return {
        {"characters of any language",
         with({{"Unit", "Description", "Zeitung für São Paulo, 東京, газета 🗞"}})},
        {"empty values", with({{"Service", "Environment", ""}, {"Service", "ExecStartPre", ""}})},
        {"options that repeat, in their order", with({{"Service", "ExecStartPre", "/bin/echo b"},
                                                      {"Service", "ExecStartPre", "/bin/echo a"},
                                                      {"Service", "ExecStartPre", "/bin/echo b"}})},
        {"quotes, backslashes and percent signs",
         with({{"Service", "Environment", R"("A=x \"y\" z" 'B=c:\\d' C=%i%%n \x20\t)"}})},
        {"values that look like something else",
         with({{"Unit", "Description", "# no comment; A=B [Section] \xc2\xa7"}, {"Service", "Environment", "=="}})},
        {"sections and options that are not systemd's",
         with({{"X-Fleet", "Conflicts", "foo@*.service"}, {"X-Own", "Key-With.Dots", "1"}})},
        {"two hundred options", with(std::move(many))},
        {"an option line of 2047 bytes",
         with({{"Unit", name, std::string(option_line_limit - 1 - name.size() - 1, 'x')}})},
    };
}

void check_long_line(Stage& stage) {
    auto unit = stage.unit("one", DesiredState::inactive);
    unit.options = with({{"Unit", "Description", std::string(20'000, 'x')}});
    const auto error = error_of([&] { stage.target().apply(unit, stage.subject().call()); });
    if (!error) return stage.expect_listed(unit);
    expect(error->kind() == ErrorKind::rejected,
           "apply() failed as " + std::string(to_string(error->kind())) + " (and not as rejected): " + error->what());
    expect(!stage.find(unit), "it was rejected and is listed all the same");
}

void check_again(Stage& stage) {
    const auto unit = stage.unit();
    stage.apply(unit);
    stage.expect_ready(unit);
    stage.apply(unit);
    stage.expect_listed(unit);
    expect(stage.is_ready(unit), "it is no longer ready: " + stage.status(unit).detail);
}

void check_replacement(Stage& stage) {
    auto unit = stage.unit();
    stage.apply(unit);
    unit.options = Stage::options("two");
    unit.options.erase(unit.options.begin());
    stage.apply(unit);
    stage.expect_listed(unit);
    unit.desired_state = DesiredState::inactive;
    unit.options = Stage::options("three");
    stage.apply(unit);
    stage.expect_listed(unit);
}

void check_state_by_apply(Stage& stage) {
    auto unit = stage.unit();
    for (const auto state : {DesiredState::launched, DesiredState::inactive, DesiredState::loaded}) {
        unit.desired_state = state;
        stage.apply(unit);
        stage.expect_listed(unit);
    }
}

// ---- set_desired_state() and destroy()

void check_states(Stage& stage) {
    auto unit = stage.unit();
    stage.apply(unit);
    for (const auto state : {DesiredState::inactive, DesiredState::loaded, DesiredState::launched}) {
        stage.set(unit, state);
        unit.desired_state = state;
        stage.expect_listed(unit);
        stage.set(unit, state);
        stage.expect_listed(unit);
        stage.expect_ready(unit);
    }
}

void check_state_of_absent(Stage& stage) {
    const auto unit = stage.unit();
    expect_error("set_desired_state() of a unit that is not there", {ErrorKind::not_found},
                 [&] { stage.target().set_desired_state(unit.name, DesiredState::loaded, stage.subject().call()); });
    expect(!stage.find(unit), "it is there now");
}

void check_destroy(Stage& stage) {
    const auto unit = stage.unit();
    stage.destroy(unit);
    stage.apply(unit);
    stage.destroy(unit);
    stage.expect_gone(unit);
    stage.destroy(unit);
    stage.apply(unit);
    stage.expect_listed(unit);
}

// ---- status()

void check_ready(Stage& stage) {
    const auto unit = stage.unit();
    stage.apply(unit);
    stage.expect_ready(unit);
}

void check_other_version(Stage& stage) {
    const auto former = stage.unit("one");
    auto latter = former;
    latter.options = Stage::options("two");
    stage.apply(former);
    stage.expect_ready(former);
    const auto untouched = stage.status(latter).readiness;
    expect(untouched != Readiness::ready, "ready is said of a version that was never applied");
    expect(untouched != Readiness::absent, "absent is said of a unit that is there in another version");
    stage.apply(latter);
    const bool came_up = eventually(stage.subject().settings().timeout, [&] {
        if (!stage.is_ready(latter)) return false;
        expect(!stage.is_ready(former), "ready is said of the former version after the latter was ready");
        return true;
    });
    expect(came_up, "the version that was applied last is not ready in time: " + stage.status(latter).detail);
}

void check_other_state(Stage& stage) {
    auto unit = stage.unit();
    stage.apply(unit);
    stage.expect_ready(unit);
    for (const auto state : {DesiredState::inactive, DesiredState::loaded}) {
        unit.desired_state = state;
        expect(!stage.is_ready(unit), "it is launched, and ready is said of it as " + std::string(to_string(state)));
    }
}

void check_absent(Stage& stage) {
    const auto unit = stage.unit();
    expect(stage.is_absent(unit), "of a unit that was never there: " + stage.status(unit).detail);
    stage.apply(unit);
    expect(eventually(stage.subject().settings().timeout, [&] { return !stage.is_absent(unit); }),
           "absent is said of a unit that was applied");
    stage.destroy(unit);
    expect(eventually(stage.subject().settings().timeout, [&] { return stage.is_absent(unit); }),
           "of a unit that was destroyed: " + stage.status(unit).detail);
}

// ---- Instances and threads

void check_instances(Stage& stage) {
    const auto unit = stage.unit();
    const auto other = stage.subject().make<Target>();
    stage.apply(unit);
    const auto lists = [&](Target& target) {
        std::vector<ActualUnit> units;
        expect_success("list()", [&] { units = target.list(stage.subject().call()); });
        return std::any_of(units.begin(), units.end(),
                           [&](const auto& listed) { return listed.unit.name == unit.name; });
    };
    const auto timeout = stage.subject().settings().timeout;
    expect(eventually(timeout, [&] { return lists(*other); }), "what one instance applied, another does not list");
    const auto later = stage.subject().make<Target>();
    expect(eventually(timeout, [&] { return lists(*later); }), "an instance made later does not list what was applied");
    expect_success("destroy()", [&] { other->destroy(unit.name, stage.subject().call()); });
    stage.expect_gone(unit);
}

/// The whole life of a few units.
void live(Stage& stage, std::vector<Unit> units) {
    for (auto& unit : units) {
        stage.apply(unit);
        stage.expect_listed(unit);
        (void)stage.status(unit);
        unit.options = Stage::options("two");
        stage.apply(unit);
        stage.set(unit, DesiredState::loaded);
        unit.desired_state = DesiredState::loaded;
        stage.expect_listed(unit);
    }
    for (const auto& unit : units) {
        stage.destroy(unit);
        stage.expect_gone(unit);
    }
}

void check_threads(Stage& stage) {
    if (stage.target().serial()) throw CheckSkipped("the plugin is serial()");
    std::vector<std::vector<Unit>> units(threads_at_once);
    for (auto& mine : units) {
        for (std::size_t i = 0; i < units_of_a_thread; ++i) mine.push_back(stage.unit());
    }
    side_by_side(threads_at_once, [&](std::size_t i) { live(stage, units[i]); });
}

// ---- Ends of calls, and faults

struct NamedCall {
    std::string name;
    std::function<void(const Call&)> make;
};

/// Each of the calls once, about a unit that may be there or not.
std::vector<NamedCall> every_call(Target& target, const Unit& unit) {
    return {{"list()", [&](const Call& call) { target.list(call); }},
            {"apply()", [&](const Call& call) { target.apply(unit, call); }},
            {"status()", [&](const Call& call) { (void)target.status(unit, call); }},
            {"set_desired_state()",
             [&](const Call& call) { target.set_desired_state(unit.name, DesiredState::loaded, call); }},
            {"destroy()", [&](const Call& call) { target.destroy(unit.name, call); }}};
}

void check_stopped(Stage& stage) {
    const auto unit = stage.unit();
    std::stop_source stop;
    stop.request_stop();
    for (const auto& call : every_call(stage.target(), unit)) {
        // The call may succeed: a plugin that has done its work before it looks at the token says so.
        expect_within(Subject::stop_bound, call.name, [&] {
            expect_success_or(call.name + " that was stopped", {ErrorKind::cancelled, ErrorKind::not_found},
                              [&] { call.make(stage.subject().call(stop.get_token())); });
        });
    }
}

void check_late(Stage& stage) {
    const auto unit = stage.unit();
    for (const auto& call : every_call(stage.target(), unit)) {
        expect_within(Subject::late_bound, call.name, [&] {
            expect_success_or(call.name + " past its deadline", {ErrorKind::unavailable, ErrorKind::not_found},
                              [&] { call.make(stage.subject().call(Subject::Time(0))); });
        });
    }
}

Unit some_unit() {
    return {std::string(prefix) + "unreachable.service", Stage::options("one"), DesiredState::launched};
}

void check_unreachable(Subject& subject) {
    const auto target = subject.make_unreachable<Target>();
    const auto unit = some_unit();
    for (const auto& call : every_call(*target, unit)) {
        expect_error(call.name, {ErrorKind::unavailable, ErrorKind::misconfigured}, [&] { call.make(subject.call()); });
    }
}

/// Short of time, for a plugin may well try again for as long as it may.
void expect_unavailable(Subject& subject, const NamedCall& call) {
    expect_within(Subject::late_bound, call.name, [&] {
        expect_error(call.name, {ErrorKind::unavailable}, [&] { call.make(subject.call(Subject::short_time)); });
    });
}

void check_fault(Subject& subject, Fault fault) {
    const FaultPort port(fault);
    const auto target = subject.make_at<Target>(port);
    const auto unit = some_unit();
    for (const auto& call : every_call(*target, unit)) expect_unavailable(subject, call);
}

/// Of the others, the beginning of an answer may tell all that there is to know.
void check_cut_listing(Subject& subject) {
    const FaultPort port(Fault::cut);
    const auto target = subject.make_at<Target>(port);
    const auto unit = some_unit();
    expect_unavailable(subject, every_call(*target, unit).front());
}

void check_stop_while_waiting(Subject& subject) {
    const FaultPort port(Fault::silent);
    const auto target = subject.make_at<Target>(port);
    const auto unit = some_unit();
    for (const auto& call : every_call(*target, unit)) {
        with_late_stop([&](const std::stop_token& stop) {
            expect_within(Subject::stop_bound, call.name, [&] {
                expect_error(call.name + " that is stopped", {ErrorKind::cancelled},
                             [&] { call.make(subject.call(stop)); });
            });
        });
    }
}

}  // namespace

std::vector<Check> checks_of_targets() {
    std::vector<Check> checks{
        {"identity() is one line and always the same", check_identity},
        {"another cluster has another identity()", check_distinct_identity},
        {"list() has valid names, each once", on_stage(check_listing)},
        {"list() is complete", on_stage(check_complete_listing)},
        {"apply() creates a unit in each desired state", on_stage(check_apply)},
    };
    for (auto& [what, options] : contents()) {
        checks.push_back({"content comes back as it went: " + what, [options = std::move(options)](Subject& subject) {
                              Stage stage(subject);
                              check_content(stage, options);
                          }});
    }
    const std::vector<Check> more{
        {"a very long option line is taken whole or rejected", on_stage(check_long_line)},
        {"applying again what is there changes nothing", on_stage(check_again)},
        {"apply() replaces the content, also with fewer options", on_stage(check_replacement)},
        {"apply() sets the desired state of a unit that is there", on_stage(check_state_by_apply)},
        {"set_desired_state() sets each state, and again", on_stage(check_states)},
        {"set_desired_state() of an absent unit is not_found", on_stage(check_state_of_absent)},
        {"destroy() destroys, and succeeds where there is nothing", on_stage(check_destroy)},
        {"other units are left as they are", on_stage(check_others)},
        {"a launched unit becomes ready", on_stage(check_ready)},
        {"status() is never ready for another version", on_stage(check_other_version)},
        {"status() is never ready for another desired state", on_stage(check_other_state)},
        {"status() tells exactly what is absent", on_stage(check_absent)},
        {"instances see what other instances did", on_stage(check_instances)},
        {"eight threads at once lose nothing", on_stage(check_threads)},
        {"a call that was stopped before ends at once", on_stage(check_stopped)},
        {"a call past its deadline ends at once", on_stage(check_late)},
        {"out of reach, every call is an error", check_unreachable},
        {"where nobody listens, every call is unavailable",
         [](Subject& subject) { check_fault(subject, Fault::refuses); }},
        {"where nobody answers, every call ends at its deadline",
         [](Subject& subject) { check_fault(subject, Fault::silent); }},
        {"where nobody answers, every call ends when it is stopped", check_stop_while_waiting},
        {"an answer that makes no sense is unavailable",
         [](Subject& subject) { check_fault(subject, Fault::nonsense); }},
        {"a listing that is cut short is unavailable", check_cut_listing},
        {"nothing of the suite is left behind", check_nothing_left},
    };
    checks.insert(checks.end(), more.begin(), more.end());
    return checks;
}

}  // namespace deployer::conformance
