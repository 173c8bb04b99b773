#include "answers.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/String.h>

#include <algorithm>

namespace deployer::probe {
namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

/// The text as a JSON object; null when it is none.
Object::Ptr parse(const std::string& text) {
    try {
        const auto value = Poco::JSON::Parser().parse(text);
        return value.type() == typeid(Object::Ptr) ? value.extract<Object::Ptr>() : nullptr;
    } catch (const Poco::Exception&) {
        return nullptr;
    }
}

/// The value of the key, in any letter case. Empty when the key is absent, or occurs several times and is ambiguous.
Var find(const Object& object, const std::string& name) {
    const auto is_meant = [&](const auto& member) { return Poco::icompare(member.first, name) == 0; };
    if (std::count_if(object.begin(), object.end(), is_meant) != 1) return {};
    return std::find_if(object.begin(), object.end(), is_meant)->second;
}

bool is_ok(const Object& check) {
    const auto ok = find(check, "ok");
    return ok.type() == typeid(bool) && ok.extract<bool>();
}

std::string name_of(const Object& check, std::size_t index) {
    const auto name = find(check, "name");
    return name.type() == typeid(std::string) ? quote(name.extract<std::string>())
                                              : "number " + std::to_string(index + 1);
}

}  // namespace

std::optional<std::string> find_failed_check(const std::string& answer) {
    const auto root = parse(answer);
    if (!root) return "the answer is no JSON object";
    const auto list = find(*root, "checks");
    if (list.type() != typeid(Array::Ptr)) return "the answer has no list of checks";
    const auto& checks = *list.extract<Array::Ptr>();
    std::vector<std::string> failed;
    for (std::size_t index = 0; index < checks.size(); ++index) {
        const auto check = checks.getObject(static_cast<unsigned>(index));
        if (!check) return "the answer's check number " + std::to_string(index + 1) + " is no JSON object";
        if (!is_ok(*check)) failed.push_back(name_of(*check, index));
    }
    if (failed.empty()) return std::nullopt;
    return std::to_string(failed.size()) + " of " + std::to_string(checks.size()) +
           (checks.size() == 1 ? " check" : " checks") + " not ok: " + enumerate(failed, ", ");
}

std::optional<std::string> etcd_value(const std::string& answer) {
    const auto root = parse(answer);
    const auto node = root ? root->getObject("node") : nullptr;
    const auto value = node ? node->get("value") : Var();
    return value.type() == typeid(std::string) ? std::optional(value.extract<std::string>()) : std::nullopt;
}

bool is_absent_key(const std::string& answer) {
    const auto root = parse(answer);
    const auto code = root ? root->get("errorCode") : Var();
    return code.isInteger() && code.toString() == "100";
}

std::string enumerate(const std::vector<std::string>& items, std::string_view separator) {
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t index = 0; index < std::min(items.size(), most); ++index) {
        if (index > 0) text += separator;
        text += items[index];
    }
    return items.size() > most ? text + " and " + std::to_string(items.size() - most) + " more" : text;
}

}  // namespace deployer::probe
