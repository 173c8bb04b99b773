#pragma once

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstddef>
#include <string>

namespace deployer {

// Parts of a JSON document that has to have them: each throws Poco::DataFormatException where it is missing or is
// something else. Poco itself converts, or gives null.

inline std::string text_of(const Poco::JSON::Object& object, const std::string& key) {
    const auto value = object.get(key);
    if (!value.isString()) throw Poco::DataFormatException(key);
    return value.extract<std::string>();
}

inline Poco::JSON::Array::Ptr array_of(const Poco::JSON::Object& object, const std::string& key) {
    auto array = object.getArray(key);
    if (!array) throw Poco::DataFormatException(key);
    return array;
}

inline Poco::JSON::Object::Ptr object_at(const Poco::JSON::Array& array, std::size_t index) {
    auto object = array.getObject(static_cast<unsigned>(index));
    if (!object) throw Poco::DataFormatException("object");
    return object;
}

}  // namespace deployer
