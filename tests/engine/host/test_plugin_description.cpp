#include "host/plugin_description.hpp"
#include "support/catch.hpp"
#include "support/thrown_error.hpp"

using namespace deployer;

namespace {

PluginDescriptor good() {
    return {plugin_magic,
            plugin_abi_major,
            plugin_abi_minor,
            sizeof(PluginDescriptor),
            PluginKind::target,
            plugin_toolchain,
            "a test",
            "target-good",
            "1.0",
            [](const Settings&) -> void* { return nullptr; },
            [](void*) noexcept {}};
}

std::string refusal(const PluginDescriptor& plugin, const std::filesystem::path& found) {
    const auto error = thrown_by([&] { check_description(plugin, found); });
    CHECK(error.kind() == ErrorKind::misconfigured);
    return error.what();
}

}  // namespace

TEST_CASE("a whole description of this ABI is taken for a file of its name", "[R1][R2]") {
    CHECK_NOTHROW(check_description(good(), "/plugins/target-good.so"));
    CHECK(refusal(good(), "/plugins/other.so") ==
          R"(calls itself "target-good", and its file "other.so"; rename the file to target-good.so)");
}

TEST_CASE("a description is read no further than it can be trusted", "[R1][R2]") {
    // With another size, pointers may stand elsewhere. So nothing behind the size may be looked at.
    auto plugin = good();
    plugin.struct_size = 8;
    plugin.toolchain = nullptr;
    plugin.name = nullptr;
    CHECK(refusal(plugin, "target-good.so").starts_with("has a description of 8 bytes"));
    plugin.abi_minor = plugin_abi_minor + 1;
    CHECK(refusal(plugin, "target-good.so").starts_with("needs plugin ABI"));
    plugin = good();
    plugin.name = nullptr;
    CHECK(refusal(plugin, "target-good.so") == "has a description without name (null)");
}
