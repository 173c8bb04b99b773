#include "json_tree.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <Poco/JSON/JSONException.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <cstddef>
#include <set>
#include <vector>

namespace deployer::mock {
namespace {

/// A state file of the largest size, as this plugin writes it, has fewer. Each takes far more memory than its text, an
/// object or a list most.
constexpr std::size_t element_limit = 3'000'000;
constexpr std::size_t branch_limit = 750'000;
constexpr std::size_t elements_between_checks = 4096;

/// Poco's own, but strict: Poco lets the last of equal keys win, so that half a cluster could be lost unnoticed.
class StrictHandler final : public Poco::JSON::ParseHandler {
public:
    explicit StrictHandler(const Call& call) : call_(call) {}

    void startObject() override {
        branch();
        levels_.emplace_back();
        ParseHandler::startObject();
    }
    void endObject() override {
        levels_.pop_back();
        ParseHandler::endObject();
    }
    void startArray() override {
        branch();
        levels_.emplace_back().is_array = true;
        ParseHandler::startArray();
    }
    void endArray() override {
        levels_.pop_back();
        ParseHandler::endArray();
    }
    void key(const std::string& name) override {
        auto& level = levels_.back();
        level.key = name;
        if (!level.keys.insert(name).second) throw Error(ErrorKind::rejected, where() + ": is there twice");
        ParseHandler::key(name);
    }
    void value(int number) override { take(number); }
    void value(unsigned number) override { take(number); }
    void value(Poco::Int64 number) override { take(number); }
    void value(Poco::UInt64 number) override { take(number); }
    void value(const std::string& text) override { take(text); }
    void value(double number) override { take(number); }
    void value(bool truth) override { take(truth); }
    void null() override {
        count();
        ParseHandler::null();
    }

    /// The latest element, as "units[3].name"; empty at the very beginning.
    [[nodiscard]] std::string where() const {
        std::string path;
        for (const auto& level : levels_) {
            if (level.is_array) {
                path += "[" + std::to_string(level.items == 0 ? 0 : level.items - 1) + "]";
            } else if (!level.key.empty()) {
                path += (path.empty() ? "" : ".") + printable(level.key);
            }
        }
        return path;
    }

private:
    struct Level {
        bool is_array = false;
        std::size_t items = 0;
        std::string key;
        std::set<std::string> keys;
    };

    template <class Value>
    void take(const Value& read) {
        count();
        ParseHandler::value(read);
    }

    void branch() {
        count();
        if (++branches_ > branch_limit) refuse(branch_limit, "objects and lists");
    }

    void count() {
        if (!levels_.empty()) ++levels_.back().items;
        if (++elements_ > element_limit) refuse(element_limit, "elements");
        if (elements_ % elements_between_checks == 0) call_.check("reading the state file");
    }

    [[noreturn]] void refuse(std::size_t limit, const std::string& what) const {
        throw Error(ErrorKind::rejected,
                    "it holds more than " + std::to_string(limit) + " " + what + ", at " + where());
    }

    const Call& call_;
    std::vector<Level> levels_;
    std::size_t branches_ = 0;
    std::size_t elements_ = 0;
};

}  // namespace

Poco::Dynamic::Var read_json(const std::string& text, const Call& call) {
    const Poco::SharedPtr<StrictHandler> handler(new StrictHandler(call));
    try {
        return Poco::JSON::Parser(handler).parse(text);
    } catch (const Poco::Exception& problem) {
        const auto where = handler->where();
        throw Error(ErrorKind::rejected, "is not JSON: " + printable(problem.message()) +
                                             (where.empty() ? std::string() : ", after " + where));
    }
}

}  // namespace deployer::mock
