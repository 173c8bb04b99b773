#pragma once

#include <Poco/JSON/Object.h>

#include <sstream>
#include <string>
#include <utility>

namespace deployer::json {

/// An object that is written with its keys in the order in which they were set.
[[nodiscard]] inline Poco::JSON::Object ordered_object() {
    return Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

/// The text of an object or array for `--output json`: indented, with a newline at the end.
template <class Json>
[[nodiscard]] std::string document_text(const Json& json) {
    std::ostringstream out;
    json.stringify(out, 2);
    out << '\n';
    return std::move(out).str();
}

}  // namespace deployer::json
