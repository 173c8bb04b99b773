#pragma once

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::json {

/// Thrown for a JSON document that does not have the shape that its reader needs.
class Mistake : public Poco::DataFormatException {
public:
    Mistake(std::string place, std::string_view problem);

    /// The place in the document: "units[3].name"; "the whole" for the document itself.
    [[nodiscard]] const std::string& place() const noexcept { return place_; }
    /// The problem at that place: "is missing".
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    std::string place_;
    std::string problem_;
};

/// An object of a JSON document, read strictly: Poco itself converts a value of another type, or gives null for it. All
/// members throw Mistake where a value is missing or has another type. Keys that no caller asks for are not checked.
class Fields {
public:
    /// `where` is the beginning of the places of the object's values: "units[3].", or "" for the document itself.
    explicit Fields(const Poco::Dynamic::Var& value, std::string where = {});

    [[nodiscard]] bool has(const std::string& key) const { return object_->has(key); }
    [[nodiscard]] bool has_more_than_null(const std::string& key) const { return has(key) && !object_->isNull(key); }
    [[nodiscard]] std::size_t size() const { return object_->size(); }
    [[nodiscard]] std::vector<std::string> keys() const { return object_->getNames(); }
    [[nodiscard]] Poco::Dynamic::Var value(const std::string& key) const { return object_->get(key); }

    [[nodiscard]] std::string text(const std::string& key) const;
    [[nodiscard]] std::optional<std::string> find_text(const std::string& key) const;
    /// A whole number, 0 or more.
    [[nodiscard]] std::uint64_t count(const std::string& key) const;
    [[nodiscard]] std::optional<std::uint64_t> find_count(const std::string& key) const;
    [[nodiscard]] bool flag(const std::string& key) const;
    [[nodiscard]] Fields object(const std::string& key) const { return Fields(value(key), where_ + key + '.'); }

    /// Calls `read(value, place)` for each item of a list, in order; `place` is "units[3]". Returns the results.
    template <class Read>
    [[nodiscard]] auto list(const std::string& key, const Read& read) const {
        const auto array = array_at(key);
        std::vector<decltype(read(Poco::Dynamic::Var(), std::string()))> items;
        items.reserve(array->size());
        visit(*array, key, [&](const auto& item, const std::string& place) { items.push_back(read(item, place)); });
        return items;
    }
    /// Calls `read(fields)` for each object of a list of objects, in order. Returns the results.
    template <class Read>
    [[nodiscard]] auto objects(const std::string& key, const Read& read) const {
        return list(key, [&](const Poco::Dynamic::Var& item, const std::string& place) {
            return read(Fields(item, place + '.'));
        });
    }
    /// Calls `read(fields)` for each object of a list of objects, in order, without results.
    template <class Take>
    void each(const std::string& key, const Take& take) const {
        visit(*array_at(key), key,
              [&](const auto& item, const std::string& place) { take(Fields(item, place + '.')); });
    }
    [[nodiscard]] std::vector<std::string> texts(const std::string& key) const;

    /// Throws Mistake about the value of this key; with an empty key, about the object itself.
    [[noreturn]] void refuse(std::string_view key, std::string_view problem) const;

private:
    [[nodiscard]] Poco::JSON::Array::Ptr array_at(const std::string& key) const;
    template <class Visit>
    void visit(const Poco::JSON::Array& array, const std::string& key, const Visit& visit_item) const {
        for (std::size_t index = 0; index < array.size(); ++index) {
            visit_item(array.get(static_cast<unsigned>(index)), where_ + key + '[' + std::to_string(index) + ']');
        }
    }

    std::string where_;
    Poco::JSON::Object::Ptr object_;
};

/// Reads an item of a list that has to be a text.
[[nodiscard]] std::string read_text(const Poco::Dynamic::Var& value, const std::string& place);

}  // namespace deployer::json
