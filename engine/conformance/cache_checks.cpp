#include "conformance/checks.hpp"
#include "conformance/expectation.hpp"

#include <deployer/cache.hpp>

#include <stop_token>
#include <utility>

namespace deployer::conformance {
namespace {

constexpr std::string_view key = "conformance";

/// A cache for the checks. The destructor erases the suite's own documents.
class Stage {
public:
    explicit Stage(Subject& subject) : subject_(&subject) { make(); }
    ~Stage() {
        if (!cache_) return;  // A restarted instance could not be created.
        for (const auto& used : {std::string(key), longest_key(), std::string("conformance-2")}) {
            try {
                cache_->erase(used, subject_->call());
            } catch (...) {
                // Other checks fail for a cache that cannot erase.
            }
        }
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    Stage(Stage&&) = delete;
    Stage& operator=(Stage&&) = delete;

    static std::string longest_key() { return "conformance-" + std::string(64 - 14, 'k') + "-9"; }

    [[nodiscard]] Subject& subject() const { return *subject_; }
    [[nodiscard]] Cache& cache() const { return *cache_; }

    /// Creates an instance, after the former one is gone, as in a restart.
    void make() {
        cache_.reset();
        cache_ = subject_->make<Cache>();
    }

    void store(std::string_view name, std::string_view document) const {
        expect_success("store()", [&] { cache_->store(name, document, subject_->call()); });
    }
    void erase(std::string_view name) const {
        expect_success("erase()", [&] { cache_->erase(name, subject_->call()); });
    }
    [[nodiscard]] std::optional<std::string> load(std::string_view name) const {
        std::optional<std::string> document;
        expect_success("load()", [&] { document = cache_->load(name, subject_->call()); });
        return document;
    }

private:
    Subject* subject_;
    std::shared_ptr<Cache> cache_;
};

std::function<void(Subject&)> on_stage(void (*check)(Stage&)) {
    return [check](Subject& subject) {
        Stage stage(subject);
        check(stage);
    };
}

std::string every_byte() {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    return bytes;
}

void check_absent(Stage& stage) {
    stage.erase(key);
    expect(!stage.load(key), "load() gives something that was never stored");
    stage.erase(key);
}

void expect_same(const std::optional<std::string>& loaded, const std::string& document) {
    const auto which = "a document of " + std::to_string(document.size()) + " bytes ";
    expect(loaded.has_value(), which + "does not come back");
    expect(*loaded == document, which + "comes back as another one");
}

void check_round_trip(Stage& stage) {
    for (const auto& document :
         {std::string("{}"), std::string(), std::string("\n\r\n \0\n", 6), every_byte(), std::string(60'000, 'x')}) {
        stage.store(key, document);
        expect_same(stage.load(key), document);
    }
}

void check_replacement(Stage& stage) {
    stage.store(key, "a longer document than the next one");
    stage.store(key, "short");
    expect(stage.load(key) == "short", "load() gives another document than the one that was stored last");
}

void check_keys(Stage& stage) {
    stage.store(key, "one");
    stage.store("conformance-2", "two");
    stage.store(Stage::longest_key(), "three");
    expect(
        stage.load(key) == "one" && stage.load("conformance-2") == "two" && stage.load(Stage::longest_key()) == "three",
        "documents of different keys are mixed up");
    stage.erase(key);
    expect(!stage.load(key) && stage.load("conformance-2") == "two",
           "erase() of one key is none, or of others as well");
}

void check_restart(Stage& stage) {
    stage.store(key, "kept");
    stage.make();
    expect(stage.load(key) == "kept", "what was stored is not there for the next instance");
    stage.erase(key);
    stage.make();
    expect(!stage.load(key), "what was erased is there for the next instance");
}

void check_leave(Stage& stage) {
    const auto beside = stage.subject().make<Cache>();
    stage.store("conformance-2", "of the one that uses it");
    expect_success("leave()", [&] { beside->leave(key, "left", stage.subject().call()); });
    expect(stage.load(key) == "left", "what was left beside is not found");
    stage.store("conformance-2", "stored after that");
    expect(stage.load("conformance-2") == "stored after that", "who left a document keeps others from storing");
}

/// Stores a document of that size. The cache has to keep it, or refuse it and keep the former document.
void check_size(Stage& stage, std::size_t size) {
    stage.store(key, "former");
    const std::string large(size, 'x');
    const auto error = error_of([&] { stage.cache().store(key, large, stage.subject().call()); });
    if (!error) return expect_same(stage.load(key), large);
    expect(error->kind() == ErrorKind::rejected || error->kind() == ErrorKind::unavailable,
           "store() failed as " + std::string(to_string(error->kind())) + ": " + error->what());
    expect(stage.load(key) == "former", "it was refused, and the former document is gone");
}

void check_large(Stage& stage) {
    for (const std::size_t size : {1U << 20U, 64U << 20U}) check_size(stage, size);
}

void expect_ends(Cache& cache, const Call& call, ErrorKind kind, Subject::Time bound) {
    expect_within(bound, "load()", [&] { expect_success_or("load()", {kind}, [&] { (void)cache.load(key, call); }); });
    expect_within(bound, "store()",
                  [&] { expect_success_or("store()", {kind}, [&] { cache.store(key, "document", call); }); });
    expect_within(bound, "erase()", [&] { expect_success_or("erase()", {kind}, [&] { cache.erase(key, call); }); });
}

void check_stopped(Stage& stage) {
    std::stop_source stop;
    stop.request_stop();
    expect_ends(stage.cache(), stage.subject().call(stop.get_token()), ErrorKind::cancelled, Subject::stop_bound);
}

void check_late(Stage& stage) {
    expect_ends(stage.cache(), stage.subject().call(Subject::Time(0)), ErrorKind::unavailable, Subject::late_bound);
}

/// A cache that cannot store a document must not return one either.
void check_unreachable(Subject& subject) {
    const auto cache = subject.make_unreachable<Cache>();
    const auto kinds = {ErrorKind::unavailable, ErrorKind::misconfigured};
    std::optional<std::string> document;
    expect_success_or("load()", kinds, [&] { document = cache->load(key, subject.call()); });
    expect(!document, "load() gives a document");
    expect_error("store()", kinds, [&] { cache->store(key, "document", subject.call()); });
}

/// A failed erase has to throw. Otherwise the engine would trust a snapshot that it believes to be erased.
void check_fault(Subject& subject, Fault fault) {
    const FaultPort port(fault);
    const auto cache = subject.make_at<Cache>(port);
    const auto kinds = {ErrorKind::unavailable};
    const auto call = [&] { return subject.call(Subject::short_time); };
    std::optional<std::string> document;
    expect_within(Subject::late_bound, "load()",
                  [&] { expect_success_or("load()", kinds, [&] { document = cache->load(key, call()); }); });
    expect(!document, "load() gives a document");
    expect_within(Subject::late_bound, "store()",
                  [&] { expect_error("store()", kinds, [&] { cache->store(key, "document", call()); }); });
    expect_within(Subject::late_bound, "erase()",
                  [&] { expect_error("erase()", kinds, [&] { cache->erase(key, call()); }); });
}

void check_stop_while_waiting(Subject& subject) {
    const FaultPort port(Fault::silent);
    const auto cache = subject.make_at<Cache>(port);
    with_late_stop([&](const std::stop_token& stop) {
        expect_within(Subject::stop_bound, "store()", [&] {
            expect_error("store() that is stopped", {ErrorKind::cancelled},
                         [&] { cache->store(key, "document", subject.call(stop)); });
        });
    });
}

}  // namespace

std::vector<Check> checks_of_caches() {
    return {
        {"a document that was never stored is none", on_stage(check_absent)},
        {"a document comes back as it went, byte for byte", on_stage(check_round_trip)},
        {"the document that was stored last is the one", on_stage(check_replacement)},
        {"each key has a document of its own", on_stage(check_keys)},
        {"documents outlive the instance", on_stage(check_restart)},
        {"a document that is left beside is found, and is in nobody's way", on_stage(check_leave)},
        {"a document that is too large leaves the former one", on_stage(check_large)},
        {"a call that was stopped before ends at once", on_stage(check_stopped)},
        {"a call past its deadline ends at once", on_stage(check_late)},
        {"out of reach, nothing is stored or loaded", check_unreachable},
        {"where nobody listens, nothing is stored, loaded or erased",
         [](Subject& subject) { check_fault(subject, Fault::refuses); }},
        {"where nobody answers, calls end at their deadline",
         [](Subject& subject) { check_fault(subject, Fault::silent); }},
        {"where nobody answers, calls end when they are stopped", check_stop_while_waiting},
    };
}

}  // namespace deployer::conformance
