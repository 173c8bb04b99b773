#include "message.hpp"
#include "promise.hpp"
#include "wanted/manifest.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_name.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

using namespace deployer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto manifest = read_manifest(text);
        std::set<std::string> names;
        for (const auto& service : manifest.services) {
            promise(!unit_name_problem(service.name), "a service has a valid name");
            promise(names.insert(service.name).second, "a name is there once");
            promise(service.count.has_value() == is_template(service.name), "exactly templates have a count");
            promise(service.count.value_or(0) >= 0, "a count is not negative");
            promise(!service.location.empty(), "a service file is somewhere");
            promise(service.line > 0, "a service stands on a line");
        }
        for (const auto& held : manifest.held) promise_message(held.error);
        for (const auto& warning : manifest.warnings) promise_message(warning);
    } catch (const Error& error) {
        promise(error.kind() == ErrorKind::rejected, "a bad manifest is rejected");
        promise_message(error.what());
    }
    return 0;
}
